import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectStored, readMetric, readSpent, readWarnings, send, startWithLedger, WAIT } from './ledger-processes.ts';

function scratch(stack: AsyncDisposableStack): string {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-ledger-'));
  stack.defer(() => { rmSync(folder, { recursive: true, force: true }); });
  return join(folder, 'ledger.db');
}

const WHY_NO_PRLIMIT = spawnSync('prlimit', ['--version']).status === 0 ? undefined : 'there is no prlimit';
if (WHY_NO_PRLIMIT !== undefined) process.stdout.write(`SKIPPED: a full disk under a ledger: ${WHY_NO_PRLIMIT}\n`);

test.each([1, 2])('ledger (%i workers): SIGTERM loses nothing, although nothing was written before', async (workers) => {
  await using stack = new AsyncDisposableStack();
  const path = scratch(stack);
  const first = await startWithLedger(stack, `sqlite:${path}`, { state: { flush_interval: 60 }, server: { workers } });
  expect(await send(first, 100)).toBe(100);
  expect((await readSpent(first)).requests).toBe(0);
  first.child.kill('SIGTERM');
  expect(await first.exited).toBe(0);
  const second = await startWithLedger(stack, `sqlite:${path}`);
  expect((await readSpent(second)).requests).toBe(100);
});

test.each([1, 2])('ledger (%i workers): SIGKILL loses at most what was not written, and counts nothing twice', async (workers) => {
  await using stack = new AsyncDisposableStack();
  const path = scratch(stack);
  const first = await startWithLedger(stack, `sqlite:${path}`, { server: { workers } });
  expect(await send(first, 50)).toBe(50);
  const { nanoDollars } = await expectStored(first, 50);
  const sending = send(first, 200);
  await expect.poll(async () => (await readSpent(first)).requests, WAIT).toBeGreaterThan(60);
  const before = (await readSpent(first)).requests;
  first.child.kill('SIGKILL');
  const answered = await sending;
  await first.exited;
  const second = await startWithLedger(stack, `sqlite:${path}`);
  const after = await readSpent(second);
  expect(after.requests).toBeGreaterThanOrEqual(before);
  // Those that were open when the process died were worked on, and never answered.
  expect(after.requests).toBeLessThanOrEqual(50 + answered + 8);
  expect(after.nanoDollars * 50n).toBe(nanoDollars * BigInt(after.requests));
});

test('ledger: a worker that dies loses its own last interval at most, and its successor goes on', async () => {
  await using stack = new AsyncDisposableStack();
  const penstock = await startWithLedger(stack, `sqlite:${scratch(stack)}`, { server: { workers: 2 } });
  expect(await send(penstock, 50)).toBe(50);
  await expectStored(penstock, 50);
  const workers = (): readonly number[] => execFileSync('ps', ['-o', 'pid=', '--ppid', String(penstock.child.pid)], { encoding: 'utf8' }).trim().split(/\s+/).map(Number);
  const before = workers();
  expect(before).toHaveLength(2);
  process.kill(before[0] ?? 0, 'SIGKILL');
  await expect.poll(() => readMetric(penstock, 'penstock_workers', { state: 'up' }), WAIT).toBe(2);
  await expect.poll(() => workers().filter((pid) => !before.includes(pid)), WAIT).toHaveLength(1);
  await expectStored(penstock, 50 + await send(penstock, 50));
});

test.skipIf(WHY_NO_PRLIMIT !== undefined)('ledger: a disk without space: requests go on, the gateway shows it, and everything is written once there is some', async () => {
  await using stack = new AsyncDisposableStack();
  const path = scratch(stack);
  const penstock = await startWithLedger(stack, `sqlite:${path}`);
  await expectStored(penstock, await send(penstock, 20));
  const limit = (bytes: string): void => { execFileSync('prlimit', ['--pid', String(penstock.child.pid), `--fsize=${bytes}:unlimited`]); };
  limit('1024');
  expect(await send(penstock, 40)).toBe(40);
  await expect.poll(async () => (await readWarnings(penstock))['ledger'], WAIT).toMatch(/^ledger_failing: .*requests wait in memory, 0 are lost/);
  expect(await send(penstock, 40)).toBe(40);
  expect(penstock.stdout()).toMatch(/the ledger cannot be written/);
  limit('unlimited');
  await expectStored(penstock, 100);
  await expect.poll(async () => (await readWarnings(penstock))['ledger'], WAIT).toBeUndefined();
});

test('ledger: a file that was cut while the gateway ran: requests go on, and the next start is refused with the cure', async () => {
  await using stack = new AsyncDisposableStack();
  const path = scratch(stack);
  const penstock = await startWithLedger(stack, `sqlite:${path}`);
  await expectStored(penstock, await send(penstock, 20));
  penstock.child.kill('SIGTERM');
  await penstock.exited;
  const again = await startWithLedger(stack, `sqlite:${path}`);
  truncateSync(path, 5_000);
  expect(await send(again, 20)).toBe(20);
  again.child.kill('SIGKILL');
  await again.exited;
  rmSync(`${path}-wal`, { force: true });
  await expect(startWithLedger(stack, `sqlite:${path}`)).rejects.toThrow(/state\.store \(.*ledger\.db\) is damaged/);
});
