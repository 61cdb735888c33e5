import { describe, expect, it, vi } from 'vitest';
import { Cooling } from '../src/health/cooling.ts';
import { MAX_SCOPES, MemberHealth } from '../src/health/member-health.ts';
import { readAnthropicQuota, readLeastShare } from '../src/health/read-quota.ts';
import { MAX_RETRY_AFTER_MS, readRetryAfter } from '../src/health/retry-after.ts';

const COOL_DOWN = { minMs: 1_000, maxMs: 60_000 };

describe('Cooling', () => {
  it('doubles with each failure of a probe up to the longest, and starts anew after a success', () => {
    const cooling = new Cooling();
    const spans: number[] = [];
    let now = 0;
    for (let failure = 0; failure < 8; failure += 1) {
      cooling.failed('reset', now, now, COOL_DOWN, 0);
      spans.push(cooling.until - now);
      now = cooling.until;
      expect(cooling.state(now)).toBe('half_open');
    }
    expect(spans).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    cooling.succeeded(now);
    expect(cooling.state(now)).toBe('well');
    cooling.failed('reset', now, now, COOL_DOWN, 0);
    expect(cooling.until - now).toBe(1_000);
  });

  it('counts the failures of one burst once, and successes of requests from before it not at all', () => {
    const cooling = new Cooling();
    cooling.failed('reset', 0, 100, COOL_DOWN, 0);
    for (let index = 0; index < 50; index += 1) cooling.failed('reset', 50, 101 + index, COOL_DOWN, 0);
    expect([cooling.failures, cooling.until]).toEqual([1, 1_100]);
    cooling.succeeded(50);
    expect(cooling.state(200)).toBe('cooling');
  });

  it('is as long as retry-after where that is longer', () => {
    const cooling = new Cooling();
    cooling.failed('status_529', 0, 0, COOL_DOWN, 30_000);
    expect(cooling.until).toBe(30_000);
  });
});

describe('MemberHealth', () => {
  it('is usable for one probe at a time once half-open', () => {
    const health = new MemberHealth();
    const failed = { reason: 'reset', beganAt: 0, now: 0, coolDown: COOL_DOWN, retryAfterMs: 0 };
    health.failed('member', 'm', failed);
    expect([health.isUsable('m', 999), health.isUsable('m', 1_000)]).toEqual([false, true]);
    const end = health.beginProbe('m', 1_000);
    expect([health.isUsable('m', 1_000), health.beginProbe('m', 1_000)]).toEqual([false, undefined]);
    end?.();
    expect(health.isUsable('m', 1_000)).toBe(true);
    health.failed('member', 'm', { ...failed, beganAt: 1_000, now: 1_001 });
    expect(health.view(1_002)).toMatchObject({ state: 'cooling', failures: 2, reason: 'reset', coolsForMs: 1_999 });
  });

  it('remembers a bounded number of models', () => {
    const health = new MemberHealth();
    for (let index = 0; index < MAX_SCOPES * 2; index += 1) health.failed('scope', `m${index}`, { reason: 'status_429', beganAt: 0, now: 0, coolDown: COOL_DOWN, retryAfterMs: 0 });
    expect(health.view(1).scopes.length).toBe(MAX_SCOPES);
    expect([health.isUsable('m0', 1), health.isUsable(`m${MAX_SCOPES * 2 - 1}`, 1)]).toEqual([true, false]);
  });
});

describe('readRetryAfter', () => {
  it.each([
    ['3', 3_000], ['1.5', 1_500], ['0', 0], ['-4', 0], ['soon', 0], ['', 0], ['999999999', MAX_RETRY_AFTER_MS],
    ['Thu, 01 Jan 1970 00:00:20 GMT', 10_000], ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
  ])('of %j is %d ms', (text, span) => {
    expect(readRetryAfter(['Retry-After', text], 10_000)).toBe(span);
  });
});

