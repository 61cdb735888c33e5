/** A piece of HTML whose values are escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A value that may stand in a piece of HTML; a text is escaped, a list is written one after another, `undefined` and `false` are nothing. */
export type HtmlValue = Html | string | number | undefined | false | readonly HtmlValue[];

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;' };
const MARKUP = /[&<>"']/g;
const HAS_MARKUP = /[&<>"']/;
/** Controls, and marks that turn the direction of the text around them. */
const INVISIBLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;
const HAS_INVISIBLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;

/** Escapes a text for an element's content or a quoted attribute; a character that is not seen is written as its code. */
export function escapeHtml(text: string): string {
  const marked = HAS_MARKUP.test(text) ? text.replace(MARKUP, (character) => ENTITIES[character] ?? '') : text;
  return HAS_INVISIBLE.test(marked) ? marked.replace(INVISIBLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`) : marked;
}

/** The only way in which this gateway makes HTML: every value of the template is escaped unless it is HTML already. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = parts[0] ?? '';
  for (let index = 0; index < values.length; index += 1) text += write(values[index]) + (parts[index + 1] ?? '');
  return new Html(text);
}

function write(value: HtmlValue): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return escapeHtml(value);
  let text = '';
  for (const item of value) text += write(item);
  return text;
}
