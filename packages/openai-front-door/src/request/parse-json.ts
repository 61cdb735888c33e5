import { randomUUID } from 'node:crypto';

/** A text that may hold a number JavaScript would not write back as it was read: too many digits, or a long exponent. */
const MAYBE_INEXACT = /\d{16}|\d\.\d{12}|\d[eE][+-]?\d{3}/;

/** As many digits as a double always keeps. */
const EXACT_DIGITS = 15;

/** The name of the one member of an object that stands for a number. Nobody outside this process can guess it, so no text can hold one. */
const MARK = `number ${randomUUID()}`;

const MARKED = new RegExp(`\\{"${MARK}":"([^"]*)"\\}`, 'g');

/** A number as JSON writes it (RFC 8259 section 6). */
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const MORE_OF_A_NUMBER = /[\d.eE+-]/;

/** Texts and numbers, whichever comes next: whatever stands inside a text is none. */
const TEXT_OR_NUMBER = /"|-?\d/g;

function isExact(source: string): boolean {
  const value = Number(source);
  const mantissa = source.split(/[eE]/)[0] ?? '';
  const isInRange = Number.isFinite(value) && (value !== 0 || !/[1-9]/.test(mantissa));
  return isInRange && mantissa.replaceAll(/\D/g, '').length <= EXACT_DIGITS;
}

/** The index after the string that starts at `start`; a quote ends it unless an odd number of backslashes stands before it. */
export function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return text.length;
}

/**
 * Puts an object in the place of each number that would not survive. A value stands for a value, so that the text is valid if it
 * was before, and only then. A reviver would see every value of the text, and takes half a minute for what this does in one second.
 */
function markInexactNumbers(text: string): string {
  let marked = '';
  let copied = 0;
  TEXT_OR_NUMBER.lastIndex = 0;
  for (let found = TEXT_OR_NUMBER.exec(text); found !== null; found = TEXT_OR_NUMBER.exec(text)) {
    const start = found.index;
    let end = start + 1;
    if (text[start] === '"') {
      end = endOfString(text, start);
    } else {
      NUMBER.lastIndex = start;
      const source = NUMBER.exec(text)?.[0] ?? '';
      end = start + Math.max(1, source.length);
      // What is no number of JSON stays, for the parser to refuse.
      if (source !== '' && !MORE_OF_A_NUMBER.test(text[end] ?? '') && !isExact(source)) {
        marked += `${text.slice(copied, start)}{"${MARK}":"${source}"}`;
        copied = end;
      }
    }
    TEXT_OR_NUMBER.lastIndex = end;
  }
  return copied === 0 ? text : marked + text.slice(copied);
}

/**
 * Parses JSON so that `stringifyExactly` gives the same numbers: an id of twenty digits in a schema or in tool arguments
 * stays what it was. Throws what `JSON.parse` throws.
 */
export function parseJsonExactly(text: string): unknown {
  return JSON.parse(MAYBE_INEXACT.test(text) ? markInexactNumbers(text) : text);
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
