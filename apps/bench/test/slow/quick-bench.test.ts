import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const BENCH = join(ROOT, 'apps/bench');

test.skipIf(!existsSync('/proc/self/schedstat'))('the gateway costs no more than a fifth over its known ratio to the bare relay, and every byte is equal (skipped without /proc)', async () => {
  for (const app of ['apps/gateway', 'apps/bench']) await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-b'], { cwd: join(ROOT, app) });
  const out = mkdtempSync(join(tmpdir(), 'penstock-quick-bench-'));
  const { stdout } = await run(process.execPath, ['dist/main.js', '--quick', '--check', '--out', out], { cwd: BENCH, timeout: 400_000 }).catch((error: { readonly stdout?: string; readonly message: string }) => {
    throw new Error(`${error.message}\n${error.stdout ?? ''}`);
  });
  expect(stdout).toContain('unary-1kb');
  expect(readFileSync(join(out, 'results.svg'), 'utf8')).toContain('penstock');
});
