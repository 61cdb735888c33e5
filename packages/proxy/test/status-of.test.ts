import { RelayError } from '@penstock/sse-relay';
import { UPSTREAM_ERROR_CODES, UpstreamError } from '@penstock/upstream-client';
import { sendRawRequest, statusOf as statusOn, fieldValues } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { PROXY_ERROR_CODES, ProxyError, statusOf } from '../src/index.ts';
import { startProxy } from './start-proxy.ts';

test('statusOf: each code of an upstream error has a status between 429 and 504, and retry-after where no byte was sent', () => {
  const statuses = UPSTREAM_ERROR_CODES.map((code) => [code, statusOf(new UpstreamError('failed', { code, phase: 'waiting' }))] as const);
  expect(Object.fromEntries(statuses.map(([code, { status, retryAfterSeconds }]) => [code, retryAfterSeconds === undefined ? status : `${status} after ${retryAfterSeconds} s`]))).toEqual({
    slot_timeout: '429 after 2 s', queue_full: '429 after 5 s', draining: '503 after 1 s', connect_timeout: 504, unreachable: '502 after 1 s', tls: 502, reset: 502, truncated: 502,
    invalid_response: 502, headers_timeout: 504, idle_timeout: 504, write_timeout: 504, origin_mismatch: 500, invalid_request: 500, aborted: 500,
  });
  for (const [, { headers, retryAfterSeconds }] of statuses) expect(headers).toEqual(retryAfterSeconds === undefined ? [] : ['retry-after', String(retryAfterSeconds)]);
});

test.each([
  [new ProxyError('too_large', 'x'), 413],
  [new UpstreamError('failed', { code: 'aborted', phase: 'sending', cause: new ProxyError('too_slow', 'x') }), 408],
  [new RelayError('interrupted', 'x'), 503],
  [new RelayError('refused', 'x'), 502],
  [new Error('x'), 500],
  [undefined, 500],
])('statusOf: %s is %i', (error, status) => {
  expect(statusOf(error).status).toBe(status);
});

test('statusOf: each code of a proxy error has a status of an error', () => {
  for (const code of PROXY_ERROR_CODES) expect(statusOf(new ProxyError(code, 'x')).status).toBeGreaterThanOrEqual(400);
});

test('a full queue is answered with 429 and retry-after', async () => {
  const { port } = await startProxy(() => undefined, { client: { pool: { maxConnections: 1, maxWaiting: 0 } } });
  const first = sendRawRequest(port, 'GET / HTTP/1.1\r\nHost: proxy\r\n\r\n').catch(() => undefined);
  const second = sendRawRequest(port, 'GET / HTTP/1.1\r\nHost: proxy\r\n\r\n');
  const answer = await Promise.race([second, first]);
  if (answer === undefined) throw new Error('neither request was answered');
  expect([statusOn(answer), fieldValues(answer.rawHeaders, 'retry-after'), answer.body.toString()]).toEqual([429, ['5'], 'Too Many Requests']);
});
