import type { GatewayConfig } from '../config/gateway-config.ts';
import { configuredClouds } from '../config/configured-clouds.ts';
import { nativeUpstreams } from '../config/native-upstreams.ts';
import { frontDoorBackends } from '../config/front-door-backends.ts';
import type { PriceSettings } from './price-book.ts';

/** Reads the prices of all sides out of a configuration. */
export function readPriceSettings(config: GatewayConfig): PriceSettings {
  const given = [
    ...nativeUpstreams(config).map(({ name, price_multiplier: multiplier }) => [name, multiplier] as const),
    ...configuredClouds(config).map(({ name, config: { price_multiplier: multiplier } }) => [name, multiplier] as const),
    ...frontDoorBackends(config).map(({ name, price_multiplier: multiplier }) => [`front_door_${name}`, multiplier] as const),
  ];
  return { prices: config.prices, multipliers: Object.fromEntries(given.flatMap(([upstream, multiplier]) => (multiplier === undefined ? [] : [[upstream, multiplier] as const]))) };
}
