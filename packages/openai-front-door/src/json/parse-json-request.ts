import { FrontDoorError } from '../errors/front-door-error.ts';
import { DEFAULT_MAX_REQUEST_VALUES, MAX_JSON_DEPTH, outlineOf, type JsonOutline } from './json-outline.ts';
import { invalidType, isJsonObject, member, type JsonObject } from './json-value.ts';
import { MAX_KEPT_NUMBERS, parseJsonExactly, TooManyNumbersError } from './parse-json.ts';

const CHOSEN_MEMBERS: ReadonlySet<string> = new Set(['model', 'stream', 'max_tokens', 'max_completion_tokens', 'messages']);

function invalidJson(cause: unknown): FrontDoorError {
  // A SyntaxError quotes the text it failed on, which is the client's prompt: say only that it failed.
  return new FrontDoorError('invalid_json', 'The request body is not valid JSON in UTF-8.', { cause });
}

function decode(bytes: Uint8Array): string {
  try {
    // A byte order mark stays in the text, for the parser to refuse: RFC 8259 section 8.1 forbids senders to add one.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw invalidJson(error);
  }
}

function parse(text: string): unknown {
  try {
    return parseJsonExactly(text);
  } catch (error) {
    if (error instanceof TooManyNumbersError) {
      throw new FrontDoorError('too_large', `The request body holds more than ${MAX_KEPT_NUMBERS} numbers with more digits than can be kept.`, { cause: error });
    }
    throw invalidJson(error);
  }
}

function requireOneOfEach({ duplicates: [duplicate] }: JsonOutline): void {
  if (duplicate !== undefined) throw new FrontDoorError('invalid_json', `The request body has more than one '${duplicate}'.`, { param: duplicate });
}

/**
 * Decodes and parses a JSON request body; 400 for anything that is not one JSON object and for a doubled `model` or `stream`,
 * 413 for one of more values than `maxValues`, before they are built.
 */
export function parseJsonRequest(bytes: Uint8Array, maxValues: number = DEFAULT_MAX_REQUEST_VALUES): JsonObject {
  const text = decode(bytes);
  const outline = outlineOf(text, CHOSEN_MEMBERS, maxValues);
  if (outline.values > maxValues) throw new FrontDoorError('too_large', `The request body holds more than ${maxValues} JSON values.`);
  if (outline.isTooDeep) throw new FrontDoorError('invalid_json', `The request body is nested too deeply: at most ${MAX_JSON_DEPTH} objects and arrays may be open at once.`);
  const value = parse(text);
  if (!isJsonObject(value)) throw new FrontDoorError('invalid_json', 'The request body must be a JSON object.');
  requireOneOfEach(outline);
  return value;
}

/** The model that a request names, or the 400. */
export function requireModel(request: JsonObject): string {
  const model = member(request, 'model');
  if (typeof model !== 'string' || model === '') throw invalidType('model', 'a non-empty string', model === '' ? undefined : model);
  return model;
}
