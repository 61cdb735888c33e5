import { isFieldName } from './field-syntax.ts';

const COMMA = 0x2c;

/** Tells whether a `Connection` value is one of the two that nearly every message has; both name fields that never cross anyway. */
export function nominatesNothing(value: string): boolean {
  return value === 'keep-alive' || value === 'close';
}

/**
 * Adds the options of one `Connection` line, lowercased, to those of the lines before (RFC 9110 §7.6.1).
 * Returns false when one is not a token: such a line means different fields to different readers.
 */
export function collectNominations(value: string, nominated: Set<string>): boolean {
  let isWellFormed = true;
  let start = 0;
  while (start <= value.length) {
    let end = start;
    while (end < value.length && value.charCodeAt(end) !== COMMA) end += 1;
    const option = trimWhitespace(value, start, end);
    // Empty list elements are legal and mean nothing (RFC 9110 §5.6.1.2).
    if (isFieldName(option)) nominated.add(option.toLowerCase());
    else if (option !== '') isWellFormed = false;
    start = end + 1;
  }
  return isWellFormed;
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
