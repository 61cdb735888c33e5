import { createUpstreamClient } from '@penstock/upstream-client';
import { expect, test } from 'vitest';
import { createProxyHandler, DEFAULT_PROXY_LIMITS, isProxyError } from '../src/index.ts';
import { policy } from './start-proxy.ts';

const upstream = createUpstreamClient({ origin: 'http://127.0.0.1:9' });

function refusalOf(options: object): string {
  try {
    createProxyHandler({ upstream, policy, ...options });
  } catch (error) {
    if (isProxyError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

test.each([
  [{ hook: {} }, 'unknown_option: hook is not an option; did you mean hooks?'],
  [{ hooks: { onSetled: () => undefined } }, 'unknown_option: onSetled is not an option; did you mean onSettled?'],
  [{ relay: { client_stall_ms: 1 } }, 'unknown_option: client_stall_ms is not an option; did you mean clientStallMs?'],
  [{ limits: { maxRequestByte: 1 } }, 'unknown_option: maxRequestByte is not an option; did you mean maxRequestBytes?'],
  [{ upstream: 'https://api.example' }, 'invalid_option: upstream must have a method dispatch'],
  [{ policy: {} }, 'invalid_option: policy must have a method forwardRequestHeaders'],
  [{}, 'accepted'],
])('options: %j is %s', (options, expected) => {
  expect(refusalOf(options)).toBe(expected);
});

test.each(Object.keys(DEFAULT_PROXY_LIMITS))('options: the limit %s is checked', (name) => {
  for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '1']) expect(refusalOf({ limits: { [name]: value } })).toContain(`invalid_option: ${name} must be a positive integer`);
});
