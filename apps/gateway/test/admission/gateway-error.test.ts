import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorBody, errorHeaders, GatewayError, type GatewayErrorCode } from '../../src/request/gateway-error.ts';

const PAGE = readFileSync(resolve(import.meta.dirname, '../../../../docs/errors.md'), 'utf8');
const SOURCE = readFileSync(resolve(import.meta.dirname, '../../src/request/gateway-error.ts'), 'utf8');

describe('docs/errors.md', () => {
  test('has one row for each code, as the gateway answers it', () => {
    const rows = [...PAGE.matchAll(/^\| `(\w+)` \| (\d{3}) \| `(\w+)` \| (–|`true`|`false`) \|/gm)].map(([, code, status, type, retry]) => ({ code, status: Number(status), type, retry: retry === '–' ? undefined : retry === '`true`' }));
    const codes = [...SOURCE.matchAll(/^ {2}(\w+): \{ status:/gm)].map(([, code]) => code as GatewayErrorCode);
    expect(codes.length).toBeGreaterThan(15);
    expect(rows).toEqual(codes.map((code) => {
      const { shape } = new GatewayError(code, 'M.');
      return { code, status: shape.status, type: shape.type, retry: shape.shouldRetry };
    }));
  });
});

describe('an error of the gateway\'s own', () => {
  test('has the API\'s shape and says which hop failed', () => {
    const error = new GatewayError('overloaded', 'Busy.', { retryAfterSeconds: 1.2 });
    expect(JSON.parse(errorBody(error, 'pen_x').toString())).toEqual({ type: 'error', error: { type: 'rate_limit_error', message: 'Busy.' }, request_id: 'pen_x' });
    expect(errorHeaders(error, 'pen_x')).toEqual([
      'content-type', 'application/json', 'request-id', 'pen_x', 'x-penstock-request-id', 'pen_x', 'x-penstock-error', 'overloaded', 'x-should-retry', 'true', 'retry-after', '2',
    ]);
  });

  test('lists the methods of a 405, and leaves x-should-retry out where the request may have run', () => {
    expect(errorHeaders(new GatewayError('method_not_allowed', 'M.', { allow: ['GET', 'POST'] }), 'pen_x')).toContain('GET, POST');
    expect(errorHeaders(new GatewayError('upstream_reset', 'M.'), 'pen_x')).not.toContain('x-should-retry');
  });
});
