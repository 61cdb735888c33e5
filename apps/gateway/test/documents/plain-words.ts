import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { REPOSITORY } from './documented-tests.ts';

/**
 * Signs of a sentence that has a person where a component belongs, a verb of speech where data flows, or a picture where a
 * technical term exists. CONTRIBUTING.md, "Words", gives the plain alternatives.
 */
const DIALECT = /\b(?:whoever|whomever|nobody|somebody|anybody|everybody|(?:dis)?honest(?:ly|y)?|aloud|worded|by a hair|(?:tell|tells|telling|told) of|(?:let|lets|letting) go of)\b/gi;

/** Kinds of files that people read. */
const READ: ReadonlySet<string> = new Set(['.md', '.ts', '.mjs', '.sh', '.yml', '.yaml', '.tpl']);
/** Folders that hold nothing of the project, or only what is generated. */
const SKIPPED_FOLDERS: ReadonlySet<string> = new Set(['node_modules', 'dist', 'coverage', 'bench-results', '.git', '.turbo', 'docs/api']);
/** Texts of others, generated pages, and the list of marks itself. */
const SKIPPED_FILES: ReadonlySet<string> = new Set([
  'THIRD-PARTY-NOTICES.md', 'docs/configuration.md', 'pnpm-lock.yaml',
  'apps/gateway/test/documents/plain-words.ts', 'apps/gateway/test/documents/plain-words.test.ts',
]);

/** The marks of the dialect in a text, in order. */
export function dialectMarks(text: string): string[] {
  // A phrase may be broken by the end of a line, in a comment too.
  return [...text.replaceAll(/\s*\n[ \t]*(?:\*(?!\/)|\/\/)?[ \t]*/g, ' ').matchAll(DIALECT)].map(([mark]) => mark);
}

/** Every document, source and test file of the checkout that people read, as paths from its root. */
export function readFiles(folder: string = REPOSITORY): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    const name = relative(REPOSITORY, path);
    if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) || SKIPPED_FOLDERS.has(name) ? [] : readFiles(path);
    return READ.has(extname(entry.name)) && !SKIPPED_FILES.has(name) && entry.name !== 'CHANGELOG.md' ? [name] : [];
  });
}

/** How many marks each file has, most first; files without one are left out. */
export function marksByFile(): { readonly file: string; readonly marks: number }[] {
  return readFiles().map((file) => ({ file, marks: dialectMarks(readFileSync(join(REPOSITORY, file), 'utf8')).length }))
    .filter(({ marks }) => marks > 0).toSorted((one, other) => other.marks - one.marks);
}
