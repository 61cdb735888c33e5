import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from './config-error.ts';
import { findCrossFieldProblems, ruleContext } from './problems/find-problems.ts';
import { gatewayConfigSchema } from './gateway-config.ts';
import { isFields } from './is-fields.ts';
import type { GatewayConfig } from './gateway-config.ts';
import type { LoadedConfig } from './load-config.ts';

/** What a reload would do, by path; no values, which may be secret. */
export interface ConfigChanges {
  readonly applied: readonly string[];
  readonly restartRequired: readonly string[];
}

/** The paths that take effect without a restart. A path covers everything below it. */
export const RELOADABLE_PATHS: readonly string[] = [
  'clients',
  'limits.on_store_failure',
  'log.level',
  'server.tls.cert',
  'server.tls.key',
  'anthropic_native.api_key',
  'anthropic_native.timeout',
  'anthropic_native.timeouts',
  'anthropic_native.pool',
  'openai_front_door.max_output_tokens',
  'openai_front_door.route_groups',
  'openai_front_door.models',
  'openai_front_door.model_capabilities',
  'openai_front_door.timeout',
  'openai_front_door.timeouts',
  'openai_front_door.pool',
];

function isReloadable(path: string): boolean {
  return RELOADABLE_PATHS.some((known) => path === known || path.startsWith(`${known}.`));
}

/** Lists entry by entry under their names, so that one changed client is one path. */
function namedEntries(list: readonly unknown[]): Readonly<Record<string, unknown>> | undefined {
  const entries = list.flatMap((item): [string, unknown][] => (isFields(item) && typeof item['name'] === 'string' ? [[item['name'], item]] : []));
  return entries.length === list.length ? Object.fromEntries(entries) : undefined;
}

function differences(before: unknown, after: unknown, path: string): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  const [left, right] = [before, after].map((value) => (Array.isArray(value) ? namedEntries(value) : value));
  if (!isFields(left) || !isFields(right)) return [path];
  // The order of named entries is no difference that anybody could notice, unless nothing else differs.
  const inside = [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((key) =>
    differences(left[key], right[key], path === '' ? key : `${path}.${key}`));
  return inside.length === 0 ? [path] : inside;
}

/** The leaf paths in which two configurations differ, by whether they take effect without a restart. */
export function changesBetween(before: GatewayConfig, after: GatewayConfig): ConfigChanges {
  const paths = differences(before, after, '').filter((path) => path !== '$schema');
  return { applied: paths.filter(isReloadable), restartRequired: paths.filter((path) => !isReloadable(path)) };
}

/**
 * The configuration that runs after a reload: the new one where that takes effect without a restart, the old one elsewhere.
 * Two files that are each sound can mix into one that is not (clients removed, while the open host stays), so the mix is checked
 * by the same rules as the new one; a `ConfigError` then means that the old configuration must stay.
 */
export function mergeReloaded(before: GatewayConfig, after: GatewayConfig, options: Pick<LoadedConfig, 'simulate'>): GatewayConfig {
  const merged = gatewayConfigSchema.parse(mix(before, after, ''));
  const problems = findCrossFieldProblems(merged, ruleContext(options.simulate));
  if (problems.length > 0) throw new ConfigError('invalid', 'reloaded, with the settings that need a restart', problems);
  return merged;
}

function mix(before: unknown, after: unknown, path: string): unknown {
  if (path !== '' && isReloadable(path)) return after;
  if (!isFields(before) || !isFields(after)) return before;
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return Object.fromEntries([...keys].map((key) => [key, mix(before[key], after[key], path === '' ? key : `${path}.${key}`)]));
}
