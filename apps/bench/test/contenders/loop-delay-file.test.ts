import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readLoopDelay } from '../../src/contenders/loop-delay-file.ts';

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-loop-delay-'));
  onTestFinished(() => { rmSync(folder, { recursive: true }); });
  return folder;
}

test('reads the lines that began and ended within the slice', () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, 'loop-delay.txt'), '900 90\n1400 50\n1900 1\n2400 3\n2900 2\n3400 70\n');
  expect(readLoopDelay(folder, 1_000, 3_000)).toBe(2);
  expect(readLoopDelay(folder, 5_000, 6_000)).toBeNaN();
});

test('a program that notes nothing has no delay', () => {
  expect(readLoopDelay(emptyFolder(), 0, 1_000)).toBeNaN();
});

test('the probe sees a loop that is held up', () => {
  const folder = emptyFolder();
  const probe = new URL('../../src/contenders/loop-delay-probe.ts', import.meta.url).href;
  const busy = 'const end = Date.now() + 1200; const hold = () => { const until = Date.now() + 30; while (Date.now() < until); if (Date.now() < end) setTimeout(hold, 1); }; hold();';
  const startedAt = Date.now();
  execFileSync(process.execPath, [`--import=${probe}`, '-e', busy], { cwd: folder });
  const delay = readLoopDelay(folder, startedAt - 500, Date.now());
  expect(delay).toBeGreaterThan(20);
  expect(delay).toBeLessThan(1_000);
});
