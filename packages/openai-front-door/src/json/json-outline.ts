import { createStringEnds } from './json-strings.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** More values than any legitimate request has: a text counts once, however long it is. */
export const DEFAULT_MAX_REQUEST_VALUES = 500_000;

/** As many open objects and arrays as the native side takes, far below what overflows the stack of `JSON.stringify`. */
export const MAX_JSON_DEPTH = 1000;

/** What is known of a JSON text before it is parsed. */
export interface JsonOutline {
  /** At least as many values as the text holds; counted no further than a little over the bound. */
  readonly values: number;
  /** Whether more than `MAX_JSON_DEPTH` objects and arrays are open at once. */
  readonly isTooDeep: boolean;
  /** The names among those asked for that the root object has more than once, compared decoded. */
  readonly duplicates: readonly string[];
}

/** No name that is asked for is longer, with each of its characters written as an escape of six. */
const LONGEST_NAME = 256;

/** A member's name as parsers read it; of an invalid one, which they refuse, the text itself. */
function decodeName(text: string): string {
  if (!text.includes('\\')) return text.slice(1, -1);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isFollowedByColon(text: string, start: number): boolean {
  let index = start;
  while (text.charCodeAt(index) <= 0x20) index += 1;
  return text.charCodeAt(index) === COLON;
}

/**
 * Reads the outline of a JSON text in one pass, without building anything. A parsed value takes many times its text (`{}` thirty times), so
 * that a body within its limit could take gigabytes, and stop every other request for as long as it takes to parse. And parsers
 * disagree on which of two members wins, so that a relayed body with two models could pass a check that its upstream does not apply.
 */
export function outlineOf(text: string, names: ReadonlySet<string>, maxValues: number): JsonOutline {
  const endOfString = createStringEnds(text);
  const seen = new Set<string>();
  const duplicates = new Set<string>();
  let values = 1;
  let depth = 0;
  for (let index = 0; index < text.length && values <= maxValues && depth <= MAX_JSON_DEPTH;) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      const end = endOfString(index);
      if (depth === 1 && names.size > 0 && end - index <= LONGEST_NAME && isFollowedByColon(text, end)) {
        const name = decodeName(text.slice(index, end));
        if (seen.has(name)) duplicates.add(name);
        if (names.has(name)) seen.add(name);
      }
      index = end;
      continue;
    }
    if (code === COMMA) values += 1;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth += 1;
      values += 1;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1;
    index += 1;
  }
  return { values, isTooDeep: depth > MAX_JSON_DEPTH, duplicates: [...duplicates] };
}
