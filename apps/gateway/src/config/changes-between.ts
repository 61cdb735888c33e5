import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from './config-error.ts';
import { findCrossFieldProblems, ruleContext } from './problems/find-problems.ts';
import { gatewayConfigSchema } from './gateway-config.ts';
import { heldTogether } from './held-together.ts';
import { isFields } from './reading/overrides.ts';
import { reloadablePaths } from './reference/config-json-schema.ts';
import type { GatewayConfig } from './gateway-config.ts';
import type { LoadedConfig } from './load-config.ts';

/** The effect of a reload, by path; no values, which may be secret. */
export interface ConfigChanges {
  readonly applied: readonly string[];
  readonly restartRequired: readonly string[];
}

let knownPaths: readonly string[] | undefined;

/** Whether a path is reloadable by the definition of its key. The schema is walked at the first reload, not at the start. */
function isReloadable(path: string, held: readonly string[]): boolean {
  knownPaths ??= reloadablePaths();
  return isBelow(knownPaths, path) && !isBelow(held, path);
}

function isBelow(paths: readonly string[], path: string): boolean {
  return paths.some((known) => path === known || path.startsWith(`${known}.`));
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
  // Ignore the order of named entries unless it is the only difference. A key without a value is an absent one, which a mix may have.
  const inside = [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((key) =>
    differences(left[key], right[key], path === '' ? key : `${path}.${key}`));
  return inside.length === 0 && Array.isArray(before) ? [path] : inside;
}

/** The leaf paths in which two configurations differ, by whether they take effect without a restart. */
export function changesBetween(before: GatewayConfig, after: GatewayConfig): ConfigChanges {
  const paths = differences(before, after, '').filter((path) => path !== '$schema');
  const held = heldBetween(before, after);
  return { applied: paths.filter((path) => isReloadable(path, held)), restartRequired: paths.filter((path) => !isReloadable(path, held)) };
}

/**
 * The configuration that runs after a reload: the new one where that takes effect without a restart, the old one elsewhere.
 * Two files that are each sound can mix into one that is not (clients removed, while the open host stays), so the mix is checked
 * by the same rules as the new one; a `ConfigError` then means that the old configuration must stay.
 */
export function mergeReloaded(before: GatewayConfig, after: GatewayConfig, options: Pick<LoadedConfig, 'simulate'>): GatewayConfig {
  const merged = gatewayConfigSchema.parse(mix(before, after, '', heldBetween(before, after)));
  const problems = findCrossFieldProblems(merged, ruleContext(options.simulate));
  if (problems.length > 0) throw new ConfigError('invalid', 'reloaded, with the settings that need a restart', problems);
  return merged;
}

/** The reloadable paths that keep their old values, because of the whole that the others would be. */
function heldBetween(before: GatewayConfig, after: GatewayConfig): readonly string[] {
  return heldTogether(before, after, mix(before, after, '', []) as GatewayConfig);
}

function mix(before: unknown, after: unknown, path: string, held: readonly string[]): unknown {
  if (path !== '' && isReloadable(path, held)) return after;
  if (!isFields(before) || !isFields(after)) return before;
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return Object.fromEntries([...keys].map((key) => [key, mix(before[key], after[key], path === '' ? key : `${path}.${key}`, held)]));
}
