import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { findBase } from '../../src/compare/find-base.ts';

const folder = mkdtempSync(join(tmpdir(), 'penstock-find-base-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function git(repository: string, ...parameters: readonly string[]): string {
  return execFileSync('git', ['-C', repository, '-c', 'user.name=a', '-c', 'user.email=a@example.com', ...parameters], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

/** A repository with commits on `main`; their names, the oldest first. */
function repositoryOf(name: string, commits: number): { readonly path: string; readonly names: readonly string[] } {
  const path = join(folder, name);
  execFileSync('git', ['init', '--quiet', '--initial-branch=main', path]);
  const names = Array.from({ length: commits }, (_, index) => {
    git(path, 'commit', '--quiet', '--allow-empty', '-m', String(index));
    return git(path, 'rev-parse', 'HEAD');
  });
  return { path, names };
}

test('the base of a branch is its merge base with main', async () => {
  const { path, names } = repositoryOf('branch', 2);
  git(path, 'checkout', '--quiet', '-b', 'change');
  git(path, 'commit', '--quiet', '--allow-empty', '-m', 'one');
  git(path, 'commit', '--quiet', '--allow-empty', '-m', 'two');
  expect(await findBase(path)).toEqual({ commit: names[1] });
});

test('the base of main is the commit before', async () => {
  const { path, names } = repositoryOf('main', 3);
  expect(await findBase(path)).toEqual({ commit: names[1] });
});

test('a shallow clone and a folder without a repository have no base, and the reason is named', async () => {
  const { path } = repositoryOf('whole', 2);
  const shallow = join(folder, 'shallow');
  execFileSync('git', ['clone', '--quiet', '--depth', '1', `file://${path}`, shallow]);
  expect(await findBase(shallow)).toEqual({ missing: expect.stringContaining('neither a merge base') });
  expect(await findBase(join(folder, 'nothing'))).toEqual({ missing: 'this is no clone' });
});
