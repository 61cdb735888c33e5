import { isDeepStrictEqual } from 'node:util';
import { servesNative, type NativeConfig } from './native-upstreams.ts';
import type { GatewayConfig } from './gateway-config.ts';

/** Settings of `anthropic_native` that need a restart and decide where a credential goes, and on which way. */
const DESTINATION = ['base_url', 'allow_insecure_base_url', 'ca', 'proxy'] as const;

/** Settings of `anthropic_native` that can be reloaded, and that belong to a destination. */
const BOUND_PATHS = ['api_key', 'upstreams', 'routing', 'price_multiplier'].map((key) => `anthropic_native.${key}`);

/**
 * The reloadable paths that a reload does not apply, because they belong to another setting that changed and needs a restart. Applied by
 * halves, a new key would go to the old origin, and the key of a list of upstreams to the default one. The native side itself comes and goes with a restart:
 * neither the new configuration nor `mixed`, what would run if nothing were held, may begin or end it.
 */
export function heldTogether(old: GatewayConfig, next: GatewayConfig, mixed: NativeConfig): readonly string[] {
  const { anthropic_native: before } = old;
  const { anthropic_native: after } = next;
  const changesForm = (before.upstreams.length === 0) !== (after.upstreams.length === 0);
  const beginsOrEnds = [next, mixed].some((config) => servesNative(config) !== servesNative(old));
  return changesForm || beginsOrEnds || DESTINATION.some((key) => !isDeepStrictEqual(before[key], after[key])) ? BOUND_PATHS : [];
}
