import { statusOf } from '@penstock/proxy';
import { RelayError } from '@penstock/sse-relay';
import { UPSTREAM_ERROR_CODES, UpstreamError } from '@penstock/upstream-client';
import { expect, test } from 'vitest';
import { toGatewayError } from '../../src/pipe/classify-failure.ts';

const CAPACITY = { maxConnections: 1, maxWaiting: 1, longLived: 0, maxLongLived: 1 };

test.each([
  ...UPSTREAM_ERROR_CODES.map((code) => [code, new UpstreamError('failed', { code, phase: 'waiting' })] as const),
  ['interrupted', new RelayError('interrupted', 'drain')] as const,
])('native side: %s has the status and the retry-after of statusOf in @penstock/proxy', (_code, failure) => {
  const { shape, retryAfterSeconds } = toGatewayError(failure, 'native', CAPACITY, false);
  const expected = statusOf(failure);
  expect({ status: shape.status, retryAfterSeconds }).toEqual({ status: expected.status, retryAfterSeconds: expected.retryAfterSeconds });
});
