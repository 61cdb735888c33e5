import { nearestName } from '@penstock/option-names';
import { frontDoorBackends } from '../front-door-backends.ts';
import { configuredClouds } from '../configured-clouds.ts';
import { nativeUpstreams } from '../native-upstreams.ts';
import { valueProblem, type ConfigProblem } from '../config-error.ts';
import { nameReceived } from '../problems/secret-fields.ts';
import type { CrossFieldRule } from './cross-field-rule.ts';

const pricesAreDistinct: CrossFieldRule = {
  reads: ['prices'],
  check: ({ prices }) => {
    const seen = new Map<string, number>();
    return prices.flatMap(({ model, upstream = '' }, index): ConfigProblem[] => {
      const key = `${upstream} ${model}`;
      const first = seen.get(key);
      if (first !== undefined) return [valueProblem(`prices[${index}].model`, `another model or upstream than prices[${first}]`, nameReceived(model, false), 'remove one of the two')];
      seen.set(key, index);
      return [];
    });
  },
};

const pricesNameTheirUpstream: CrossFieldRule = {
  reads: ['prices', 'anthropic_native', 'openai_front_door', 'bedrock', 'vertex'],
  check: (config) => {
    const names = [...nativeUpstreams(config).map(({ name }) => name), ...frontDoorBackends(config).map(({ name }) => `front_door_${name}`), ...configuredClouds(config).map(({ name }) => name)];
    return config.prices.flatMap(({ upstream }, index): ConfigProblem[] => {
      if (upstream === undefined || names.includes(upstream)) return [];
      const near = nearestName(upstream, names);
      return [valueProblem(`prices[${index}].upstream`, `absent or one of ${names.join(', ')}`, nameReceived(upstream, false), near === undefined ? '' : `did you mean ${JSON.stringify(near)}?`)];
    });
  },
};

/** Prices are told apart by model and upstream, and their upstreams exist. */
export const priceRules: readonly CrossFieldRule[] = [pricesAreDistinct, pricesNameTheirUpstream];
