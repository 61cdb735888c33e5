import { invalidType, isJsonObject, member, optionalBoolean, unsupported, type JsonObject } from '../json/json-value.ts';
import type { TranslationScope } from '../messages-core/translation-scope.ts';

/** A field of the request that is translated. */
export type ResponseField =
  | 'model' | 'input' | 'instructions' | 'stream' | 'stream_options' | 'max_output_tokens' | 'temperature' | 'top_p' | 'tools' | 'tool_choice' | 'parallel_tool_calls'
  | 'text' | 'reasoning' | 'user' | 'safety_identifier' | 'include' | 'thinking' | 'prompt_cache_key' | 'prompt_cache_retention' | 'prompt_cache_options' | 'service_tier';

/** Fields that are neither refused nor reported as a whole. A test compares them with those that the translators read. */
export const TRANSLATED: Readonly<Record<ResponseField, true>> = {
  model: true, input: true, instructions: true, stream: true, stream_options: true, max_output_tokens: true, temperature: true, top_p: true, tools: true, tool_choice: true, parallel_tool_calls: true,
  text: true, reasoning: true, user: true, safety_identifier: true, include: true, thinking: true, prompt_cache_key: true, prompt_cache_retention: true, prompt_cache_options: true, service_tier: true,
};

const SEND_ALL = 'nothing is stored here; send the whole input with every request, with "store": false';

/** Fields whose absence would change what the answer means, with the way out. */
const REFUSED: Readonly<Record<string, string>> = {
  previous_response_id: SEND_ALL,
  conversation: SEND_ALL,
  prompt: 'stored prompts are not available here; send their text as instructions and input',
  background: 'a response is made while the request waits; leave background out, and stream',
  max_tool_calls: 'the number of calls is not bounded here; count the calls in the client',
  context_management: 'the context is not managed here; shorten or compact the input in the client',
  moderation: 'moderation is not available',
};

/** Values that ask for what a request gets anyway. */
const ASKS_FOR_NOTHING: Readonly<Record<string, (value: unknown) => boolean>> = {
  background: (value) => value === false,
  store: (value) => value === false,
  truncation: (value) => value === 'disabled',
  top_logprobs: (value) => value === 0,
  frequency_penalty: (value) => value === 0,
  presence_penalty: (value) => value === 0,
  metadata: (value) => isJsonObject(value) && Object.keys(value).length === 0,
  // Ids of the client's own.
  client_metadata: () => true,
  context_management: (value) => Array.isArray(value) && value.length === 0,
};

/** What an answer may be asked to include that every answer includes. */
const INCLUDED: ReadonlySet<unknown> = new Set(['reasoning.encrypted_content']);

function checkInclude(request: JsonObject, scope: TranslationScope): void {
  const include = member(request, 'include');
  if (include === undefined) return;
  if (!Array.isArray(include)) throw invalidType('include', 'an array', include);
  if (!include.every((name) => INCLUDED.has(name))) scope.ignore('include');
}

/** Refuses what would change the answer's meaning and reports every field that nothing here translates. */
export function applyResponseFieldRules(request: JsonObject, scope: TranslationScope): void {
  checkInclude(request, scope);
  if (member(request, 'truncation') === 'auto') throw unsupported('truncation', 'the input is never shortened here; shorten it in the client');
  for (const name of Object.keys(request)) {
    const value = member(request, name);
    if (value === undefined || Object.hasOwn(TRANSLATED, name)) continue;
    if (Object.hasOwn(ASKS_FOR_NOTHING, name) && ASKS_FOR_NOTHING[name]?.(value) === true) continue;
    const reason = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
    if (reason !== undefined) throw unsupported(name, reason);
    scope.ignore(name);
  }
}

/** Whether the answer is streamed. Options of the stream have no counterpart. */
export function readResponseStream(request: JsonObject, scope: TranslationScope): boolean {
  const isStream = optionalBoolean(request, 'stream') === true;
  const options = member(request, 'stream_options');
  if (options === undefined) return isStream;
  if (!isJsonObject(options)) throw invalidType('stream_options', 'an object', options);
  for (const [name, value] of Object.entries(options)) if (value !== null && value !== false) scope.ignore(`stream_options.${name}`);
  return isStream;
}
