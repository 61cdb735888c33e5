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

/** A verdict on one workload, as the comparison prints it. */
const VERDICT = /^(ok|void|regressed) (unary-1kb|sse-200-saturated), \d launch(?:es)?: (.+)$/gm;

test.skipIf(!existsSync('/proc/self/schedstat'))('the comparison with the merge base serves both workloads and prints its verdict on each, and ends with 1 where one is dearer, or it is skipped with a reason (skipped without /proc)', async () => {
  for (const app of ['apps/gateway', 'apps/bench']) await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-b'], { cwd: join(ROOT, app) });
  const out = mkdtempSync(join(tmpdir(), 'penstock-compare-'));
  // The figures are to be read: processor time is no matter of a test, since two processes of one program differ by as much as is looked for.
  const { stdout, code } = await run(process.execPath, ['dist/main.js', '--compare', '--out', out], { cwd: BENCH, timeout: 500_000 }).then(({ stdout: printed }) => ({ stdout: printed, code: 0 }), (error: { readonly stdout?: string; readonly code?: number | null; readonly message: string }) => {
    if (error.code !== 1 || error.stdout === undefined) throw new Error(`${error.message}\n${error.stdout ?? ''}`);
    return { stdout: error.stdout, code: 1 };
  }).finally(() => rmSync(out, { recursive: true, force: true }));
  console.log(stdout);
  if (/^SKIPPED: comparison with the merge base: /m.test(stdout)) return;
  const verdicts = [...stdout.matchAll(VERDICT)];
  expect(verdicts.map(([, , workload]) => workload)).toEqual(['unary-1kb', 'sse-200-saturated']);
  expect(verdicts.filter(([, , , reason = '']) => reason.startsWith('HEAD did not serve'))).toEqual([]);
  expect(code).toBe(verdicts.some(([, outcome]) => outcome === 'regressed') ? 1 : 0);
});