describe('readAnthropicQuota', () => {
  const NOW = Date.parse('2026-01-01T00:00:00Z');

  it('names the quota of which the smallest share is left, and when it is full again', () => {
    expect(readAnthropicQuota([
      'content-type', 'application/json',
      'Anthropic-Ratelimit-Requests-Limit', '100', 'anthropic-ratelimit-requests-remaining', '50', 'anthropic-ratelimit-requests-reset', '2026-01-01T00:00:30Z',
      'anthropic-ratelimit-input-tokens-limit', '1000', 'anthropic-ratelimit-input-tokens-remaining', '10', 'anthropic-ratelimit-input-tokens-reset', '2026-01-01T00:00:20Z',
    ], NOW)).toEqual({ share: 0.01, resetsAt: NOW + 20_000 });
  });

  it.each([
    [[]], [['anthropic-ratelimit-requests-remaining', '5']], [['anthropic-ratelimit-requests-limit', '0', 'anthropic-ratelimit-requests-remaining', '0']],
    [['anthropic-ratelimit-requests-limit', '1e9', 'anthropic-ratelimit-requests-remaining', '-1']],
  ])('is undefined for %j', (fields) => {
    expect(readAnthropicQuota(fields, NOW)).toBeUndefined();
  });

  it('takes a minute where no reset is named, and never more than an hour', () => {
    const fields = ['anthropic-ratelimit-tokens-limit', '10', 'anthropic-ratelimit-tokens-remaining', '0'];
    expect(readAnthropicQuota(fields, NOW)?.resetsAt).toBe(NOW + 60_000);
    expect(readAnthropicQuota([...fields, 'anthropic-ratelimit-tokens-reset', '2036-01-01T00:00:00Z'], NOW)?.resetsAt).toBe(NOW + MAX_RETRY_AFTER_MS);
  });

  it('reads names in any spelling, numbers between spaces, and of a repeated field the last value', () => {
    expect(readAnthropicQuota([
      'ANTHROPIC-RATELIMIT-TOKENS-LIMIT', '10', 'Anthropic-ratelimit-tokens-limit', ' 100 ', 'anthropic-ratelimit-tokens-remaining', '\t25', 'anthropic-ratelimit-unified-5h-utilization', '0.9',
      'anthropic-ratelimit-other-tokens-remaining', '1', 'anthropic-ratelimit-tokens-resets', 'x',
    ], NOW)).toEqual({ share: 0.25, resetsAt: NOW + 60_000 });
  });

  it('reads fields in any order, whatever the order of those before', () => {
    const named = (kind: string, limit: string, remaining: string): string[][] => [[`anthropic-ratelimit-${kind}-limit`, limit], [`anthropic-ratelimit-${kind}-remaining`, remaining], [`anthropic-ratelimit-${kind}-reset`, '2026-01-01T00:00:30Z']];
    const fields = [...named('requests', '10', '9'), ...named('tokens', '100', '20'), ['request-id', 'r'], ...named('output-tokens', '1000', '300')];
    for (let turn = 0; turn < 2; turn += 1) {
      for (let shift = 0; shift < fields.length; shift += 1) {
        const shifted = [...fields.slice(shift), ...fields.slice(0, shift)];
        for (const order of [shifted, shifted.toReversed(), shifted]) expect(readAnthropicQuota(order.flat(), NOW)).toEqual({ share: 0.2, resetsAt: NOW + 30_000 });
      }
    }
  });

  it('parses no date before it is asked for, and then that of the smallest share', () => {
    const fields = ['requests', 'tokens', 'input-tokens', 'output-tokens'].flatMap((kind, index) => [
      `anthropic-ratelimit-${kind}-limit`, '100', `anthropic-ratelimit-${kind}-remaining`, String(40 - index * 10), `anthropic-ratelimit-${kind}-reset`, `2026-01-01T00:00:0${index}Z`,
    ]);
    const parse = vi.spyOn(Date, 'parse');
    try {
      const least = readLeastShare(fields, NOW);
      expect([least?.share, parse.mock.calls]).toEqual([0.1, []]);
      expect([least?.resetsAt, parse.mock.calls]).toEqual([NOW + 3_000, [['2026-01-01T00:00:03Z']]]);
      expect(readAnthropicQuota(fields, NOW)).toEqual({ share: 0.1, resetsAt: NOW + 3_000 });
    } finally {
      parse.mockRestore();
    }
  });
});
