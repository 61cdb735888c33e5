import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The root of the checkout. */
export const REPOSITORY: string = resolve(import.meta.dirname, '../../../..');

/** A test that a page names as `file › title`. */
export interface CitedTest {
  readonly file: string;
  readonly title: string;
}

/** Reads a page of the repository. */
export function readPage(path: string): string {
  return readFileSync(join(REPOSITORY, path), 'utf8');
}

/** The tests that a text names in code spans. */
export function citedTests(text: string): CitedTest[] {
  return [...text.matchAll(/(`{1,2})([^`\s]+\.test\.ts) › (.+?)\1(?!`)/g)].map(([, , file = '', title = '']) => ({ file, title }));
}

/** The cells of each row of the tables in a text, heads and rulers aside. */
export function tableRows(text: string): string[][] {
  const lines = text.split('\n');
  return lines.filter((line, index) => line.startsWith('|') && !/^\|[\s:|-]+\|$/.test(line) && !/^\|[\s:|-]+\|$/.test(lines[index + 1] ?? ''))
    .map((line) => line.slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim()));
}

/** The first argument of every call of the test runner, tables of cases between or not. */
const TITLE = /\(\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`)\s*,\s*(?:async\b|\(|\{|\w+ =>)/g;
const titlesOfFile = new Map<string, readonly string[]>();

function titlesIn(file: string): readonly string[] {
  const known = titlesOfFile.get(file);
  if (known !== undefined) return known;
  const titles = [...readFileSync(file, 'utf8').matchAll(TITLE)].map(([, single, double, template]) => (single ?? double ?? template ?? '').replaceAll(/\\(.)/g, '$1'));
  titlesOfFile.set(file, titles);
  return titles;
}

/** Whether a title is one of a file's, word for word, or one that its template makes. */
function isTitleIn(title: string, file: string): boolean {
  return titlesIn(file).some((known) => known === title || makes(known, title));
}

/** `%s` and `$name` stand for some text, `${…}` for any or none; a template without words of its own makes nothing that could be told apart. */
function makes(template: string, title: string): boolean {
  const parts = template.split(/(%[sdifjo]|\$\{[^}]*\}|\$\w+)/);
  const words = parts.filter((_, index) => index % 2 === 0);
  if (words.length === 1 || words.join('').trim().length < 8) return false;
  const pattern = parts.map((part, index) => (index % 2 === 0 ? part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`) : part.startsWith('${') ? '.*' : '.+')).join('');
  return new RegExp(`^${pattern}$`).test(title);
}

/** What is wrong with the tests that a text names: files that are not there, titles that no test has. */
export function problemsOf(cited: readonly CitedTest[]): string[] {
  return cited.flatMap(({ file, title }) => {
    const path = join(REPOSITORY, file);
    if (!existsSync(path)) return [`no such file: ${file}`];
    return isTitleIn(title, path) ? [] : [`no test of this title in ${file}: ${title}`];
  });
}
