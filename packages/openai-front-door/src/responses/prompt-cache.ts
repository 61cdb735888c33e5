import { invalidType, invalidValue, member, type JsonObject } from '../json/json-value.ts';
import type { TranslationScope } from '../messages-core/translation-scope.ts';

/** Lifetimes of a cached prompt; the upstream's longest is an hour. */
const RETENTIONS: Readonly<Record<string, JsonObject>> = {
  'in-memory': { type: 'ephemeral' },
  in_memory: { type: 'ephemeral' },
  '24h': { type: 'ephemeral', ttl: '1h' },
};

/**
 * Translates `prompt_cache_key` and `prompt_cache_retention`: OpenAI caches prompts by itself, the upstream where it is asked to, at the end of the prompt
 * (automatic caching). A client that groups its requests by a key sends the same prefix again. The key itself has no counterpart.
 */
export function translatePromptCache(request: JsonObject, scope: TranslationScope): JsonObject | undefined {
  const key = member(request, 'prompt_cache_key');
  const retention = member(request, 'prompt_cache_retention');
  if (key !== undefined && typeof key !== 'string') throw invalidType('prompt_cache_key', 'a string', key);
  if (key === undefined && retention === undefined) return undefined;
  const named = retention ?? 'in_memory';
  const control = typeof named === 'string' && Object.hasOwn(RETENTIONS, named) ? RETENTIONS[named] : undefined;
  if (control === undefined) throw invalidValue('prompt_cache_retention', 'expected in_memory or 24h');
  // The client's own breakpoints come first.
  if (scope.hasBreakpointLeft()) return control;
  scope.ignore('prompt_cache_key');
  return undefined;
}
