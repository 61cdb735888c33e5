import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPage, REPOSITORY } from './documented-tests.ts';

/** What a newcomer has to read besides the examples. Details and evidence stand on pages of their own (docs/README.md). */
const MOST_WORDS = 3_000;

test(`README and guides have at most ${MOST_WORDS} words beside their examples`, () => {
  const guides = readdirSync(join(REPOSITORY, 'docs/guides')).filter((name) => name.endsWith('.md')).map((name) => `docs/guides/${name}`);
  const counted = ['README.md', ...guides].map((page) => [page, readPage(page).replaceAll(/^```[\s\S]*?^```/gm, '').split(/\s+/).length] as const);
  expect(counted.length).toBeGreaterThan(6);
  expect(counted.reduce((sum, [, words]) => sum + words, 0), counted.map(([page, words]) => `${words} ${page}`).join('\n')).toBeLessThanOrEqual(MOST_WORDS);
});
