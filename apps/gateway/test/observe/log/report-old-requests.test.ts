import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { reportOldRequests } from '../../../src/observe/log/report-old-requests.ts';
import { OpenRequests } from '../../../src/request/open-requests.ts';
import { openRequest } from '../metrics/request-records.ts';
import { bySide } from '../../../src/request/request-record.ts';

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

test('an open request that is a minute old has one line at level debug, while that level is on', () => {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: 'debug', base: null }, { write: (line: string) => { lines.push(JSON.parse(line) as Record<string, unknown>); } });
  const open = bySide(() => new OpenRequests());
  const stop = reportOldRequests(logger, open);
  const old = openRequest('mallory');
  const ended = openRequest('bob');
  open.native.add(old);
  open.native.add(ended);
  vi.advanceTimersByTime(30_000);
  open.front_door.add(openRequest('alice'));
  open.native.delete(ended);
  vi.advanceTimersByTime(20_000);
  expect(lines).toEqual([]);
  vi.advanceTimersByTime(20_000);
  expect(lines).toMatchObject([{ level: 20, msg: 'request open', request_id: 'pen_mallory', side: 'native', client: 'mallory' }]);
  expect(lines[0]?.['open_ms']).toBeGreaterThanOrEqual(60_000);
  vi.advanceTimersByTime(600_000);
  expect(lines.map(({ client }) => client)).toEqual(['mallory', 'alice']);
  logger.level = 'info';
  open.native.add(openRequest('late'));
  vi.advanceTimersByTime(600_000);
  expect(lines).toHaveLength(2);
  stop();
  logger.level = 'debug';
  open.native.add(openRequest('later'));
  vi.advanceTimersByTime(600_000);
  expect(lines).toHaveLength(2);
});
