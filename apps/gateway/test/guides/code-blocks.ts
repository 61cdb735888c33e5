import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The root of the repository. */
export const ROOT: string = resolve(import.meta.dirname, '../../../..');

/** A fenced block of a Markdown page. */
export interface CodeBlock {
  /** Path and line, for the name of a test. */
  readonly where: string;
  readonly language: string;
  /** The second word behind the fence, such as `run`, `serve` or `config`. */
  readonly purpose: string;
  /** The texts that its output must contain, one for each `prints=` of the fence. */
  readonly prints: readonly string[];
  readonly code: string;
}

const FENCE = /^```(\w+)(?: (\w+))?((?: prints=(?:"[^"]*"|\S+))*)$/;
const PRINTS = / prints=(?:"([^"]*)"|(\S+))/g;

/** Reads the fenced blocks of a page; indented ones are not examples. */
export function codeBlocks(page: string): readonly CodeBlock[] {
  const lines = readFileSync(join(ROOT, page), 'utf8').split('\n');
  const blocks: CodeBlock[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const opening = FENCE.exec(lines[index] ?? '');
    if (opening === null) continue;
    const end = lines.indexOf('```', index + 1);
    if (end === -1) throw new Error(`${page}:${index + 1} opens a block that never ends`);
    const [, language = '', purpose = '', expectations = ''] = opening;
    const prints = [...expectations.matchAll(PRINTS)].map(([, quoted, bare]) => quoted ?? bare ?? '');
    blocks.push({ where: `${page}:${index + 1}`, language, purpose, prints, code: lines.slice(index + 1, end).join('\n') });
    index = end;
  }
  return blocks;
}

/** The README of the repository and of each package and app. */
export function readmes(): readonly string[] {
  const members = ['packages', 'apps'].flatMap((area) => readdirSync(join(ROOT, area)).toSorted().map((name) => `${area}/${name}/README.md`));
  return ['README.md', ...members.filter((page) => existsSync(join(ROOT, page)))];
}

/** Every page whose blocks are held to run. */
export function guidePages(): readonly string[] {
  const guides = readdirSync(join(ROOT, 'docs/guides')).filter((name) => name.endsWith('.md')).toSorted().map((name) => `docs/guides/${name}`);
  return ['README.md', ...guides, 'docs/embedding.md', 'docs/operations.md', 'docs/sizing.md', 'docs/security-hardening.md', 'docs/identity.md', 'apps/gateway/README.md'];
}
