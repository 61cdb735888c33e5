import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DRAIN_REPORT_INTERVAL_MS, reportDrain } from '../../src/process/report-drain.ts';
import type { OpenRequest } from '../../src/request/open-requests.ts';
import { openRequest } from '../observe/metrics/request-records.ts';
import { runPenstock } from '../run-penstock.ts';
import { openStream, startHeldUpstream } from './open-streams.ts';

beforeEach(() => { vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }); });
afterEach(() => { vi.useRealTimers(); });

test('a drain that waits says at once and every few seconds for how many, for whom and how long at most', () => {
  const lines: unknown[] = [];
  let open: OpenRequest[] = [openRequest('alice', performance.now() - 12_000), openRequest('bob'), openRequest('alice')];
  const stop = reportDrain({ logger: { info: (...line: readonly unknown[]) => { lines.push(line); } } as never, open: () => open, timeoutMs: 600_000 });
  expect(lines).toEqual([[{ open: 3, clients: { alice: 2, bob: 1 }, oldest_seconds: 12, seconds_left: 600 }, 'waiting for open responses']]);
  vi.advanceTimersByTime(DRAIN_REPORT_INTERVAL_MS);
  expect(lines.at(-1)).toMatchObject([{ oldest_seconds: 17, seconds_left: 595 }, 'waiting for open responses']);
  open = [];
  vi.advanceTimersByTime(DRAIN_REPORT_INTERVAL_MS);
  expect(lines).toHaveLength(2);
  open = [openRequest('alice')];
  stop();
  vi.advanceTimersByTime(10 * DRAIN_REPORT_INTERVAL_MS);
  expect(lines).toHaveLength(2);
});

test.each([1, 2])('Ctrl-C with an open stream names its client, and the second one ends at once (%i worker(s))', async (workers) => {
  vi.useRealTimers();
  await using upstream = await startHeldUpstream();
  await using penstock = await runPenstock({
    document: { server: { workers }, anthropic_native: { base_url: upstream.origin }, log: { format: 'line' } }, flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test' },
  });
  const stream = await openStream(penstock.port);
  penstock.child.kill('SIGINT');
  await expect.poll(() => penstock.stdout()).toMatch(/waiting for 1 response \(anonymous 1; the oldest \d+(?:\.\d)? m?s\), at most \d+ s; Ctrl-C again ends at once\n/);
  penstock.child.kill('SIGINT');
  expect((await stream.readMessage({ kind: 'response' })).complete).toBe(false);
  expect(await penstock.exited).toBe(0);
  expect(penstock.stdout()).toMatch(/ stopped exit_code=0\n$/);
});
