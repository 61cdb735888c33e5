import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { REPOSITORY } from './documented-tests.ts';

/** Folders that hold no page of the project. */
const NOT_OURS: ReadonlySet<string> = new Set(['node_modules', 'dist', 'coverage']);

/** Every Markdown page of the checkout, as a path from its root. */
export function allPages(folder: string = REPOSITORY): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith('.') || NOT_OURS.has(entry.name) ? [] : allPages(path);
    return extname(entry.name) === '.md' ? [relative(REPOSITORY, path)] : [];
  }).toSorted();
}

/** A page's text without what is only shown: fenced blocks and code spans. */
const prose = (text: string): string => text.replaceAll(/^ *```[\s\S]*?^ *```/gm, '').replaceAll(/`[^`\n]*`/g, '`');

/** The anchors that a forge gives to the headings of a page: lower case, blanks to dashes, other marks gone, repeats numbered. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.replaceAll(/^ *```[\s\S]*?^ *```/gm, '').matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const anchor = plain.toLowerCase().replaceAll(/[^\p{L}\p{N}_\- ]/gu, '').replaceAll(' ', '-');
    let repeat = 0;
    while (anchors.has(repeat === 0 ? anchor : `${anchor}-${repeat}`)) repeat += 1;
    anchors.add(repeat === 0 ? anchor : `${anchor}-${repeat}`);
  }
  return anchors;
}

/** The links of a text that stay within the repository, pictures among them. */
export function internalLinks(text: string): string[] {
  const inline = [...prose(text).matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)].map(([, target = '']) => target);
  const defined = [...prose(text).matchAll(/^\[[^\]]+\]:\s+(\S+)/gm)].map(([, target = '']) => target);
  return [...inline, ...defined].filter((target) => !/^[a-z][a-z+.-]*:/i.test(target));
}

/** Why a link of a page leads nowhere; `undefined` when it leads somewhere. */
export function problemOfLink(page: string, target: string): string | undefined {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? join(REPOSITORY, page) : resolve(REPOSITORY, dirname(page), path);
  if (!existsSync(file)) return `${page}: ${target} is not there`;
  if (anchor === undefined || anchor === '') return undefined;
  if (statSync(file).isDirectory() || extname(file) !== '.md') return `${page}: ${target} has an anchor, and is no page`;
  return anchorsOf(readFileSync(file, 'utf8')).has(anchor) ? undefined : `${page}: ${target} is no heading there`;
}
