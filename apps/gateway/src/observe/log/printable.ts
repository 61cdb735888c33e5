/**
 * Characters that JSON leaves as they are and that are no text: DEL and the C1 controls (ECMA-48 section 5; U+009B begins a sequence of a
 * terminal as ESC [ does), line separators, and marks that turn the direction of the text around them.
 */
const BESIDE_C0 = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
/** The same with the C0 controls but for tab and line feed. */
const CONTROLS = /(?![\t\n])[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A text in JSON, with every character escaped that could steer a terminal; the same JSON to a parser. */
export function printableJson(json: string): string {
  return json.replace(BESIDE_C0, escape);
}

/** A plain text of any lines, in which what could steer a terminal is written as an escape. */
export function printable(text: string): string {
  return text.replace(CONTROLS, escape);
}
