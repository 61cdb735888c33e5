/** A text that may hold a number JavaScript would not write back as it was read: too many digits, or a long exponent. */
const MAYBE_INEXACT = /\d{16}|\d\.\d{12}|\d[eE][+-]?\d{3}/;

/** As many digits as a double always keeps. */
const EXACT_DIGITS = 15;

interface RawJson {
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
}

const rawJson = JSON as unknown as RawJson;

/** Newer engines hand the reviver the text of every primitive. */
function keepSource(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value;
  const mantissa = context.source.split(/[eE]/)[0] ?? '';
  const isInRange = Number.isFinite(value) && (value !== 0 || !/[1-9]/.test(mantissa));
  if (isInRange && mantissa.replaceAll(/\D/g, '').length <= EXACT_DIGITS) return value;
  return rawJson.rawJSON(context.source);
}

/**
 * Parses JSON so that writing it again gives the same numbers: an id of twenty digits in a schema or in tool arguments
 * stays what it was. Throws what `JSON.parse` throws.
 */
export function parseJsonExactly(text: string): unknown {
  if (!MAYBE_INEXACT.test(text)) return JSON.parse(text);
  return JSON.parse(text, keepSource);
}

/** Whether a parsed value is a number that was kept as text; to JavaScript it looks like an object. */
export function isKeptNumber(value: unknown): boolean {
  return rawJson.isRawJSON(value);
}

/** A parsed number, be it one that was kept as text; any other value as it is. */
export function asNumber(value: unknown): unknown {
  return rawJson.isRawJSON(value) ? Number(value.rawJSON) : value;
}
