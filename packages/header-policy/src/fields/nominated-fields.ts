import { isFieldName } from './field-syntax.ts';

const COMMA = 0x2c;

/**
 * Adds the options of one `Connection` line, lowercased, to those found before (RFC 9110 §7.6.1).
 * Returns `undefined` when an option is not a token: such a line means different fields to different readers.
 */
export function collectNominations(value: string, nominated: ReadonlySet<string>): ReadonlySet<string> | undefined {
  // The two values nearly every message has; both also name fields that never cross, so nothing is nominated.
  if (value === 'keep-alive' || value === 'close') return nominated;
  const collected = new Set(nominated);
  let start = 0;
  while (start <= value.length) {
    let end = start;
    while (end < value.length && value.charCodeAt(end) !== COMMA) end += 1;
    const option = trimWhitespace(value, start, end);
    // Empty list elements are legal and mean nothing (RFC 9110 §5.6.1.2).
    if (option !== '') {
      if (!isFieldName(option)) return undefined;
      collected.add(option.toLowerCase());
    }
    start = end + 1;
  }
  return collected;
}

/** The characters between two positions without the spaces and tabs around them (OWS, RFC 9110 §5.6.3). */
export function trimWhitespace(text: string, start: number, end: number): string {
  let first = start;
  let last = end;
  while (first < last && isWhitespace(text.charCodeAt(first))) first += 1;
  while (last > first && isWhitespace(text.charCodeAt(last - 1))) last -= 1;
  return text.slice(first, last);
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
