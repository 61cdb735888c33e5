import type { JsonObject } from './usage-fields.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** From here on asking the runtime for the next quote is cheaper than looking byte by byte. */
const SHORT_STRING = 24;

/**
 * The members of these names of a JSON object, at its top level, without parsing the rest: an answer is mostly text, and what is to be
 * read of it is a hundred bytes. What is skipped is not validated beyond where its strings and brackets end. The last of several
 * members of a name counts, as it does for `JSON.parse`. `undefined` for what is no such object or has an escape in a top-level name:
 * then only parsing tells. Throws a `SyntaxError` where a wanted value is no JSON.
 */
export function skimMembers(body: Buffer, names: readonly string[]): JsonObject | undefined {
  const found: Record<string, unknown> = {};
  let index = afterSpace(body, 0);
  if (body[index] !== OPEN_BRACE) return undefined;
  do {
    const nameStart = afterSpace(body, index + 1) + 1;
    if (body[nameStart - 1] !== QUOTE) return undefined;
    const nameEnd = endOfString(body, nameStart) - 1;
    if (nameEnd < nameStart || hasEscape(body, nameStart, nameEnd)) return undefined;
    const colon = afterSpace(body, nameEnd + 1);
    if (body[colon] !== COLON) return undefined;
    const start = afterSpace(body, colon + 1);
    const end = endOfValue(body, start);
    if (end <= start) return undefined;
    const name = names.find((candidate) => isNamed(body, nameStart, nameEnd, candidate));
    if (name !== undefined) found[name] = JSON.parse(body.toString('utf8', start, end)) as unknown;
    index = afterSpace(body, end);
  } while (body[index] === COMMA);
  return body[index] === CLOSE_BRACE && afterSpace(body, index + 1) === body.length ? found : undefined;
}

/** The four that JSON takes for space (RFC 8259 section 2). */
function afterSpace(body: Buffer, from: number): number {
  let index = from;
  for (;;) {
    const byte = body[index];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return index;
    index += 1;
  }
}

function isNamed(body: Buffer, start: number, end: number, name: string): boolean {
  if (end - start !== name.length) return false;
  for (let offset = 0; offset < name.length; offset += 1) if (body[start + offset] !== name.charCodeAt(offset)) return false;
  return true;
}

function hasEscape(body: Buffer, start: number, end: number): boolean {
  for (let index = start; index < end; index += 1) if (body[index] === BACKSLASH) return true;
  return false;
}

/** Behind the closing quote of a string whose text begins at `from`; -1 where it does not close. */
function endOfString(body: Buffer, from: number): number {
  const { length } = body;
  const shortEnd = Math.min(length, from + SHORT_STRING);
  let index = from;
  for (; index < shortEnd; index += 1) {
    if (body[index] === QUOTE) return index + 1;
    if (body[index] === BACKSLASH) index += 1;
  }
  for (let quote = body.indexOf(QUOTE, index); quote !== -1; quote = body.indexOf(QUOTE, quote + 1)) {
    let escapes = quote;
    // An escape that began before `index` was stepped over with what it escapes.
    while (escapes > index && body[escapes - 1] === BACKSLASH) escapes -= 1;
    if ((quote - escapes) % 2 === 0) return quote + 1;
  }
  return -1;
}

/** Behind a value; not behind `start` where there is none, or where it does not end. */
function endOfValue(body: Buffer, start: number): number {
  const { length } = body;
  let depth = 0;
  let index = start;
  while (index < length) {
    switch (body[index]) {
      case QUOTE:
        index = endOfString(body, index + 1);
        if (index === -1) return -1;
        if (depth === 0) return index;
        continue;
      case OPEN_BRACKET:
      case OPEN_BRACE:
        depth += 1;
        break;
      case CLOSE_BRACKET:
      case CLOSE_BRACE:
        if (depth === 0) return index;
        depth -= 1;
        if (depth === 0) return index + 1;
        break;
      case COMMA:
      case 0x20: case 0x0a: case 0x0d: case 0x09:
        if (depth === 0) return index;
        break;
      default:
    }
    index += 1;
  }
  return -1;
}
