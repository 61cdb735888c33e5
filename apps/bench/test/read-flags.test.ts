import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readFlags } from '../src/read-flags.ts';

const NAMES = { runs: ['unary-1kb', 'sse-200'], contenders: ['floor', 'penstock'] };
const MAIN = join(import.meta.dirname, '../src/main.ts');

test('flags are read, and those that are absent have their defaults', () => {
  expect(readFlags([], NAMES)).toEqual({ flags: { quick: false, only: [], contender: [], rounds: undefined, launches: undefined, compare: false, base: undefined, peers: true, out: 'bench-results' } });
  expect(readFlags(['--', '--only', 'sse', '--only', '1kb', '--contender', 'penstock', '--rounds', '3', '--no-peers'], NAMES)).toMatchObject({
    flags: { only: ['sse', '1kb'], contender: ['penstock'], rounds: 3, peers: false },
  });
});

test.each([
  [['--onyl', 'sse'], /^Unknown option '--onyl'/], [['sse'], /^Unexpected argument 'sse'/], [['--rounds', 'x'], /^--rounds must be a positive integer, received x\n/],
  [['--launches', '0'], /^--launches must be a positive integer, received 0\n/], [['--only', 'ssse'], /^--only ssse: .*\(they are unary-1kb, sse-200\)/],
  [['--contender', 'ngnx'], /^--contender ngnx: .*\(they are floor, penstock\)/],
])('%j is refused with what is wrong and the usage (exit code 2; a run of nothing would end as if all were well)', (args, problem) => {
  const read = readFlags(args, NAMES);
  expect(read).toMatchObject({ exitCode: 2, text: expect.stringMatching(problem) as string });
  expect('text' in read && read.text).toContain('usage: npx -y pnpm@12 bench [flags]');
});

test.each([['--help', 0, 'stdout'], ['--bogus', 2, 'stderr']] as const)('bench %s prints the usage and ends with exit code %i, without a stack trace', (flag, code, stream) => {
  const ended = spawnSync(process.execPath, ['--conditions=@penstock/source', MAIN, flag], { encoding: 'utf8' });
  expect([ended.status, ended[stream].includes('usage: npx -y pnpm@12 bench'), `${ended.stdout}${ended.stderr}`.includes('    at ')]).toEqual([code, true, false]);
});
