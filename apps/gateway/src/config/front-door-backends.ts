import { nativeUpstreams } from './native-upstreams.ts';
import type { BackendConfig, ModelRuleConfig } from './sections/front-door-section.ts';
import type { GatewayConfig } from './gateway-config.ts';

/** A backend of the front door with every default filled in. */
export type EffectiveBackend = BackendConfig & { readonly base_url: string; readonly version: string };

const DEFAULT_BASE_URLS = { anthropic: 'https://api.anthropic.com', openai: 'https://api.openai.com/v1' } as const;

/**
 * The backends that the front door really has. With none configured it copies those of `anthropic_native`, but only under
 * `inject`: under `forward` that key is not for every caller, and there are none.
 */
export function frontDoorBackends(config: GatewayConfig): readonly EffectiveBackend[] {
  const { openai_front_door: frontDoor, anthropic_native: native } = config;
  if (!frontDoor.enabled) return [];
  const version = frontDoor.version ?? native.version;
  if (frontDoor.backends.length > 0) {
    return frontDoor.backends.map((backend) => ({
      ...backend, base_url: backend.base_url ?? DEFAULT_BASE_URLS[backend.kind], version: backend.version ?? version,
    }));
  }
  if (native.credentials === 'forward') return [];
  // The first whose credential is a key of its own and that names models as clients do: the front door has an upstream client for itself, and no map.
  const upstream = nativeUpstreams(config).find(({ kind, credential, model_map: map }) => native.upstreams.length === 0 || (kind === 'anthropic' && credential.api_key !== undefined && Object.keys(map).length === 0));
  if (upstream === undefined) return [];
  const { base_url, credential: { api_key }, ca, proxy, price_multiplier, allow_insecure_base_url } = upstream;
  return [{ name: 'anthropic', kind: 'anthropic', base_url, api_key, version, ca, proxy, price_multiplier, allow_insecure_base_url }];
}

/** Whether two backends are one place, reached in one way: then the credential of either is for the other. */
export function isSamePlace(one: EffectiveBackend, other: EffectiveBackend): boolean {
  return one.kind === other.kind && one.base_url === other.base_url && one.ca === other.ca && one.proxy === other.proxy;
}

/** Whether backends that are copied from the native side came, went or moved since the start: they are made at the start only. */
export function backendsWaitForRestart(started: GatewayConfig, now: GatewayConfig): boolean {
  const [before, after] = [frontDoorBackends(started), frontDoorBackends(now)];
  return before.length !== after.length || before.some((backend, index) => {
    const next = after[index];
    return next === undefined || backend.name !== next.name || !isSamePlace(backend, next);
  });
}

/** The model rules that the front door really has, each with its backend named. */
export function frontDoorModels(config: GatewayConfig): readonly (ModelRuleConfig & { readonly backend: string })[] {
  const [first] = frontDoorBackends(config);
  if (first === undefined) return [];
  const { models } = config.openai_front_door;
  if (models.length > 0) return models.map((rule) => ({ ...rule, backend: rule.backend ?? first.name }));
  return [{ model: first.kind === 'anthropic' ? 'claude-*' : '*', backend: first.name }];
}
