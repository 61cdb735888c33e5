import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTokenCache, LONGEST_REMEMBERED_MS, MOST_REMEMBERED_TOKENS } from '../../../src/access/identity/token-cache.ts';

beforeEach(() => { vi.useFakeTimers({ toFake: ['Date', 'performance'] }); });
afterEach(() => { vi.useRealTimers(); });
const inSeconds = (seconds: number): number => Date.now() / 1_000 + seconds;

describe('a verified token is remembered', () => {
  test('for 300 seconds at most', () => {
    const cache = createTokenCache<string>();
    cache.set('a', 'alice', inSeconds(3_600));
    vi.advanceTimersByTime(LONGEST_REMEMBERED_MS - 1);
    expect(cache.get('a')).toBe('alice');
    vi.advanceTimersByTime(1);
    expect(cache.get('a')).toBeUndefined();
    expect([LONGEST_REMEMBERED_MS, cache.size]).toEqual([300_000, 0]);
  });

  test('never past its own end, not even one that is only good by the skew of the clocks', () => {
    const cache = createTokenCache<string>();
    cache.set('a', 'alice', inSeconds(10));
    vi.advanceTimersByTime(10_000);
    expect(cache.get('a')).toBeUndefined();
    cache.set('b', 'bob', inSeconds(-1));
    expect([cache.get('b'), cache.size]).toEqual([undefined, 0]);
  });

  test('no longer when the wall clock is set back', () => {
    const cache = createTokenCache<string>();
    cache.set('a', 'alice', inSeconds(3_600));
    vi.advanceTimersByTime(LONGEST_REMEMBERED_MS);
    vi.setSystemTime(Date.now() - 86_400_000);
    expect(cache.get('a')).toBeUndefined();
  });

  test('among 20,000 at most: the oldest gives way', () => {
    const cache = createTokenCache<number>();
    for (let index = 0; index <= MOST_REMEMBERED_TOKENS; index += 1) cache.set(String(index), index, inSeconds(3_600));
    expect(MOST_REMEMBERED_TOKENS).toBe(20_000);
    expect(cache.size).toBeLessThanOrEqual(MOST_REMEMBERED_TOKENS);
    expect([cache.get('0'), cache.get(String(MOST_REMEMBERED_TOKENS))]).toEqual([undefined, MOST_REMEMBERED_TOKENS]);
  });

  test('and what has expired makes room although it is never asked for again', () => {
    const cache = createTokenCache<number>();
    for (let index = 0; index < 1_000; index += 1) cache.set(`old-${index}`, index, inSeconds(3_600));
    vi.advanceTimersByTime(LONGEST_REMEMBERED_MS);
    for (let index = 0; index < 1_000; index += 1) cache.set(`new-${index}`, index, inSeconds(3_600));
    expect(cache.size).toBe(1_000);
  });
});
