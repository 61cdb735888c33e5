import { randomUUID } from 'node:crypto';
import { createStringEnds } from './json-strings.ts';

/** As many digits as a double always keeps. */
const EXACT_DIGITS = 15;

/** The name of the one member of an object that stands for a number. It is random for each process, so no request text can hold it. */
const MARK = `number ${randomUUID()}`;

const MARKED = new RegExp(`\\{"${MARK}":"([^"]*)"\\}`, 'g');

/** Kept numbers become objects of their own, and a text of 3 MB may hold half a million: more than any schema or tool argument has. */
export const MAX_KEPT_NUMBERS = 50_000;

const QUOTE = 0x22;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const CAPITAL_E = 0x45;
const SMALL_E = 0x65;

/** A shorter number has at most `EXACT_DIGITS` digits, and is out of range only with an exponent. */
const SHORTEST_INEXACT = EXACT_DIGITS + 1;
/** A longer number has more digits than a double keeps, whatever they are. */
const LONGEST_EXACT = 64;

/** A valid JSON text that holds more numbers to be kept than `MAX_KEPT_NUMBERS`. */
export class TooManyNumbersError extends Error {
  override readonly name = 'TooManyNumbersError';
}

function isExact(source: string): boolean {
  if (source.length > LONGEST_EXACT) return false;
  const value = Number(source);
  if (String(value) === source) return true;
  const mantissa = source.split(/[eE]/)[0] ?? '';
  const isInRange = Number.isFinite(value) && (value !== 0 || !/[1-9]/.test(mantissa));
  return isInRange && mantissa.replaceAll(/\D/g, '').length <= EXACT_DIGITS;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

/** The index after the number that starts at `start`, in a text that is valid JSON. */
function endOfNumber(text: string, start: number): number {
  let index = start + 1;
  for (; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (!isDigit(code) && code !== DOT && code !== SMALL_E && code !== CAPITAL_E && code !== MINUS && code !== PLUS) break;
  }
  return index;
}

function mayBeInexact(source: string): boolean {
  return source.length >= SHORTEST_INEXACT || source.includes('e') || source.includes('E');
}

/**
 * Puts an object in the place of each number that would not survive. The text is valid JSON, so that whatever begins like a number outside of a
 * string is one. A reviver would see every value of the text, and takes half a minute for what this does in a tenth of a second.
 */
function markInexactNumbers(text: string): string {
  const endOfString = createStringEnds(text);
  const pieces: string[] = [];
  let copied = 0;
  for (let index = 0; index < text.length;) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      index = endOfString(index);
      continue;
    }
    if (!isDigit(code) && code !== MINUS) {
      index += 1;
      continue;
    }
    const end = endOfNumber(text, index);
    const source = text.slice(index, end);
    if (mayBeInexact(source) && !isExact(source)) {
      pieces.push(text.slice(copied, index), `{"${MARK}":"${source}"}`);
      copied = end;
      if (pieces.length > 2 * MAX_KEPT_NUMBERS) throw new TooManyNumbersError('the text holds too many numbers with more digits than a double keeps');
    }
    index = end;
  }
  return copied === 0 ? text : pieces.join('') + text.slice(copied);
}

/**
 * Parses JSON so that `stringifyExactly` gives the same numbers: an id of twenty digits in a schema or in tool arguments
 * stays what it was. The text is parsed as it is first: what is no JSON costs no more than that. Throws what `JSON.parse` throws, or a
 * `TooManyNumbersError`.
 */
export function parseJsonExactly(text: string): unknown {
  let value: unknown = JSON.parse(text);
  const marked = markInexactNumbers(text);
  if (marked === text) return value;
  // The first reading is not needed beside the second.
  value = undefined;
  return JSON.parse(marked);
}

/** Writes a value with the numbers that `parseJsonExactly` kept. Throws what `JSON.stringify` throws. */
export function stringifyExactly(value: unknown): string {
  const text = JSON.stringify(value);
  return text.includes(MARK) ? text.replaceAll(MARKED, '$1') : text;
}

function markedSource(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, MARK)) return undefined;
  return String((value as Readonly<Record<string, unknown>>)[MARK]);
}

/** Whether a parsed value is a number that was kept as text; to JavaScript it looks like an object. */
export function isKeptNumber(value: unknown): boolean {
  return markedSource(value) !== undefined;
}

/** A parsed number, be it one that was kept as text; any other value as it is. */
export function asNumber(value: unknown): unknown {
  const source = markedSource(value);
  return source === undefined ? value : Number(source);
}
