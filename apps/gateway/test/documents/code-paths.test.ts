import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPage, REPOSITORY } from './documented-tests.ts';

/** Folders that the paths of these pages are relative to. */
const ROOTS = ['', 'apps/gateway/src', 'packages'];

/** The files and folders that a text names in code spans: a path with a slash, or the name of a TypeScript file. */
function codePaths(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/`([\w.-]+(?:\/[\w.-]+)*\/?)`/g)].map(([, path = '']) => path).filter((path) => /\.(?:ts|json|yaml)$/.test(path) || path.endsWith('/'));
}

/** The paths of a file tree drawn in a fenced block: lines such as `  config/   the configuration`, below the folder in its first line. */
function drawnPaths(text: string): string[] {
  return [...text.matchAll(/^```\n([\s\S]*?)^```/gm)].flatMap(([, tree = '']) => {
    let folder = '';
    return tree.split('\n').flatMap((line) => {
      const [, indent = '', path = ''] = /^( *)([\w./-]+(?:\/|\.ts))(?: |$)/.exec(line) ?? [];
      if (path === '') return [];
      if (indent === '') folder = path;
      return indent === '' ? [path] : [join(folder, path)];
    });
  });
}

const isThere = (path: string): boolean => ROOTS.some((root) => existsSync(join(REPOSITORY, root, path)));

test.each(['ARCHITECTURE.md', 'CONTRIBUTING.md'])('%s names only files and folders that exist (a map of a house that was rebuilt misleads)', (page) => {
  const text = readPage(page);
  const paths = [...codePaths(text), ...drawnPaths(text)];
  expect(paths.length).toBeGreaterThan(20);
  expect(paths.filter((path) => !isThere(path))).toEqual([]);
});

test('a path in a sentence and one in a drawing are found, a setting and a command are not', () => {
  expect(codePaths('See `native/forward.ts`, `config/sections/`, `forward.ts`; not `server.port`, `/v1/*` or `penstock check`.\n```\n`a/b.ts`\n```\n')).toEqual(['native/forward.ts', 'config/sections/', 'forward.ts']);
  expect(drawnPaths('```\npackages/\n  relay/     relays\n  main.ts    starts\n```\n')).toEqual(['packages/', 'packages/relay/', 'packages/main.ts']);
});
