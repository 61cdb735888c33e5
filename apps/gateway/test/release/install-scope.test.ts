import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ROOT } from './deployment.ts';

const HOOK = "require('./.pnpmfile.cjs').hooks.updateConfig({ verifyDepsBeforeRun: 'install' }).verifyDepsBeforeRun";

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'penstock-install-scope-'));
  copyFileSync(join(ROOT, '.pnpmfile.cjs'), join(folder, '.pnpmfile.cjs'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What pnpm is told to do before the command: a shell in place of pnpm, whose command line ends with the words, asks the hook. */
function checkBefore(...words: readonly string[]): string {
  writeFileSync(join(folder, words[0] ?? ''), `"${process.execPath}" -p "${HOOK}"\n:\n`);
  const { stdout, stderr } = spawnSync('bash', words, { cwd: folder, encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.trim();
}

describe.skipIf(process.platform === 'win32')('where nothing is installed', () => {
  test.each([['start'], ['penstock', 'check'], ['demo'], ['run', 'start']] as const)('`pnpm %s %s` installs by its own script (what the gateway needs)', (...words) => {
    expect(checkBefore(...words)).toBe('false');
  });

  test.each([['test'], ['lint'], ['bench'], ['make', 'tarball'], ['run', 'typecheck'], ['exec', 'start']] as const)('`pnpm %s %s` installs everything', (...words) => {
    expect(checkBefore(...words)).toBe('install');
  });
});

test('where pnpm has installed, it checks before every command', () => {
  mkdirSync(join(folder, 'node_modules'));
  writeFileSync(join(folder, 'node_modules/.pnpm-workspace-state-v1.json'), '{"filteredInstall":false}');
  expect(checkBefore('start')).toBe('install');
});
