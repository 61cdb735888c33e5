import { describe, expect, it } from 'vitest';
import type { ConnectFailureReason } from '../src/index.ts';
import { createUpstreamClient } from './plain.ts';
import { dispatchRequest } from './dispatch-request.ts';
import { startLocalServer } from './local-server.ts';

async function failure(origin: string): Promise<{ readonly error: Error | undefined; readonly reasons: readonly ConnectFailureReason[] }> {
  await using client = createUpstreamClient({ origin });
  const reasons: ConnectFailureReason[] = [];
  client.on('connect_failed', ({ reason }) => { reasons.push(reason); });
  const results = await Promise.all([1, 2, 3].map(() => dispatchRequest(client).result));
  expect(results.every(({ endings }) => endings === 1)).toBe(true);
  expect(client.stats()).toMatchObject({ open: 0, waiting: 0 });
  return { error: results[0]?.error, reasons };
}

describe('an upstream that cannot be reached', () => {
  it('ends in unreachable with the reason dns when its name does not resolve', async () => {
    const { error, reasons } = await failure('https://upstream.invalid');
    expect(error).toMatchObject({ code: 'unreachable', phase: 'connecting', retryable: true });
    expect(reasons).toEqual(['dns', 'dns', 'dns']);
  });

  it('connecting: ends in unreachable with the reason refused when no process listens on the port', async () => {
    const server = await startLocalServer(() => undefined);
    await server[Symbol.asyncDispose]();
    const { error, reasons } = await failure(server.origin);
    expect(error).toMatchObject({ code: 'unreachable', retryable: true });
    expect(reasons).toEqual(['refused', 'refused', 'refused']);
  });

  it('connecting: each waiter gets an attempt of its own (one failure fails one request)', async () => {
    await using client = createUpstreamClient({ origin: 'http://127.0.0.1:1', pool: { maxConnections: 1 } });
    const results = await Promise.all([1, 2, 3, 4].map(() => dispatchRequest(client).result));
    for (const { error } of results) expect(error).toMatchObject({ code: 'unreachable' });
    expect(client.stats()).toMatchObject({ open: 0, waiting: 0 });
  });
});
