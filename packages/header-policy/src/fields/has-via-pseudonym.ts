import type { RawHeaders } from './field-syntax.ts';
import { trimWhitespace } from './nominated-fields.ts';

const VIA_LENGTH = 3;

/**
 * Tells whether a request has already passed the gateway of this pseudonym, by its `Via` lines (RFC 9110 §7.6.3); answer it 508.
 * The pseudonym is compared without regard to case. A false positive needs this pseudonym inside a comment of another proxy.
 */
export function hasViaPseudonym(rawHeaders: RawHeaders, pseudonym: string): boolean {
  const wanted = pseudonym.toLowerCase();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length !== VIA_LENGTH || name.toLowerCase() !== 'via') continue;
    // Comments may hold commas, and an unclosed one, once a proxy has joined the lines, would hide every later hop and
    // so a loop. Splitting at every comma cannot be fooled that way.
    for (const element of (rawHeaders[index + 1] ?? '').split(',')) {
      if (receivedBy(element) === wanted) return true;
    }
  }
  return false;
}

/** The second word of a `Via` element: `1.1 pseudonym (comment)`, lowercased. */
function receivedBy(element: string): string {
  const trimmed = trimWhitespace(element, 0, element.length);
  const protocolEnd = trimmed.search(/[ \t]/);
  if (protocolEnd === -1) return '';
  const rest = trimWhitespace(trimmed, protocolEnd, trimmed.length);
  const end = rest.search(/[ \t(]/);
  return (end === -1 ? rest : rest.slice(0, end)).toLowerCase();
}
