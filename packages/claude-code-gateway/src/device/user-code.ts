import { randomInt } from 'node:crypto';

/** Consonants that are not mistaken for each other, and form no words (RFC 8628 section 6.1): 20^8 codes. */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';
const LETTERS = 8;
const HALF = LETTERS / 2;
const CODE = new RegExp(`^[${ALPHABET}]{${LETTERS}}$`);

/** A user code, `XXXX-XXXX`. */
export function createUserCode(): string {
  const letters = Array.from({ length: LETTERS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return `${letters.slice(0, HALF)}-${letters.slice(HALF)}`;
}

/** The code that a person typed, in any case and with any separators; `undefined` for what cannot be one. */
export function readUserCode(typed: string): string | undefined {
  if (typed.length > 4 * LETTERS) return undefined;
  const letters = typed.toUpperCase().replaceAll(/[\s\-_.]/g, '');
  if (!CODE.test(letters)) return undefined;
  return `${letters.slice(0, HALF)}-${letters.slice(HALF)}`;
}
