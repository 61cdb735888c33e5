import { performance } from 'node:perf_hooks';
import { expect, test, vi } from 'vitest';
import { createRequestObserver, type RequestEnd, type RequestObserverOptions } from '../../src/observe/request-observer.ts';
import { createPriceBook } from '../../src/cost/price-book.ts';
import type { ObservedRequest } from '../../src/request/observed-request.ts';

const REQUEST = { id: 'req_1', method: 'POST', startedAt: performance.now() } as ObservedRequest;
const TOKENS = { output: 1, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
const BROKEN = new Error('broken');

test.each<[string, number, Partial<RequestObserverOptions>, bigint | undefined]>([
  ['a count that cannot be priced', 0.5, {}, undefined],
  ['a ledger that throws', 1, { ledger: { charge: () => { throw BROKEN; } } }, 30_000n],
  ['a memory of missing prices that throws', 1, { onUnpriced: () => { throw BROKEN; } }, 30_000n],
])('%s keeps a request from neither metrics, log nor the settlement of its limits, and is counted', (_what, input, parts, cost) => {
  const metrics = { recordRequest: vi.fn(), observerError: vi.fn() };
  const [requestEnded, settle] = [vi.fn(), vi.fn()];
  const prices = createPriceBook({ prices: [], multipliers: { native: '0.999999' } });
  const observer = createRequestObserver({ metrics, log: { requestEnded }, prices: () => prices, ...parts });
  const charge = { lease: { settle }, ratios: {}, upstreamStatus: 200, workedMs: 1, isStream: false, model: 'm', textBytes: 1, outputBound: 1, estimatedInput: 1 } as unknown as RequestEnd['charge'];
  observer.settled(REQUEST, {
    side: 'native', route: undefined, status: 200, outcome: 'ok', client: 'a', isEventStream: false, requestBytes: 1, responseBytes: 1, upstream: 'native',
    usage: { usage: { input, ...TOKENS }, source: 'final', model: 'of-no-price' }, charge,
  });
  expect(metrics.recordRequest).toHaveBeenCalledOnce();
  expect(metrics.recordRequest).toHaveBeenCalledWith(expect.objectContaining({ requestId: 'req_1', cost: cost === undefined ? undefined : expect.objectContaining({ nanoDollars: cost }) as object }));
  expect(requestEnded).toHaveBeenCalledOnce();
  expect(settle).toHaveBeenCalledWith({ input_tokens_per_minute: input, output_tokens_per_minute: 1 });
  expect(metrics.observerError.mock.calls).toEqual([['cost', expect.any(Error)]]);
});
