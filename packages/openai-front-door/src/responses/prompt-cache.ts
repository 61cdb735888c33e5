import { invalidType, invalidValue, isJsonObject, member, optionalBoolean, unsupported, type JsonObject } from '../json/json-value.ts';
import type { TranslationScope } from '../messages-core/translation-scope.ts';

const FIVE_MINUTES: JsonObject = { type: 'ephemeral' };
/** The upstream's longest. */
const ONE_HOUR: JsonObject = { type: 'ephemeral', ttl: '1h' };

/** How long a cached prompt is kept, by the names that OpenAI has for it. */
const LIFETIMES: Readonly<Record<string, JsonObject>> = { 'in-memory': FIVE_MINUTES, in_memory: FIVE_MINUTES, '24h': ONE_HOUR, '30m': ONE_HOUR, '12h': ONE_HOUR };
const OPTIONS: ReadonlySet<string> = new Set(['mode', 'ttl', 'prewarm']);

function lifetimeOf(value: unknown, param: string): JsonObject | undefined {
  if (value === undefined) return undefined;
  const lifetime = typeof value === 'string' && Object.hasOwn(LIFETIMES, value) ? LIFETIMES[value] : undefined;
  if (lifetime === undefined) throw invalidValue(param, `expected one of ${Object.keys(LIFETIMES).join(', ')}`);
  return lifetime;
}

/** What `prompt_cache_options` ask for: a lifetime, or no breakpoint but the client's own. */
function readOptions(value: unknown, scope: TranslationScope): { readonly isExplicit: boolean; readonly lifetime: JsonObject | undefined } {
  const param = 'prompt_cache_options';
  if (!isJsonObject(value)) throw invalidType(param, 'an object', value);
  scope.ignoreOthers(value, OPTIONS, param);
  if (optionalBoolean(value, 'prewarm', `${param}.prewarm`) === true) throw unsupported(`${param}.prewarm`, 'a request always makes an answer here; leave prewarm out');
  const mode = member(value, 'mode');
  if (mode !== undefined && mode !== 'implicit' && mode !== 'explicit') throw invalidValue(`${param}.mode`, 'expected implicit or explicit');
  return { isExplicit: mode === 'explicit', lifetime: lifetimeOf(member(value, 'ttl'), `${param}.ttl`) };
}

/**
 * Translates `prompt_cache_key`, `prompt_cache_retention` and `prompt_cache_options` to the `cache_control` of the upstream. OpenAI places a breakpoint at the end of each prompt unasked, the upstream
 * where it is asked to (automatic caching, https://platform.claude.com/docs/en/build-with-claude/prompt-caching), for a price: it is asked to for a client
 * that names any of the three, and so will send the same prefix again. The key itself has no counterpart.
 */
export function translatePromptCache(request: JsonObject, scope: TranslationScope): JsonObject {
  const key = member(request, 'prompt_cache_key');
  const options = member(request, 'prompt_cache_options');
  const retention = lifetimeOf(member(request, 'prompt_cache_retention'), 'prompt_cache_retention');
  if (key !== undefined && typeof key !== 'string') throw invalidType('prompt_cache_key', 'a string', key);
  const { isExplicit, lifetime } = options === undefined ? { isExplicit: false, lifetime: undefined } : readOptions(options, scope);
  if (isExplicit || (key === undefined && options === undefined && retention === undefined)) return {};
  // The client's own breakpoints come first.
  if (scope.hasBreakpointLeft()) return { cache_control: lifetime ?? retention ?? FIVE_MINUTES };
  scope.ignore('prompt_cache_key');
  return {};
}
