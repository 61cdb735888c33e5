import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../../..');
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Readonly<Record<string, string>> };
const TOOLS = ['sh', 'sed', 'id'];

/** A folder that is all of a PATH: a few tools, and programs that a test writes. */
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'penstock-path-'));
  for (const tool of TOOLS) symlinkSync(spawnSync('which', [tool], { encoding: 'utf8' }).stdout.trim(), join(folder, tool));
});
afterAll(() => rmSync(folder, { recursive: true }));

function addProgram(name: string, body: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

function run(script: string): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync('/bin/sh', ['-c', script], { cwd: ROOT, env: { PATH: folder }, encoding: 'utf8' });
  return { status, stderr };
}

const lacks = (library: string): string => `echo "node: error while loading shared libraries: ${library}: cannot open shared object file: No such file or directory" >&2; exit 127`;

describe.skipIf(process.platform === 'win32')('where the project\'s Node cannot start', () => {
  test.each([
    ['libatomic.so.1', 'apt-get', 'apt-get install libatomic1'], ['libatomic.so.1', 'dnf', 'dnf install libatomic'], ['libatomic.so.1', 'zypper', 'zypper install libatomic1'],
    ['libstdc++.so.6', 'apt-get', 'apt-get install libstdc++6'],
  ])('the first command prints what mends a missing %s with %s', (library, manager, command) => {
    addProgram('node', lacks(library));
    addProgram(manager, 'exit 0');
    const { status, stderr } = run(scripts['start'] ?? '');
    rmSync(join(folder, manager));
    expect(status).toBe(1);
    expect(stderr).toContain(command);
  });

  test('another reason is printed as it is', () => {
    addProgram('node', 'echo "node: version GLIBC_2.28 not found" >&2; exit 1');
    expect(run(scripts['start'] ?? '')).toMatchObject({ status: 1, stderr: expect.stringMatching(/GLIBC_2\.28 not found[\s\S]*docs\/install\.md/) as string });
  });

  test('a build that failed is left to its own words', () => {
    addProgram('node', '[ "$1" = --version ] && exit 0; echo "the build has failed" >&2; exit 1');
    expect(run(scripts['start'] ?? '')).toEqual({ status: 1, stderr: 'the build has failed\n' });
  });
});

test('every script that builds first asks why', () => {
  const building = Object.entries(scripts).filter(([, script]) => script.includes('scripts/build-app.mjs'));
  expect(building.map(([name]) => name)).toEqual(['start', 'penstock', 'demo', 'bench', 'make']);
  for (const [, script] of building) expect(script).toMatch(/^\(node scripts\/build-app\.mjs \S+ \|\| sh scripts\/why-node-fails\.sh\) && node /);
});
