import { describe, expect, it } from 'vitest';
import { DEFAULT_POOL, DEFAULT_TIMEOUTS, isUpstreamError, isUpstreamOptionError, UpstreamError, type UpstreamClientOptions } from '../src/index.ts';
import { createUpstreamClient } from './plain.ts';

const ORIGIN = 'https://api.anthropic.com';

function message(options: Partial<UpstreamClientOptions>): string {
  try {
    createUpstreamClient({ origin: ORIGIN, ...options });
  } catch (error) {
    return error instanceof TypeError && isUpstreamOptionError(error) ? error.message : 'not a coded TypeError';
  }
  return 'accepted';
}

describe('the options of an upstream client', () => {
  it('have the documented defaults', () => {
    expect(createUpstreamClient({ origin: ORIGIN }).stats()).toEqual({
      origin: ORIGIN, maxConnections: 20, maxKeepAliveConnections: 10, maxWaiting: 100, open: 0, active: 0, idle: 0, connecting: 0, waiting: 0, oldestWaitMs: 0, longLived: 0, maxLongLived: 5, clients: [],
    });
    expect(DEFAULT_POOL.keepAliveExpiryMs).toBe(30_000);
    expect(DEFAULT_TIMEOUTS).toEqual({ slotWaitMs: 5_000, connectMs: 10_000, writeStallMs: 10_000, headersMs: 60_000, idleMs: 120_000 });
    expect(Object.isFrozen(DEFAULT_POOL) && Object.isFrozen(DEFAULT_TIMEOUTS)).toBe(true);
  });

  it.each([
    [{ pool: { maxConnections: -1 } }, 'maxConnections must be a positive integer, received -1'],
    [{ pool: { maxConnections: 0 } }, 'maxConnections must be a positive integer, received 0'],
    [{ pool: { maxConnections: 1.5 } }, 'maxConnections must be a positive integer, received 1.5'],
    [{ pool: { longLivedShare: 0 } }, 'longLivedShare must be a number above 0 and at most 1, received 0'],
    [{ pool: { longLivedShare: 1.5 } }, 'longLivedShare must be a number above 0 and at most 1, received 1.5'],
    [{ pool: { maxWaiting: -1 } }, 'maxWaiting must be a non-negative integer, received -1'],
    [{ pool: { maxConnections: 5, maxKeepAliveConnections: 6 } }, 'maxKeepAliveConnections must not exceed maxConnections (5), received 6'],
    [{ pool: { keepAliveExpiryMs: 0 } }, 'keepAliveExpiryMs must be a positive number of milliseconds up to 2147483647, received 0'],
    [{ timeouts: { headersMs: Number.NaN } }, 'headersMs must be a positive number of milliseconds up to 2147483647, received NaN'],
    [{ timeouts: { idleMs: 2 ** 31 } }, 'idleMs must be a positive number of milliseconds up to 2147483647, received 2147483648'],
    [{ limits: { maxHeaders: 0 } }, 'maxHeaders must be a positive integer, received 0'],
    [{ origin: 'ftp://x' }, 'origin must be an http: or https: origin, received ftp:'],
    [{ origin: 'not a url' }, 'origin must be an http: or https: origin, received something that is no URL'],
    [{ origin: 'https://x/v1' }, 'origin must have no path, query, fragment or credentials, received one for https://x'],
    [{ origin: 'https://user:pass@x' }, 'origin must have no path, query, fragment or credentials, received one for https://x'],
    [{ proxy: 'socks5://user:pass@x' }, 'proxy must be an http: or https: URL, received socks5:'],
  ] satisfies [Partial<UpstreamClientOptions>, string][])('%j are refused: %s', (options, expected) => {
    expect(message(options)).toBe(expected);
  });

  it.each([
    [{ timeout: {} }, 'timeout is not an option; did you mean timeouts?'],
    [{ pool: { maxConnection: 5 } }, 'maxConnection is not an option; did you mean maxConnections?'],
    [{ pool: { connections: 5 } }, 'connections is not an option; did you mean maxConnections?'],
    [{ timeouts: { headersTimeout: 5 } }, 'headersTimeout is not an option'],
    [{ timeouts: { header_ms: 5 } }, 'header_ms is not an option; did you mean headersMs?'],
    [{ limits: { maxHeader: 5 } }, 'maxHeader is not an option; did you mean maxHeaders?'],
    [{ tls: { rejectUnauthorized: false } }, 'rejectUnauthorized is not an option'],
  ])('%j are refused with the nearest name: %s (a mistyped limit would be no limit)', (options, expected) => {
    expect(message(options as Partial<UpstreamClientOptions>)).toBe(expected);
  });

  it('that are unknown are refused on resize and setTimeouts, too', () => {
    const client = createUpstreamClient({ origin: ORIGIN });
    expect(() => { client.resize({ maxConection: 1 } as object); }).toThrow('did you mean maxConnections?');
    expect(() => { client.setTimeouts({ idle: 1 } as object); }).toThrow('did you mean idleMs?');
  });

  it('with PEM that does not work are refused at once (not with the first connection)', () => {
    expect(message({ tls: { cert: 'not pem', key: 'not pem' } })).toMatch(/^tls must hold PEM certificates and keys that belong together/);
  });

  it('keep fewer idle connections than 10 when there are fewer connections', () => {
    expect(createUpstreamClient({ origin: ORIGIN, pool: { maxConnections: 4 } }).stats().maxKeepAliveConnections).toBe(4);
  });

  it('are checked again on resize and setTimeouts, which change nothing when they throw', () => {
    const client = createUpstreamClient({ origin: ORIGIN });
    expect(() => { client.resize({ maxConnections: 0 }); }).toThrow('maxConnections must be a positive integer, received 0');
    expect(() => { client.setTimeouts({ idleMs: -1 }); }).toThrow('idleMs must be');
    expect(client.stats().maxConnections).toBe(20);
  });
});

describe('UpstreamError', () => {
  it('is retryable only while no byte was written, and never when the request itself is at fault', () => {
    const retryable = (code: UpstreamError['code'], phase: UpstreamError['phase']): boolean => new UpstreamError('x', { code, phase }).retryable;
    expect(retryable('queue_full', 'waiting')).toBe(true);
    expect(retryable('unreachable', 'connecting')).toBe(true);
    expect(retryable('reset', 'sending')).toBe(false);
    expect(retryable('reset', 'awaiting_head')).toBe(false);
    expect(retryable('truncated', 'receiving')).toBe(false);
    expect(retryable('origin_mismatch', 'waiting')).toBe(false);
    expect(retryable('invalid_request', 'connecting')).toBe(false);
  });

  it('isUpstreamError(): recognises an UpstreamError, also one of another copy of the package', () => {
    expect(isUpstreamError(new UpstreamError('x', { code: 'tls', phase: 'connecting' }))).toBe(true);
    expect(isUpstreamError(Object.assign(new Error('x'), { name: 'UpstreamError', code: 'tls' }))).toBe(true);
    expect(isUpstreamError(Object.assign(new Error('x'), { name: 'UpstreamError', code: 'other' }))).toBe(false);
    expect(isUpstreamError(Object.assign(new Error('x'), { code: 'tls' }))).toBe(false);
    expect(isUpstreamError(undefined)).toBe(false);
  });
});
