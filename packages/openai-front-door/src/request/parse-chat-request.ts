import { FrontDoorError } from '../errors/front-door-error.ts';
import { invalidType, isJsonObject, member, type JsonObject } from './json-value.ts';
import { parseJsonExactly } from './parse-json.ts';
import { duplicateMembers } from './top-level-members.ts';

const CHOSEN_MEMBERS: ReadonlySet<string> = new Set(['model', 'stream', 'max_tokens', 'max_completion_tokens', 'messages']);

/** Decodes and parses a JSON request body; 400 for anything that is not one JSON object, and for a doubled `model` or `stream`. */
export function parseJsonRequest(bytes: Uint8Array): JsonObject {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = parseJsonExactly(text);
  } catch (error) {
    // A SyntaxError quotes the text it failed on, which is the client's prompt: say only that it failed.
    throw new FrontDoorError('invalid_json', 'The request body is not valid JSON in UTF-8.', { cause: error });
  }
  if (!isJsonObject(value)) throw new FrontDoorError('invalid_json', 'The request body must be a JSON object.');
  const [duplicate] = duplicateMembers(text, CHOSEN_MEMBERS);
  if (duplicate !== undefined) throw new FrontDoorError('invalid_json', `The request body has more than one '${duplicate}'.`, { param: duplicate });
  return value;
}

/** The model that a request names, or the 400. */
export function requireModel(request: JsonObject): string {
  const model = member(request, 'model');
  if (typeof model !== 'string' || model === '') throw invalidType('model', 'a non-empty string', model === '' ? undefined : model);
  return model;
}
