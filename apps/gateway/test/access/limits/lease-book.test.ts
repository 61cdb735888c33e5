import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLeaseBook, type LeaseBook, type StoreOperation } from '../../../src/access/limits/lease-book.ts';
import { createScriptedStore, type ScriptedStore } from './scripted-store.ts';

const RENEW_MS = 10_000;
/** A place lives as long as three renewals take. */
const LIFE_MS = 3 * RENEW_MS;
const PLACES = 'a:concurrent_requests';

let store: ScriptedStore;
let book: LeaseBook;
let reported: StoreOperation[];

const countOf = (step: string): number => store.asked.filter(([name]) => name === step).length;

beforeEach(() => {
  vi.useFakeTimers();
  store = createScriptedStore();
  reported = [];
  book = createLeaseBook({ store, renewEveryMs: RENEW_MS, report: (operation) => { reported.push(operation); } });
});
afterEach(() => {
  book.close();
  vi.useRealTimers();
});

describe('a place that the store does not take back', () => {
  it('is given back again until the store is well, and then no more (a client with few places must not wait for it to expire)', async () => {
    store.failing.add('giveBack');
    book.open('a', 'lease-1', true).release();
    await vi.advanceTimersByTimeAsync(RENEW_MS);
    const whileAway = countOf('giveBack');
    expect(whileAway).toBeGreaterThan(2);
    expect(store.asked.at(-1)).toEqual(['giveBack', PLACES, 'lease-1']);
    store.failing.delete('giveBack');
    await vi.advanceTimersByTimeAsync(RENEW_MS);
    expect(countOf('giveBack')).toBe(whileAway + 1);
    expect(reported).toEqual(['release']);
  });

  it('is forgotten when it has expired by itself (what is owed to a store that never comes back does not grow)', async () => {
    store.failing.add('giveBack');
    for (let lease = 0; lease < 5; lease += 1) book.open('a', `lease-${lease}`, true).release();
    await vi.advanceTimersByTimeAsync(LIFE_MS + RENEW_MS);
    const tried = countOf('giveBack');
    expect(tried).toBeLessThanOrEqual(5 * 31);
    await vi.advanceTimersByTimeAsync(10 * LIFE_MS);
    expect(countOf('giveBack')).toBe(tried);
    expect(vi.getTimerCount()).toBe(1);
  });
});

describe('a place that is held', () => {
  it('is renewed three times in its life, together with the others of its client, until it is released', async () => {
    const leases = [book.open('a', 'lease-1', true), book.open('a', 'lease-2', true), book.open('a', 'lease-3', false)];
    await vi.advanceTimersByTimeAsync(RENEW_MS);
    expect(store.asked).toEqual([['renew', PLACES, ['lease-1', 'lease-2']]]);
    leases[0]?.release();
    await vi.advanceTimersByTimeAsync(RENEW_MS);
    expect(store.asked.at(-1)).toEqual(['renew', PLACES, ['lease-2']]);
    leases[1]?.release();
    await vi.advanceTimersByTimeAsync(LIFE_MS);
    expect([countOf('renew'), countOf('giveBack'), book.size]).toEqual([2, 2, 1]);
  });
});

it('every step that the store failed at is reported under its name, and none throws', async () => {
  for (const step of ['giveBack', 'renew'] as const) store.failing.add(step);
  const lease = book.open('a', 'lease-1', true);
  await vi.advanceTimersByTimeAsync(RENEW_MS);
  expect(reported).toEqual(['renew']);
  lease.release();
  await vi.advanceTimersByTimeAsync(0);
  expect(reported).toEqual(['renew', 'release']);
});
