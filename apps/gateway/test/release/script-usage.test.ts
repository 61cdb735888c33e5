import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './deployment.ts';

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Readonly<Record<string, string>> };
/** The commands of the workspace that run a script of ours at once; `penstock`, `demo` and `bench` have tests of their own. */
const COMMANDS = Object.entries(scripts).flatMap(([name, command]): [string, string][] => {
  const script = /(?:^|&& )node (scripts\/[\w-]+\.mjs(?: [\w:]+)?)$/.exec(command)?.[1];
  return script === undefined ? [] : [[name, script]];
});

const run = (script: string, flag: string): { code: number | null; output: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...script.split(' '), flag], { cwd: ROOT, encoding: 'utf8', timeout: 60_000 });
  return { code: status, output: stdout + stderr };
};

test('every script that a command runs is tried', () => {
  expect(COMMANDS.map(([name]) => name)).toEqual(['make', 'test', 'test:slow', 'test:matrix', 'api-report', 'notices', 'sbom', 'raise-versions', 'prepare-release']);
});

test.each(COMMANDS)('%s --help prints the usage and does nothing (exit code 0)', (_name, script) => {
  const { code, output } = run(script, '--help');
  expect(output).toMatch(/^usage: .*\n$/);
  expect(code).toBe(0);
});

// The suites hand flags on to turbo.
test.each(COMMANDS.filter(([name]) => !/^test(?::slow)?$/.test(name)))('%s with a flag that does not exist names it, prints the usage and does nothing (exit code 2)', (_name, script) => {
  const { code, output } = run(script, '--bogus');
  expect(output).toMatch(/^Unknown option '--bogus'.*\nusage: .*\n$/);
  expect(code).toBe(2);
});
