import { invalidType, invalidValue, isJsonObject, member, optionalNumber, requireArray, unsupported, type JsonObject } from '../json/json-value.ts';
import type { TranslationScope } from '../messages-core/translation-scope.ts';

/** A field of the request that is translated. */
export type TranslatedField =
  | 'messages' | 'model' | 'stream' | 'stream_options' | 'max_tokens' | 'max_completion_tokens' | 'temperature' | 'top_p' | 'stop' | 'n' | 'modalities'
  | 'tools' | 'tool_choice' | 'parallel_tool_calls' | 'functions' | 'function_call' | 'response_format' | 'reasoning_effort' | 'user' | 'safety_identifier'
  | 'thinking' | 'reasoning_content' | 'web_search_options' | 'service_tier';

/** Fields that are neither refused nor reported as a whole. A test compares them with those that the translators read. */
export const TRANSLATED: Readonly<Record<TranslatedField, true>> = {
  messages: true, model: true, stream: true, stream_options: true, max_tokens: true, max_completion_tokens: true, temperature: true, top_p: true, stop: true, n: true, modalities: true,
  tools: true, tool_choice: true, parallel_tool_calls: true, functions: true, function_call: true, response_format: true, reasoning_effort: true, user: true, safety_identifier: true,
  thinking: true, reasoning_content: true, web_search_options: true, service_tier: true,
};

/** Fields whose absence would change what the answer means, with what the client is told. */
const REFUSED: Readonly<Record<string, string>> = {
  moderation: 'moderation is not available',
};

const isFalse = (value: unknown): boolean => value === false;
const isZero = (value: unknown): boolean => value === 0;
const isEmpty = (value: unknown): boolean => isJsonObject(value) && Object.keys(value).length === 0;

/** Values that ask for what a request gets anyway, so that dropping them is not worth a report: some clients send them always. */
const ASKS_FOR_NOTHING: Readonly<Record<string, (value: unknown) => boolean>> = {
  logprobs: isFalse,
  store: isFalse,
  frequency_penalty: isZero,
  presence_penalty: isZero,
  top_logprobs: isZero,
  logit_bias: isEmpty,
  metadata: isEmpty,
  verbosity: (value) => value === 'medium',
};

function asksForNothing(name: string, value: unknown): boolean {
  if (value === null || value === undefined) return true;
  return Object.hasOwn(ASKS_FOR_NOTHING, name) && ASKS_FOR_NOTHING[name]?.(value) === true;
}

function checkModalities(request: JsonObject): void {
  const modalities = member(request, 'modalities');
  if (modalities === undefined) return;
  for (const [index, modality] of requireArray(modalities, 'modalities').entries()) {
    if (modality === 'audio') throw unsupported('modalities', 'audio is not available');
    if (modality !== 'text') throw invalidValue(`modalities[${index}]`, 'expected text');
  }
}

/** Refuses what would change the answer's meaning and reports every field that nothing here translates. */
export function applyFieldRules(request: JsonObject, scope: TranslationScope): void {
  const n = optionalNumber(request, 'n');
  if (n !== undefined && n !== 1) throw unsupported('n', 'only one choice is available');
  checkModalities(request);
  for (const [name, value] of Object.entries(request)) {
    if (Object.hasOwn(TRANSLATED, name) || asksForNothing(name, value)) continue;
    const reason = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
    if (reason !== undefined) throw unsupported(name, reason);
    scope.ignore(name);
  }
}

/** Whether and how the answer is streamed. */
export interface StreamWish {
  readonly isStream: boolean;
  readonly includeUsage: boolean;
}

/** Reads `stream` and `stream_options`. */
export function readStreamWish(request: JsonObject, scope: TranslationScope): StreamWish {
  const stream = member(request, 'stream');
  if (stream !== undefined && typeof stream !== 'boolean') throw invalidType('stream', 'a boolean', stream);
  const isStream = stream === true;
  const options = member(request, 'stream_options');
  if (options === undefined) return { isStream, includeUsage: false };
  if (!isJsonObject(options)) throw invalidType('stream_options', 'an object', options);
  if (!isStream) {
    scope.ignore('stream_options');
    return { isStream, includeUsage: false };
  }
  const includeUsage = member(options, 'include_usage') ?? false;
  if (typeof includeUsage !== 'boolean') throw invalidType('stream_options.include_usage', 'a boolean', includeUsage);
  for (const name of Object.keys(options)) {
    if (name !== 'include_usage' && member(options, name) !== undefined) scope.ignore(`stream_options.${name}`);
  }
  return { isStream, includeUsage };
}
