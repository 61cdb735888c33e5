import { expect, test } from 'vitest';
import { MAX_SHARED_MS, shareScrapes } from '../../../src/observe/metrics/share-scrapes.ts';

/** A scrape that takes as long as it is told, on a clock of its own. */
function scripted(durations: readonly number[]): { readonly scrape: () => Promise<number>; readonly clock: { now: number }; readonly shared: () => Promise<number> } {
  const clock = { now: 0 };
  let count = 0;
  const scrape = async (): Promise<number> => {
    clock.now += durations[count] ?? 0;
    count += 1;
    await Promise.resolve();
    return count;
  };
  return { scrape, clock, shared: shareScrapes(scrape, () => clock.now) };
}

test('a scrape is shared for ten times as long as it took (making texts takes a tenth of the time at most)', async () => {
  const { clock, shared } = scripted([5, 5]);
  expect(await shared()).toBe(1);
  clock.now += 49;
  expect(await shared()).toBe(1);
  clock.now += 1;
  expect(await shared()).toBe(2);
});

test('a slow scrape is shared for a second at most', async () => {
  const { clock, shared } = scripted([5_000, 1]);
  expect(await shared()).toBe(1);
  clock.now += MAX_SHARED_MS - 1;
  expect(await shared()).toBe(1);
  clock.now += 1;
  expect(await shared()).toBe(2);
});

test('a scrape that took no time is not shared behind its end', async () => {
  const { shared } = scripted([0, 0]);
  expect([await shared(), await shared()]).toEqual([1, 2]);
});

test('calls during a scrape wait for it, also for one that fails, and the next call tries again', async () => {
  let calls = 0;
  const shared = shareScrapes(async () => {
    calls += 1;
    await Promise.resolve();
    if (calls === 1) throw new Error('broken');
    return calls;
  });
  expect(await Promise.allSettled([shared(), shared()])).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
  expect([calls, await shared()]).toEqual([1, 2]);
});
