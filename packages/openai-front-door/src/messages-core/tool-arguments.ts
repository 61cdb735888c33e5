import { isJsonObject, requireString, type JsonObject } from '../json/json-value.ts';
import type { TranslationScope } from './translation-scope.ts';

/** The member under which arguments that are no JSON object are given back, as Anthropic documents it for calls that were cut (fine-grained tool streaming). */
const INVALID_JSON = 'INVALID_JSON';

/**
 * The `input` of a call in the history; an empty text means no arguments. An answer that ended at its output bound leaves a call with half of its
 * arguments, and the client sends it back with every turn: what is no JSON object is wrapped in one, and reported.
 */
export function parseArguments(value: unknown, param: string, reported: string, scope: TranslationScope): JsonObject {
  const text = requireString(value, param);
  if (text.trim() === '') return {};
  const input = scope.parseText(text, param);
  if (isJsonObject(input)) return input;
  scope.ignore(reported);
  return { [INVALID_JSON]: text };
}
