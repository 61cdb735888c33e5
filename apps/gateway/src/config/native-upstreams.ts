import type { GatewayConfig } from './gateway-config.ts';
import type { NativeUpstreamConfig } from './sections/native-upstreams-section.ts';
import type { PoolConfig } from './sections/upstream-settings.ts';

/** The name of the upstream where `anthropic_native` names only one, in its short form. */
export const ONLY_UPSTREAM = 'native';

/** An upstream of the native side with every default filled in. */
export interface EffectiveUpstream extends Omit<NativeUpstreamConfig, 'pool' | 'allow_insecure_base_url'> {
  readonly pool: PoolConfig;
  readonly allow_insecure_base_url: boolean;
}

/** The upstreams that the native side really has: those of the list, or the one of `base_url` and `api_key`, whose credential may be the client's. */
export function nativeUpstreams({ anthropic_native: native }: Pick<GatewayConfig, 'anthropic_native'>): readonly EffectiveUpstream[] {
  const { base_url, api_key, ca, proxy, pool, allow_insecure_base_url, price_multiplier } = native;
  if (native.upstreams.length === 0) {
    return [{ name: ONLY_UPSTREAM, kind: 'anthropic', base_url, credential: { api_key }, weight: 1, tier: 0, models: ['*'], pool, ca, proxy, allow_insecure_base_url, price_multiplier }];
  }
  return native.upstreams.map((upstream) => ({
    ...upstream, pool: upstream.pool ?? pool, ca: upstream.ca ?? ca, proxy: upstream.proxy ?? proxy, allow_insecure_base_url: upstream.allow_insecure_base_url ?? allow_insecure_base_url,
    price_multiplier: upstream.price_multiplier ?? price_multiplier,
  }));
}

/**
 * Whether a refusal of the gateway's own credential is explained: with several upstreams, and where persons sign in, who would take it for a
 * refusal of theirs; unless the configuration decides otherwise.
 */
export function explainsCredential({ anthropic_native: native, identity }: Pick<GatewayConfig, 'anthropic_native' | 'identity'>): boolean {
  return (native.upstream_auth_errors ?? (native.upstreams.length > 1 || identity.sign_in !== undefined ? 'explain' : 'relay')) === 'explain';
}
