import { member, type JsonObject } from '../json/json-value.ts';
import type { TranslationScope } from './translation-scope.ts';
import type { UsageTally } from './usage.ts';

/** The `service_tier` of the upstream: `default` keeps a request off the capacity that is paid for in advance, `auto` is the default of both. */
export function translateServiceTier(request: JsonObject, scope: TranslationScope): JsonObject {
  const tier = member(request, 'service_tier');
  if (tier === 'default') return { service_tier: 'standard_only' };
  if (tier !== undefined && tier !== 'auto') scope.ignore('service_tier');
  return {};
}

/** What OpenAI calls the upstream's tiers. */
const TIERS: Readonly<Record<string, string>> = { standard: 'default', priority: 'priority', batch: 'flex' };

/** The tier that served an answer; `undefined` where the upstream names none that OpenAI has a word for. */
export function servedTier(usage: UsageTally): string | undefined {
  const tier = usage.counts()?.serviceTier;
  return tier !== undefined && Object.hasOwn(TIERS, tier) ? TIERS[tier] : undefined;
}
