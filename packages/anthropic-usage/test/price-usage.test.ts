import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findPrice, FAST_PPM, priceUsage, type ModelTokens, type Price, type PricedUsage, type TokenCounts } from '../src/index.ts';

const PRICE: Price = { model: 'x', input: 3_000_000, output: 15_000_000, cacheRead: 300_000, cacheWrite5m: 3_750_000, cacheWrite1h: 6_000_000, webSearch: 10_000_000_000 };
const NONE: TokenCounts = { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
const cost = (usage: Partial<PricedUsage>, price: Price = PRICE, multiplierPpm?: number): bigint => priceUsage({ ...NONE, ...usage }, () => price, multiplierPpm).nanoDollars;

describe('priceUsage', () => {
  it('charges every kind of token at its own rate', () => {
    expect([cost({ input: 1_000_000 }), cost({ output: 1_000_000 }), cost({ cacheRead: 1_000_000 }), cost({ cacheWrite5m: 1_000_000 }), cost({ cacheWrite1h: 1_000_000 })])
      .toEqual([3_000_000_000n, 15_000_000_000n, 300_000_000n, 3_750_000_000n, 6_000_000_000n]);
    expect(cost({ input: 1, output: 2, cacheRead: 3, cacheWrite5m: 4, cacheWrite1h: 5 })).toBe(3_000n + 30_000n + 900n + 15_000n + 30_000n);
  });

  it('charges web searches, once for an answer of several entries, and nothing for other server tools', () => {
    expect(cost({ serverToolRequests: { web_search_requests: 3, web_fetch_requests: 7 } })).toBe(30_000_000n);
    const entry = { tokens: { ...NONE, input: 1 } };
    expect(cost({ entries: [entry, entry], serverToolRequests: { web_search_requests: 1 } })).toBe(10_000_000n + 6_000n);
  });

  it.each([
    ['a batch', { serviceTier: 'batch' }, 1_500_000_000n], ['the priority tier', { serviceTier: 'priority' }, 3_000_000_000n],
    ['the US alone', { inferenceGeo: 'us' }, 3_300_000_000n], ['any place', { inferenceGeo: 'global' }, 3_000_000_000n],
    ['fast mode', { speed: 'fast' }, 6_000_000_000n], ['all of them', { speed: 'fast', inferenceGeo: 'us', serviceTier: 'batch' }, 3_300_000_000n],
  ])('multiplies tokens for %s', (_what, terms, expected) => {
    expect(cost({ input: 1_000_000, ...terms })).toBe(expected);
    expect(cost({ serverToolRequests: { web_search_requests: 1 }, ...terms })).toBe(10_000_000n);
  });

  it('takes the fast rate of the price where it has one', () => {
    expect(cost({ output: 1_000_000, speed: 'fast' }, { ...PRICE, fastPpm: 6_000_000 })).toBe(90_000_000_000n);
    expect(FAST_PPM).toBe(2_000_000);
  });

  it('multiplies tokens and searches by the operator\'s multiplier', () => {
    expect(cost({ input: 1_000_000, serverToolRequests: { web_search_requests: 1 } }, PRICE, 850_000)).toBe(2_550_000_000n + 8_500_000n);
  });

  it('charges all tokens at the long-context rates once the whole input is over the bound, entry by entry', () => {
    const long: Price = { ...PRICE, longContext: { above: 100, input: 6_000_000, output: 22_500_000, cacheRead: 600_000, cacheWrite5m: 7_500_000, cacheWrite1h: 12_000_000 } };
    expect([cost({ input: 50, cacheRead: 50, output: 1 }, long), cost({ input: 50, cacheRead: 51, output: 1 }, long)]).toEqual([150_000n + 15_000n + 15_000n, 300_000n + 30_600n + 22_500n]);
    const entries: ModelTokens[] = [{ tokens: { ...NONE, input: 101 } }, { tokens: { ...NONE, input: 100 } }];
    expect(cost({ input: 201, entries }, long)).toBe(606_000n + 300_000n);
  });

  it('rounds each entry once, half up', () => {
    const tiny: Price = { ...PRICE, input: 499, output: 1 };
    expect([cost({ input: 1 }, tiny), cost({ input: 1, output: 1 }, tiny), cost({ input: 3 }, tiny)]).toEqual([0n, 1n, 1n]);
    const half = { tokens: { ...NONE, input: 1, output: 1 } };
    expect(cost({ entries: [half, half] }, tiny)).toBe(2n);
  });

  it('names the model and the cost of each entry, and adds them up', () => {
    const entries: ModelTokens[] = [{ tokens: { ...NONE, input: 1 } }, { model: 'advisor', tokens: { ...NONE, output: 1 } }];
    const asked: (string | undefined)[] = [];
    const { nanoDollars, parts } = priceUsage({ ...NONE, entries }, (model) => {
      asked.push(model);
      return model === 'advisor' ? { ...PRICE, output: 25_000_000 } : PRICE;
    });
    expect(asked).toEqual([undefined, 'advisor']);
    expect([nanoDollars, parts.map((part) => part.nanoDollars)]).toEqual([28_000n, [3_000n, 25_000n]]);
  });

  it('stays exact where a product does not fit a number', () => {
    expect(cost({ input: Number.MAX_SAFE_INTEGER, output: Number.MAX_SAFE_INTEGER }, { ...PRICE, input: 3_000_001 })).toBe((BigInt(Number.MAX_SAFE_INTEGER) * (3_000_001n + 15_000_000n) + 500n) / 1_000n);
  });

  it('is the sum of its parts for any usage', () => {
    const counts = fc.record({ input: fc.nat(2_000_000), output: fc.nat(200_000), cacheRead: fc.nat(2_000_000), cacheWrite5m: fc.nat(1_000_000), cacheWrite1h: fc.nat(1_000_000) });
    fc.assert(fc.property(fc.array(counts, { minLength: 1, maxLength: 8 }), fc.constantFrom(850_000, 1_000_000, 1_234_567), (entries, ppm) => {
      const whole = priceUsage({ ...NONE, entries: entries.map((tokens) => ({ tokens })) }, () => PRICE, ppm);
      expect(whole.nanoDollars).toBe(entries.reduce((sum, tokens) => sum + cost(tokens, PRICE, ppm), 0n));
      expect(whole.nanoDollars).toBe(whole.parts.reduce((sum, part) => sum + part.nanoDollars, 0n));
    }));
  });

  it('a million mixed requests come to exactly what a sum in pico-dollars comes to', () => {
    // A linear congruential generator: the same million each time. Rates are whole thousands of pico-dollars, so that no request is rounded.
    let seed = 1;
    const next = (limit: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % limit;
    };
    let total = 0n;
    const sums = { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
    let searches = 0;
    for (let request = 0; request < 1_000_000; request += 1) {
      const usage = { input: next(100_000), output: next(8_000), cacheRead: next(150_000), cacheWrite5m: next(20_000), cacheWrite1h: next(5_000), serverToolRequests: { web_search_requests: next(10) === 0 ? 1 : 0 } };
      total += cost(usage);
      for (const kind of Object.keys(sums) as (keyof typeof sums)[]) sums[kind] += usage[kind];
      searches += usage.serverToolRequests.web_search_requests;
    }
    const pico = (Object.keys(sums) as (keyof typeof sums)[]).reduce((sum, kind) => sum + BigInt(sums[kind]) * BigInt(PRICE[kind]), 0n) + BigInt(searches) * BigInt(PRICE.webSearch);
    expect(total).toBe(pico / 1_000n);
  });
});

describe('findPrice', () => {
  const rows = [{ model: '*' }, { model: 'claude-*' }, { model: 'claude-opus-*' }, { model: 'claude-opus-5' }, { model: '*-opus-*-x' }, { model: 'claude-opus-*', second: true }];

  it.each([
    ['gpt-5', '*'], ['claude-haiku', 'claude-*'], ['claude-opus-5', 'claude-opus-5'], ['claude-opus-6', 'claude-opus-*'], ['a-opus-b-x', '*-opus-*-x'], ['Claude-opus-5', '*'], ['', '*'],
  ])('the longest pattern that covers %j is %j', (model, pattern) => {
    expect(findPrice(model, rows)).toBe(rows.find((row) => row.model === pattern));
  });

  it('is undefined where no row covers the id', () => {
    expect(findPrice('gpt-5', rows.slice(1))).toBeUndefined();
    expect(findPrice('ab', [{ model: 'ab*b' }, { model: 'a*ab' }])).toBeUndefined();
  });
});
