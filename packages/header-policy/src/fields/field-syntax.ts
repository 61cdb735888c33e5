/** A field section as HTTP carries it: name, value, name, value, … in latin1, with order, case and repeats as received. */
export type RawHeaders = readonly string[];

const TAB = 0x09;
const SPACE = 0x20;
const DELETE = 0x7f;
const LATIN1_MAX = 0xff;

// One byte a character: 1 where RFC 9110 §5.6.2 lets it stand in a token.
const TOKEN_CHARACTERS = new Uint8Array(128);
for (const character of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  TOKEN_CHARACTERS[character.charCodeAt(0)] = 1;
}

/** Tells whether a value is a field name: a non-empty token (RFC 9110 §5.1, §5.6.2). */
export function isFieldName(name: unknown): name is string {
  if (typeof name !== 'string' || name.length === 0) return false;
  for (let index = 0; index < name.length; index += 1) {
    if (TOKEN_CHARACTERS[name.charCodeAt(index)] !== 1) return false;
  }
  return true;
}

/** Tells whether a value is a field value that every HTTP/1.1 writer takes: `[\t\x20-\x7e\x80-\xff]*` (RFC 9110 §5.5). */
export function isFieldValue(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    if (code < SPACE ? code !== TAB : code === DELETE || code > LATIN1_MAX) return false;
  }
  return true;
}

/** Copies the field at an even position of one section to the end of another. */
export function copyField(from: RawHeaders, position: number, to: string[]): void {
  const name = from[position];
  const value = from[position + 1];
  if (name !== undefined && value !== undefined) to.push(name, value);
}

/** A field name shortened and stripped of anything that is not visible ASCII, fit for a message or a log line. */
export function printableName(name: unknown): string {
  if (typeof name !== 'string') return `(${typeof name})`;
  return name.slice(0, MAX_PRINTED_NAME).replaceAll(/[^\x21-\x7e]/g, '?');
}

const MAX_PRINTED_NAME = 64;
