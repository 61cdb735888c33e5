import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createStoreGuard } from '../../../src/access/limits/store-guard.ts';
import { createTokenBook, type TokenBook } from '../../../src/access/limits/token-book.ts';
import { NO_TOKENS, type TokenAmounts } from '../../../src/access/limits/token-limits.ts';
import { createScriptedStore, type ScriptedStore } from './scripted-store.ts';
import type { CounterStore } from '../../../src/access/limits/counter-store.ts';
import type { StoreOperation } from '../../../src/access/limits/lease-book.ts';
import type { StoreFailurePolicy } from '../../../src/config/sections/limits-section.ts';

const RENEW_MS = 10_000;
const LIMITS = { input_tokens_per_minute: 100, output_tokens_per_minute: undefined };
const TEN: TokenAmounts = { input_tokens_per_minute: 10, output_tokens_per_minute: 0 };

let store: ScriptedStore;
let book: TokenBook;
let reported: StoreOperation[];

function openBook(policy: StoreFailurePolicy, overrides: Partial<CounterStore> = {}): void {
  store = createScriptedStore(overrides);
  reported = [];
  book = createTokenBook({
    store, guard: createStoreGuard(250), renewEveryMs: RENEW_MS, limitsOf: (name) => (name === 'a' ? LIMITS : undefined),
    failurePolicy: () => policy, report: (operation) => { reported.push(operation); },
  });
}
const settled = (): unknown[] => store.asked.filter(([name]) => name === 'settleTokens').map(([, , settlement]) => settlement);

beforeEach(() => {
  vi.useFakeTimers();
  openBook('open');
});
afterEach(() => {
  book.close();
  vi.useRealTimers();
});

describe('a reservation', () => {
  it('holds only what is limited, is renewed while its request runs, and is settled to what was used', async () => {
    const lease = book.open('a', 'lease-1');
    await lease.reserve({ input_tokens_per_minute: 9.1, output_tokens_per_minute: 77 });
    expect(store.asked).toEqual([['reserveTokens', 'a:tokens', { leaseId: 'lease-1', tokens: TEN }]]);
    await vi.advanceTimersByTimeAsync(RENEW_MS);
    expect(store.asked.at(-1)).toEqual(['renewTokens', 'a:tokens', [{ leaseId: 'lease-1', tokens: TEN }]]);
    lease.settle({ input_tokens_per_minute: 7.9, output_tokens_per_minute: 99 });
    expect(settled()).toEqual([{ leaseId: 'lease-1', used: { input_tokens_per_minute: 7, output_tokens_per_minute: 0 }, isRetry: false }]);
    await vi.advanceTimersByTimeAsync(3 * RENEW_MS);
    expect([store.asked.length, book.size]).toEqual([3, 0]);
  });

  it('a reservation: sends the store nothing for a client without token limits', async () => {
    const lease = book.open('b', 'lease-1');
    await lease.reserve(TEN);
    lease.settle(TEN);
    expect(store.asked).toEqual([]);
  });

  it('a reservation: is released when its request ended during the store call', async () => {
    const asked = Promise.withResolvers<undefined>();
    openBook('open', { reserveTokens: () => asked.promise });
    const lease = book.open('a', 'lease-1');
    const reserving = lease.reserve(TEN);
    lease.settle(NO_TOKENS);
    asked.resolve(undefined);
    expect(await reserving).toBeUndefined();
    expect([settled().at(-1), book.size]).toEqual([{ leaseId: 'lease-1', used: NO_TOKENS, isRetry: false }, 0]);
  });
});

describe('a store that fails', () => {
  it('while it is asked for tokens: `open` runs the request and charges it all the same, `closed` refuses it and gives back what may have been taken', async () => {
    store.failing.add('reserveTokens');
    const admitted = book.open('a', 'lease-1');
    expect(await admitted.reserve(TEN)).toBeUndefined();
    expect([reported, book.size]).toEqual([['admit'], 1]);
    admitted.settle(TEN);
    expect(settled()).toEqual([{ leaseId: 'lease-1', used: TEN, isRetry: false }]);
    openBook('closed');
    store.failing.add('reserveTokens');
    const refused = book.open('a', 'lease-2');
    expect(await refused.reserve(TEN)).toEqual({ ok: false, limit: 'store_unavailable', retryAfterSeconds: 1 });
    refused.settle(NO_TOKENS);
    expect([settled(), book.size]).toEqual([[{ leaseId: 'lease-2', used: NO_TOKENS, isRetry: false }], 0]);
  });

  it('while a request is settled is asked again until it takes it, as a retry (the first attempt may have been carried out)', async () => {
    const lease = book.open('a', 'lease-1');
    await lease.reserve(TEN);
    store.failing.add('settleTokens');
    lease.settle(TEN);
    await vi.advanceTimersByTimeAsync(RENEW_MS);
    expect([reported, settled().length > 2, settled().at(-1)]).toEqual([['charge'], true, { leaseId: 'lease-1', used: TEN, isRetry: true }]);
    store.failing.delete('settleTokens');
    const tried = settled().length;
    await vi.advanceTimersByTimeAsync(10 * RENEW_MS);
    expect(settled()).toHaveLength(tried + 1);
  });

  it('while reservations are renewed is reported, and asked again next time', async () => {
    await book.open('a', 'lease-1').reserve(TEN);
    store.failing.add('renewTokens');
    await vi.advanceTimersByTimeAsync(2 * RENEW_MS);
    expect(reported).toEqual(['renew', 'renew']);
  });
});
