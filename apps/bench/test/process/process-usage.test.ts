import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cpuNanoseconds, residentBytes } from '../../src/process/process-usage.ts';

const hasProc = existsSync('/proc/self/schedstat');

test.skipIf(!hasProc)('counts the CPU time and memory of a process and of its children (skipped without /proc)', async () => {
  const spin = 'const end = Date.now() + 300; while (Date.now() < end); process.stdout.write("done"); setInterval(() => {}, 1000)';
  const parent = spawn('sh', ['-c', `"${process.execPath}" -e '${spin}'; true`], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(parent.stdout, 'data');
  const pid = parent.pid ?? -1;
  expect(cpuNanoseconds(pid)).toBeGreaterThan(50e6);
  expect(residentBytes(pid)).toBeGreaterThan(5 * 1024 * 1024);
  spawn('sh', ['-c', `kill $(cat /proc/${pid}/task/${pid}/children); kill ${pid}`]);
  await once(parent, 'exit');
  expect(cpuNanoseconds(pid)).toBe(0);
});
