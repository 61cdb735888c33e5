import { describe, expect, it } from 'vitest';
import { ignoredParamsHeader, translateResponseHeaders } from '../../src/messages-core/response-headers.ts';
import { translateErrorBody } from '../../src/messages-core/upstream-error.ts';

describe('translateResponseHeaders', () => {
  it('carries retry hints and ids, and rate limits under both names', () => {
    expect(translateResponseHeaders([
      'Retry-After', '3', 'x-should-retry', 'false', 'Request-Id', 'req_1', 'anthropic-ratelimit-tokens-remaining', '9', 'anthropic-ratelimit-requests-reset', '2026-11-22T00:00:00Z',
      'anthropic-ratelimit-unified-status', 'allowed', 'set-cookie', 'a=b', 'server', 'x', 'content-length', '3', 'transfer-encoding', 'chunked',
    ], 'pen_1')).toEqual([
      'retry-after', '3', 'x-should-retry', 'false', 'request-id', 'req_1', 'x-request-id', 'req_1', 'anthropic-ratelimit-tokens-remaining', '9', 'x-ratelimit-remaining-tokens', '9',
      'anthropic-ratelimit-requests-reset', '2026-11-22T00:00:00Z', 'x-ratelimit-reset-requests', '2026-11-22T00:00:00Z', 'anthropic-ratelimit-unified-status', 'allowed',
    ]);
  });
});

it('gives the own id where the upstream gave none (clients tell their users this id)', () => {
  expect(translateResponseHeaders(['retry-after', '3'], 'pen_1')).toEqual(['x-request-id', 'pen_1', 'retry-after', '3']);
  expect(translateResponseHeaders([], undefined)).toEqual([]);
});

describe('ignoredParamsHeader', () => {
  it('is safe as a header value and bounded, whatever a client calls its fields', () => {
    const value = ignoredParamsHeader(['seed', 'a\r\nset-cookie: x', 'ü', 'x'.repeat(1000), ...Array.from({ length: 100 }, (_, index) => `f${index}`)]);
    expect(value).toMatch(/^seed, a__set-cookie__x, _, x{64}, f0, /);
    expect(value).toMatch(/, and_64_more$/);
    expect(value.length).toBeLessThan(1000);
  });
});

describe('translateErrorBody', () => {
  const codeOf = (type: string, message: string, details: object | null = null): unknown => translateErrorBody(400, JSON.stringify({ type: 'error', error: { type, message, details } })).error.code;

  it.each<[string, string, string, object | null]>([
    ['context_length_exceeded', 'invalid_request_error', 'prompt is too long: 3333404 tokens > 200000 maximum', null],
    ['context_length_exceeded', 'invalid_request_error', 'input length and `max_tokens` exceed context limit: 198000 + 8192 > 200000, decrease input length', null],
    ['context_length_exceeded', 'invalid_request_error', 'Request size exceeds model context window', null],
    ['insufficient_quota', 'rate_limit_error', 'You have reached a limit.', { error_code: 'enforced_spend_limit_reached' }],
    ['insufficient_quota', 'invalid_request_error', 'You have reached your specified API usage limits. You will regain access on 2026-12-01.', null],
    ['insufficient_quota', 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.', null],
    ['insufficient_quota', 'billing_error', 'Pay.', null],
    ['rate_limit_exceeded', 'rate_limit_error', 'Number of requests has exceeded your rate limit', null],
    ['invalid_request_error', 'invalid_request_error', 'messages: at least one message is required', null],
    ['overloaded_error', 'overloaded_error', 'Overloaded', { error_code: 'compaction_unavailable' }],
  ])('has the code %s, by which clients decide, for %s: %s', (code, type, message, details) => {
    expect(codeOf(type, message, details)).toBe(code);
  });

  it('keeps the upstream\'s words and type, and repeats the type as code', () => {
    const body = JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' }, request_id: 'req_1' });
    expect(translateErrorBody(529, body)).toEqual({ error: { message: 'Overloaded', type: 'overloaded_error', param: null, code: 'overloaded_error' } });
  });

  it.each(['<html>bad gateway</html>', '', '{"error":"x"}', '[]'])('names the status alone for %j (a page of another hop is no message)', (text) => {
    expect(translateErrorBody(520, text).error).toEqual({ message: 'The upstream answered 520 without a readable error.', type: 'api_error', param: null, code: 'api_error' });
    expect(translateErrorBody(413, text).error.type).toBe('invalid_request_error');
  });
});
