import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLeaseBook, type LeaseBook, type StoreOperation } from '../../src/limits/lease-book.ts';
import { createScriptedStore, type ScriptedStore } from './scripted-store.ts';
import type { ClientLimits } from '../../src/config/sections/clients-section.ts';

const RENEW_MS = 10_000;
/** A place lives as long as three renewals take. */
const LIFE_MS = 3 * RENEW_MS;
const PLACES = 'a:concurrent_requests';

let store: ScriptedStore;
let book: LeaseBook;
let reported: StoreOperation[];

function openBook(limits: ClientLimits): void {
  book = createLeaseBook({ store, renewEveryMs: RENEW_MS, limitsOf: (name) => (name === 'a' ? limits : undefined), report: (operation) => { reported.push(operation); } });
}
const countOf = (step: string): number => store.asked.filter(([name]) => name === step).length;

beforeEach(() => {
  vi.useFakeTimers();
  store = createScriptedStore();
  reported = [];
  openBook({ concurrent_requests: 1 });
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

describe('tokens', () => {
  it('are charged where they are limited, in whole numbers', () => {
    openBook({ input_tokens_per_minute: 10 });
    book.open('a', 'lease-1', false).charge({ inputTokens: 7.9, outputTokens: 5 });
    book.open('b', 'lease-2', false).charge({ inputTokens: 7, outputTokens: 5 });
    expect(store.asked).toEqual([['add', 'a:input_tokens_per_minute', 7]]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -5, 0, 0.5])('are not charged when their number is %d (an upstream cannot give a client tokens, nor spend its minute for ever)', (tokens) => {
    openBook({ input_tokens_per_minute: 10, output_tokens_per_minute: 10 });
    book.open('a', 'lease-1', false).charge({ inputTokens: tokens, outputTokens: tokens });
    expect(store.asked).toEqual([]);
  });
});

it('every step that the store failed at is reported under its name, and none throws', async () => {
  openBook({ concurrent_requests: 1, input_tokens_per_minute: 10 });
  for (const step of ['giveBack', 'renew', 'add'] as const) store.failing.add(step);
  const lease = book.open('a', 'lease-1', true);
  await vi.advanceTimersByTimeAsync(RENEW_MS);
  expect(reported).toEqual(['renew']);
  lease.charge({ inputTokens: 1, outputTokens: 1 });
  lease.release();
  await vi.advanceTimersByTimeAsync(0);
  expect(reported.toSorted()).toEqual(['charge', 'release', 'renew']);
});
