import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const BENCH = join(ROOT, 'apps/bench');

test.skipIf(!existsSync('/proc/self/schedstat'))('the gateway\'s own cost is at most 10 % above that of the merge base, or the comparison is void or skipped with a reason (skipped without /proc)', async () => {
  for (const app of ['apps/gateway', 'apps/bench']) await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-b'], { cwd: join(ROOT, app) });
  const out = mkdtempSync(join(tmpdir(), 'penstock-compare-'));
  const { stdout } = await run(process.execPath, ['dist/main.js', '--compare', '--out', out], { cwd: BENCH, timeout: 500_000 }).catch((error: { readonly stdout?: string; readonly message: string }) => {
    throw new Error(`${error.message}\n${error.stdout ?? ''}`);
  }).finally(() => rmSync(out, { recursive: true, force: true }));
  console.log(stdout);
  expect(stdout).toMatch(/^(?:SKIPPED: comparison with the merge base: |(?:ok|void) sse-200-saturated, )/m);
});
