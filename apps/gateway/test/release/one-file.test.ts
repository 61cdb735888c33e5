import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../../..');

/** Bundles an entry in a process of its own: on the Node of the project, which strips types in scripts as well. */
function bundle(entry: string): { status: number | null; stdout: string; stderr: string } {
  const program = `import { bundle } from './scripts/make/bundle.mjs'; process.stdout.write(await bundle(${JSON.stringify(entry)}));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return { status, stdout, stderr };
}

test('all that the gateway loads fits into the one file of the executable', { timeout: 120_000 }, () => {
  const { status, stdout, stderr } = bundle(join(ROOT, 'apps/gateway/src/executable.ts'));
  expect([status, stderr]).toEqual([0, '']);
  // Commands, workers and both threads are in it.
  expect(['function runStart(', 'function runKeysCreate(', 'init_worker_main'].filter((name) => !stdout.includes(name))).toEqual([]);
  expect(stdout.match(/new URL\("data:text\/javascript;base64,/g)?.length).toBe(2);
});

test('a program whose thread or later part is missed is refused', { timeout: 120_000 }, () => {
  const { status, stderr } = bundle(join(ROOT, 'apps/gateway/src/config/load-config.ts'));
  expect(status).toBe(1);
  expect(stderr).toContain('the bundle rewrote {"threads":0,"loadedLater":0}');
});
