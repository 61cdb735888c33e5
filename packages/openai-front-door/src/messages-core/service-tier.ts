import { member, type JsonObject } from '../json/json-value.ts';
import type { TranslationScope } from './translation-scope.ts';

/** `service_tier` as the upstream has it: `default` keeps a request off the capacity that is paid for in advance, `auto` is the default of both. */
export function translateServiceTier(request: JsonObject, scope: TranslationScope): 'standard_only' | undefined {
  const tier = member(request, 'service_tier');
  if (tier === 'default') return 'standard_only';
  if (tier !== undefined && tier !== 'auto') scope.ignore('service_tier');
  return undefined;
}
