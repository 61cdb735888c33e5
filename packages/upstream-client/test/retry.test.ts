import { createServer } from 'node:net';
import { answerAlways, startScriptedUpstream, wholeResponse, type ConnectionScript } from '@penstock/test-support';
import { describe, expect, onTestFinished, test } from 'vitest';
import { interceptors, Pool, request, type Dispatcher } from 'undici';
import { createUpstreamClient, retry, RETRY_ERROR_CODES, type UpstreamClient } from '../src/index.ts';

const QUICK = { minTimeout: 1, maxTimeout: 50 };
const ok = wholeResponse(200, [], 'ok');

/** Resets the first connection behind its request; answers on all others. */
const resetFirst: ConnectionScript = async (connection, upstream) => {
  if (connection.index > 0) return answerAlways(ok)(connection, upstream);
  await connection.nextRequest();
  connection.reset();
  return undefined;
};

const COMPOSED: Readonly<Record<string, (origin: string) => { dispatcher: Dispatcher; end: () => Promise<void> }>> = {
  'retry() of this package': (origin) => composed(createUpstreamClient({ origin }), (client) => client.compose(retry(QUICK))),
  'interceptors.retry() with RETRY_ERROR_CODES': (origin) => composed(createUpstreamClient({ origin }), (client) => client.compose(interceptors.retry({ ...QUICK, errorCodes: [...RETRY_ERROR_CODES] }))),
  'the Pool of undici with interceptors.retry()': (origin) => {
    const pool = new Pool(origin, { pipelining: 1 });
    return { dispatcher: pool.compose(interceptors.retry(QUICK)), end: () => pool.destroy() };
  },
};

function composed(client: UpstreamClient, compose: (client: UpstreamClient) => Dispatcher): { dispatcher: Dispatcher; end: () => Promise<void> } {
  return { dispatcher: compose(client), end: () => client.destroy() };
}

async function send(dispatcher: Dispatcher, origin: string, method: 'GET' | 'PUT' | 'POST'): Promise<string> {
  try {
    const { body } = await request(origin, { dispatcher, method, ...(method === 'GET' ? {} : { body: 'body' }) });
    return await body.text();
  } catch (error) {
    return `failed: ${(error as { code?: string }).code}`;
  }
}

describe.each(Object.entries(COMPOSED))('with %s', (name, compose) => {
  test.each(['GET', 'PUT'] as const)('a %s whose connection is reset is sent again', async (method) => {
    await using upstream = await startScriptedUpstream(resetFirst);
    const { dispatcher, end } = compose(upstream.origin);
    onTestFinished(end);
    expect(await send(dispatcher, upstream.origin, method)).toBe('ok');
    expect(upstream.requests.map(({ startLine }) => startLine.split(' ')[0])).toEqual([method, method]);
  });

  test('a POST that was written is not sent again (it may have been executed)', async () => {
    await using upstream = await startScriptedUpstream(resetFirst);
    const { dispatcher, end } = compose(upstream.origin);
    onTestFinished(end);
    expect(await send(dispatcher, upstream.origin, 'POST')).toMatch(name.includes('Pool') ? /^failed: (?:ECONNRESET|UND_ERR_SOCKET)$/ : 'failed: reset');
    expect(upstream.requests.length).toBe(1);
  });
});

test('retry(): a POST of which no byte was written is sent again (retryable)', async () => {
  const reserved = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => { reserved.once('listening', resolve); });
  const { port } = reserved.address() as { port: number };
  await new Promise((resolve) => { reserved.close(resolve); });
  const client = createUpstreamClient({ origin: `http://127.0.0.1:${port}` });
  const failed = new Promise<void>((resolve) => { client.once('connect_failed', () => resolve()); });
  const answer = send(client.compose(retry({ minTimeout: 100, timeoutFactor: 1, maxRetries: 100 })), `http://127.0.0.1:${port}`, 'POST');
  await failed;
  await using upstream = await startScriptedUpstream(answerAlways(ok), { port });
  expect(await answer).toBe('ok');
  expect(upstream.requests.length).toBe(1);
  await client.destroy();
});

test('retry(): a full queue is no reason to send again (more attempts would make it fuller)', async () => {
  await using upstream = await startScriptedUpstream(() => undefined);
  const client = createUpstreamClient({ origin: upstream.origin, pool: { maxConnections: 1, maxWaiting: 0 } });
  let refused = 0;
  client.on('rejected', () => { refused += 1; });
  const first = send(client, upstream.origin, 'GET');
  expect(await send(client.compose(retry(QUICK)), upstream.origin, 'GET')).toBe('failed: queue_full');
  expect(refused).toBe(1);
  await client.destroy();
  await first;
});
