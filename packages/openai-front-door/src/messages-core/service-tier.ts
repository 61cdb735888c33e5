import { member, type JsonObject } from '../json/json-value.ts';
import type { TranslationScope } from './translation-scope.ts';

/** The `service_tier` of the upstream: `default` keeps a request off the capacity that is paid for in advance, `auto` is the default of both. */
export function translateServiceTier(request: JsonObject, scope: TranslationScope): JsonObject {
  const tier = member(request, 'service_tier');
  if (tier === 'default') return { service_tier: 'standard_only' };
  if (tier !== undefined && tier !== 'auto') scope.ignore('service_tier');
  return {};
}
