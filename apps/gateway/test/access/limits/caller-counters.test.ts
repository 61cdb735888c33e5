import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createCallerCounters } from '../../../src/access/limits/caller-counters.ts';
import { NO_TOKENS } from '../../../src/access/limits/token-limits.ts';

const USED = { input_tokens_per_minute: 1, output_tokens_per_minute: 1 };

beforeEach(() => { vi.useFakeTimers({ toFake: ['performance'] }); });
afterEach(() => { vi.useRealTimers(); });

test.each([
  ['tokens', (caller: ReturnType<ReturnType<typeof createCallerCounters>['of']>) => caller.settle(NO_TOKENS, USED)],
  ['requests', (caller: ReturnType<ReturnType<typeof createCallerCounters>['of']>) => caller.countRequest()],
])('counters: callers whose window of %s is over are forgotten, one that still runs is not', (_what, count) => {
  const counters = createCallerCounters(60_000);
  const running = counters.of('running');
  running.begin(false);
  running.reserve(USED);
  for (let index = 0; index < 10_000; index += 1) {
    count(counters.of(`person:${index}`));
    if (index % 100 === 99) vi.advanceTimersByTime(60_001);
  }
  expect(counters.size).toBeLessThan(300);
  expect(counters.of('running')).toBe(running);
  expect(counters.of('running').tokens().reserved).toEqual(USED);
});

test('counters: a caller is remembered while its window runs, although nothing of it runs', () => {
  const counters = createCallerCounters(60_000);
  counters.of('a').settle(NO_TOKENS, USED);
  counters.of('b').countRequest();
  for (let index = 0; index < 100; index += 1) counters.of(`other:${index}`);
  expect(counters.of('a').tokens().used).toEqual(USED);
  expect(counters.of('b').countRequest().consumed).toBe(2);
  vi.advanceTimersByTime(60_001);
  expect(counters.of('b').countRequest()).toEqual({ consumed: 1, resetsInMs: 60_000 });
});

test('counters: a caller whose requests have ended is forgotten, as soon as none of them runs', () => {
  const counters = createCallerCounters(60_000);
  let others = 0;
  const lookAtAll = (): void => { for (const last = others + 200; others < last; others += 1) counters.of(`other:${others}`).countRequest(); };
  const caller = counters.of('a');
  caller.begin(true);
  caller.begin(false);
  caller.end(true);
  lookAtAll();
  expect([counters.of('a') === caller, caller.places]).toEqual([true, 0]);
  caller.end(false);
  vi.advanceTimersByTime(60_001);
  lookAtAll();
  expect(counters.of('a')).not.toBe(caller);
});
