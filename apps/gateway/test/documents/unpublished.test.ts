import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { codeBlocks, guidePages, readmes } from '../guides/code-blocks.ts';
import { REPOSITORY } from './documented-tests.ts';

const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'apps/gateway/package.json'), 'utf8')) as { version: string };
const pages = [...new Set([...readmes(), ...guidePages(), 'docs/install.md', 'deploy/README.md'])];
const installLines = pages.flatMap((page) => codeBlocks(page).flatMap(({ where, code }) => code.split('\n').filter((line) => /npm (?:install|i) .*@penstock\//.test(line)).map((line) => [where, line] as const)));

// The first version that is raised is the first that is published.
describe.skipIf(version !== '0.0.0')('before the first version is published', () => {
  test('there are lines that install a package by its name', () => expect(installLines.length).toBeGreaterThan(5));

  test.each(installLines)('%s is no dead end: it names the page with the recipe that works', (_where, line) => {
    expect(line).toMatch(/# not published yet: docs\/install\.md makes (?:it|them) in a clone$/);
  });
});
