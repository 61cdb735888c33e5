import type { GatewayConfig } from './gateway-config.ts';
import type { NativeUpstreamConfig } from './sections/native-upstreams-section.ts';
import type { PoolConfig, UpstreamTimeoutsConfig, UpstreamTimeoutsSettings } from './sections/upstream-settings.ts';

/** The name of the upstream where `anthropic_native` names only one, in its short form. */
export const ONLY_UPSTREAM = 'native';

/** An upstream of the native side with every default filled in. */
export interface EffectiveUpstream extends Omit<NativeUpstreamConfig, 'pool' | 'timeouts' | 'allow_insecure_base_url'> {
  readonly pool: PoolConfig;
  readonly timeouts: UpstreamTimeoutsConfig;
  readonly allow_insecure_base_url: boolean;
}

/** What decides whether there is a native side, and what its upstreams are. */
export type NativeConfig = Pick<GatewayConfig, 'anthropic_native' | 'bedrock' | 'vertex'>;

/** Whether there is a native side. Beside a cloud in its own format it may be absent: then nothing gives it a credential. */
export function servesNative({ anthropic_native: native, bedrock, vertex }: NativeConfig): boolean {
  return (bedrock === undefined && vertex === undefined) || native.credentials === 'forward' || native.api_key !== undefined || native.upstreams.length > 0;
}

/**
 * The upstreams that the native side really has: those of the list, or the one of `base_url` and `api_key`, whose credential may be the client's. None
 * without a native side.
 */
export function nativeUpstreams(config: NativeConfig): readonly EffectiveUpstream[] {
  const { anthropic_native: native } = config;
  const { base_url, api_key, ca, proxy, pool, timeouts, allow_insecure_base_url, price_multiplier } = native;
  if (!servesNative(config)) return [];
  if (native.upstreams.length === 0) {
    return [{ name: ONLY_UPSTREAM, kind: 'anthropic', base_url, credential: { api_key }, weight: 1, tier: 0, models: ['*'], model_map: {}, pool, timeouts, ca, proxy, allow_insecure_base_url, price_multiplier }];
  }
  return native.upstreams.map((upstream) => ({
    ...upstream, base_url: placeMembers(upstream), pool: upstream.pool ?? pool, timeouts: clocksOf(timeouts, upstream.timeouts), ca: upstream.ca ?? ca, proxy: upstream.proxy ?? proxy, allow_insecure_base_url: upstream.allow_insecure_base_url ?? allow_insecure_base_url,
    price_multiplier: upstream.price_multiplier ?? price_multiplier,
  }));
}

/** The name of the upstream that has what is kept: batches, files, skills, agents. `undefined` without a native side. */
export function statefulUpstream(config: NativeConfig): string | undefined {
  return config.anthropic_native.routing.stateful ?? nativeUpstreams(config)[0]?.name;
}

/** The `base_url` with the project and the location in place of their names. */
function placeMembers({ base_url: base, project_id: project, location }: NativeUpstreamConfig): string {
  return base.replaceAll('{project_id}', project ?? '{project_id}').replaceAll('{location}', location ?? '{location}');
}

/** A clock of its own, else that of the native side. */
function clocksOf(timeouts: UpstreamTimeoutsConfig, own: UpstreamTimeoutsSettings = {}): UpstreamTimeoutsConfig {
  const named = Object.fromEntries(Object.entries(own).filter(([, seconds]) => seconds !== undefined));
  return { ...timeouts, ...named };
}

/**
 * Whether a refusal of the gateway's own credential is explained: with several upstreams, and where persons sign in, who would take it for a
 * refusal of theirs; unless the configuration decides otherwise.
 */
export function explainsCredential({ anthropic_native: native, identity }: Pick<GatewayConfig, 'anthropic_native' | 'identity'>): boolean {
  return (native.upstream_auth_errors ?? (native.upstreams.length > 1 || identity.sign_in !== undefined ? 'explain' : 'relay')) === 'explain';
}
