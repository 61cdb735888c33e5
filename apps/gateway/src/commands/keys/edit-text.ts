import { applyEdits, findNodeAtLocation, modify, parseTree, type JSONPath, type Node } from 'jsonc-parser';

/** One change of a document: what stands at a path, with `-1` for the last step one more entry of a list, with `undefined` none. */
export interface TextEdit {
  readonly path: JSONPath;
  readonly value: unknown;
}

const MARK = '\ufeff';
/** What may follow an entry on its line: a comma, then a comment. */
const REST_OF_LINE = /^[ \t]*(,)?[ \t]*(?:\/\/[^\r\n]*|\/\*[^\r\n]*?\*\/)?[ \t]*(?=\r?\n)/;

/**
 * Makes changes in a text of JSON with comments; every byte that is not concerned stays. An empty text is an empty object. The editor of
 * jsonc-parser is used for removals only: on insertion it forms the lines around anew.
 */
export function editText(text: string, edits: readonly TextEdit[]): string {
  const mark = text.startsWith(MARK) ? MARK : '';
  const whole = text.slice(mark.length);
  return mark + edits.reduce(editOnce, whole.trim() === '' ? '{}\n' : whole);
}

function editOnce(text: string, { path, value }: TextEdit): string {
  const root = parseTree(text, [], { allowTrailingComma: true });
  if (root === undefined) throw new TypeError('the text is no JSON');
  if (value === undefined) return applyEdits(text, modify(text, path, undefined, {}));
  const existing = path.at(-1) === -1 ? undefined : findNodeAtLocation(root, path);
  if (existing !== undefined) return splice(text, existing.offset, existing.length, print(value));
  const step = path.at(-1);
  const container = findNodeAtLocation(root, path.slice(0, -1));
  // A list that is not there yet comes with its first entry.
  if (container === undefined) return editOnce(text, { path: path.slice(0, -1), value: [value] });
  return append(text, container, typeof step === 'string' ? `${JSON.stringify(step)}: ${print(value)}` : print(value));
}

/** Puts one more entry at the end of a list or an object, on a line of its own where the others are. */
function append(text: string, container: Node, content: string): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const last = container.children?.at(-1);
  if (last === undefined) return fillEmpty(text, container, content, eol);
  const end = last.offset + last.length;
  const rest = REST_OF_LINE.exec(text.slice(end));
  if (rest === null || !/[\r\n]/.test(text.slice(container.offset, last.offset))) return splice(text, end, 0, `, ${content}`);
  const hasComma = rest[1] !== undefined;
  const added = splice(text, end + rest[0].length, 0, `${eol}${indentOf(text, last.offset)}${content}${hasComma ? ',' : ''}`);
  return hasComma ? added : splice(added, end, 0, ',');
}

function fillEmpty(text: string, container: Node, content: string, eol: string): string {
  // A comment inside stays, behind the entry.
  if (container.length > 2) return splice(text, container.offset + 1, 0, content);
  const indent = indentOf(text, container.offset);
  return splice(text, container.offset + 1, 0, `${eol}${indent}  ${content}${eol}${indent}`);
}

function indentOf(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', offset - 1) + 1))?.[0] ?? '';
}

/** JSON on one line, with the blanks that people put. */
function print(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[${value.map(print).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${print(item)}`).join(', ')} }`;
}

function splice(text: string, offset: number, length: number, content: string): string {
  return text.slice(0, offset) + content + text.slice(offset + length);
}
