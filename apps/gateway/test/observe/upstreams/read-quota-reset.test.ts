import { expect, test } from 'vitest';
import { readQuotaReset } from '../../../src/observe/upstreams/read-quota-reset.ts';

const NOON = Date.parse('2026-06-01T12:00:00Z');

test.each([
  ['the latest reset of the quotas that are spent, not of the others', [
    'anthropic-ratelimit-requests-remaining', '0', 'anthropic-ratelimit-requests-reset', '2026-06-01T12:00:30Z',
    'Anthropic-RateLimit-Input-Tokens-Remaining', '0', 'Anthropic-RateLimit-Input-Tokens-Reset', '2026-06-01T12:00:40Z',
    'anthropic-ratelimit-output-tokens-remaining', '8000', 'anthropic-ratelimit-output-tokens-reset', '2026-06-01T12:09:00Z', 'retry-after', '7',
  ], 40_000],
  ['the reset of a window of a subscription that rejects', ['anthropic-ratelimit-unified-5h-status', 'rejected', 'anthropic-ratelimit-unified-5h-reset', String(NOON / 1_000 + 3_600), 'anthropic-ratelimit-unified-7d-status', 'allowed', 'anthropic-ratelimit-unified-7d-reset', String(NOON / 1_000 + 7_200)], 3_600_000],
  ['the reset of a window that is used up', ['anthropic-ratelimit-unified-5h-utilization', '1.02', 'anthropic-ratelimit-unified-5h-reset', String(NOON / 1_000 + 60)], 60_000],
  ['retry-after where no spent quota is named', ['anthropic-ratelimit-requests-remaining', '3', 'anthropic-ratelimit-requests-reset', '2026-06-01T12:00:30Z', 'retry-after', '7'], 7_000],
  ['retry-after where the reset has passed already', ['anthropic-ratelimit-requests-remaining', '0', 'anthropic-ratelimit-requests-reset', '2026-06-01T11:59:59Z', 'Retry-After', '7'], 7_000],
  ['retry-after that is a date', ['retry-after', 'Mon, 01 Jun 2026 12:02:00 GMT'], 120_000],
] as const)('a 429 names %s', (_title, fields, inMs) => {
  expect(readQuotaReset(fields, NOON)).toBe(NOON + inMs);
});

test.each([
  ['no field', []],
  ['fields that cannot be read', ['anthropic-ratelimit-requests-remaining', '0', 'anthropic-ratelimit-requests-reset', 'soon', 'retry-after', 'later']],
  ['a spent quota without its reset', ['anthropic-ratelimit-requests-remaining', '0']],
  ['an empty remainder', ['anthropic-ratelimit-requests-remaining', '', 'anthropic-ratelimit-requests-reset', '2026-06-01T12:00:30Z']],
  ['a time without its end', ['retry-after', '9'.repeat(400)]],
  ['times that have passed', ['anthropic-ratelimit-requests-remaining', '0', 'anthropic-ratelimit-requests-reset', '2026-06-01T11:00:00Z', 'retry-after', '0']],
] as const)('a 429 with %s names no reset', (_title, fields) => {
  expect(readQuotaReset(fields, NOON)).toBeUndefined();
});
