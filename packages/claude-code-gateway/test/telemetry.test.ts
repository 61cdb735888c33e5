import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { createClaudeCodeGateway, openSqliteDatabase, type ClaudeCodeGatewayOptions } from '../src/index.ts';
import { createTelemetryDestination } from '../src/telemetry/telemetry-destination.ts';
import { SESSION_KEY, startTestGateway, type TestGateway } from './support/start-test-gateway.ts';

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Collector {
  readonly url: string;
  readonly received: Received[];
  /** 0 holds the answer. */
  status: number;
  release(): void;
}

async function startCollector(stack: AsyncDisposableStack): Promise<Collector> {
  const held: (() => void)[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => { chunks.push(chunk); });
    request.on('end', () => {
      collector.received.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
      if (collector.status === 0) held.push(() => { response.writeHead(200).end(); });
      else response.writeHead(collector.status).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(async () => { server.closeAllConnections(); server.close(); await once(server, 'close'); });
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received: [], status: 200,
    release: () => { for (const answer of held.splice(0)) answer(); },
  };
  return collector;
}

async function start(stack: AsyncDisposableStack, telemetry: NonNullable<ClaudeCodeGatewayOptions['telemetry']>): Promise<{ readonly gateway: TestGateway; readonly dropped: string[]; readonly send: (signal: string, body: Uint8Array, headers?: Readonly<Record<string, string>>) => Promise<Response> }> {
  const dropped: string[] = [];
  const gateway = await startTestGateway(stack, { telemetry, onTelemetryDropped: (reason) => { dropped.push(reason); } });
  const bearer = String((await gateway.signIn())['access_token']);
  return {
    gateway, dropped,
    send: (signal, body, headers = {}) => fetch(`${gateway.base}/v1/${signal}`, { method: 'POST', body: Buffer.from(body), headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/x-protobuf', ...headers } }),
  };
}

const BYTES = Buffer.from([0, 255, 10, 13, 128, 1, 2, 3]);

describe('telemetry relay', () => {
  test('a batch: reaches the collector byte for byte, with the collector\'s own fields and none of the client', async () => {
    await using stack = new AsyncDisposableStack();
    const collector = await startCollector(stack);
    const { send } = await start(stack, { targets: [{ url: `${collector.url}/otlp/`, headers: { 'x-collector-key': 'secret' }, signals: ['metrics', 'logs', 'traces'] }] });
    const body = gzipSync(BYTES);
    const answer = await send('metrics', body, { 'content-encoding': 'gzip', 'user-agent': 'OTel-OTLP-Exporter-JavaScript/1', 'x-custom': 'a', cookie: 'a=b' });
    expect([answer.status, answer.headers.get('content-type'), (await answer.arrayBuffer()).byteLength]).toEqual([200, 'application/x-protobuf', 0]);
    await expect.poll(() => collector.received.length).toBe(1);
    const [{ path, headers, body: received } = { path: '', headers: {}, body: Buffer.alloc(0) }] = collector.received;
    expect([path, received.equals(body)]).toEqual(['/otlp/v1/metrics', true]);
    expect(headers).toMatchObject({ 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip', 'x-collector-key': 'secret' });
    expect(['authorization', 'cookie', 'x-custom'].filter((name) => headers[name] !== undefined)).toEqual([]);
    expect(headers['user-agent']).not.toContain('OTel');
  });

  test('JSON: is answered in JSON', async () => {
    await using stack = new AsyncDisposableStack();
    const { send } = await start(stack, { targets: [] });
    const answer = await send('traces', Buffer.from('{"resourceSpans":[]}'), { 'content-type': 'application/json' });
    expect([answer.status, await answer.text()]).toEqual([200, '{}']);
  });

  test('signals: a collector gets metrics alone unless it is opened for more, and an unknown signal is 404', async () => {
    await using stack = new AsyncDisposableStack();
    const [one, two] = [await startCollector(stack), await startCollector(stack)];
    const { send } = await start(stack, { targets: [{ url: one.url }, { url: two.url, signals: ['logs'] }] });
    for (const signal of ['logs', 'traces', 'metrics']) expect((await send(signal, BYTES)).status).toBe(200);
    await expect.poll(() => [one.received.map(({ path }) => path), two.received.map(({ path }) => path)]).toEqual([['/v1/metrics'], ['/v1/logs']]);
    expect((await send('profiles', BYTES)).status).toBe(404);
  });

  test('without a bearer: 401, and nothing is relayed', async () => {
    await using stack = new AsyncDisposableStack();
    const collector = await startCollector(stack);
    const { send } = await start(stack, { targets: [{ url: collector.url }] });
    expect((await send('metrics', BYTES, { authorization: 'Bearer other' })).status).toBe(401);
    expect(collector.received).toEqual([]);
  });

  test('a batch of more than 8 MiB: is refused with 413', async () => {
    await using stack = new AsyncDisposableStack();
    const { send } = await start(stack, { targets: [] });
    const answer = await send('metrics', Buffer.alloc(8 * 1024 * 1024 + 1)).catch(() => undefined);
    // The client may see the connection close before it has sent everything.
    if (answer !== undefined) expect(answer.status).toBe(413);
    expect((await send('metrics', Buffer.alloc(8 * 1024 * 1024))).status).toBe(200);
  });

  test('a collector that fails: the client still gets 200, and after 5 failures in a row it is left alone for a while', async () => {
    await using stack = new AsyncDisposableStack();
    const collector = await startCollector(stack);
    collector.status = 500;
    const { send, dropped } = await start(stack, { targets: [{ url: collector.url }], limits: { maxConcurrent: 1 } });
    for (let count = 1; count <= 5; count += 1) {
      expect((await send('metrics', BYTES)).status).toBe(200);
      await expect.poll(() => dropped.length).toBe(count);
    }
    expect((await send('metrics', BYTES)).status).toBe(200);
    expect(dropped).toEqual(['status_500', 'status_500', 'status_500', 'status_500', 'status_500', 'paused']);
    expect(collector.received).toHaveLength(5);
  });

  test('a clock that is set back by an hour: a pause ends when its time is over all the same', async () => {
    await using stack = new AsyncDisposableStack();
    const collector = await startCollector(stack);
    collector.status = 500;
    const dropped: string[] = [];
    const destination = createTelemetryDestination({ url: collector.url }, { failuresBeforePause: 1, pauseMs: 50 }, (reason) => { dropped.push(reason); });
    stack.defer(() => destination.close());
    const batch = { signal: 'metrics', contentType: 'application/json', contentEncoding: undefined, body: BYTES } as const;
    destination.send(batch);
    await expect.poll(() => dropped).toEqual(['status_500']);
    collector.status = 200;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    stack.defer(() => { vi.useRealTimers(); });
    await vi.waitUntil(() => {
      destination.send(batch);
      return collector.received.length > 1;
    }, { timeout: 20_000, interval: 20 });
  });

  test.each([400, 413, 415, 422, 431])('a collector that finds a batch faulty (%i): gets the next ones without a pause', async (status) => {
    await using stack = new AsyncDisposableStack();
    const collector = await startCollector(stack);
    collector.status = status;
    const { send, dropped } = await start(stack, { targets: [{ url: collector.url }], limits: { failuresBeforePause: 1, maxConcurrent: 1 } });
    for (let count = 1; count <= 3; count += 1) {
      await send('metrics', BYTES);
      await expect.poll(() => dropped.length).toBe(count);
    }
    expect(collector.received).toHaveLength(3);
  });

  test('a collector that does not answer: batches wait up to the limits in number and bytes, and the rest is dropped', async () => {
    await using stack = new AsyncDisposableStack();
    const collector = await startCollector(stack);
    collector.status = 0;
    const { send, dropped } = await start(stack, { targets: [{ url: collector.url }], limits: { maxWaiting: 3, maxConcurrent: 2, maxWaitingBytes: 1_000 } });
    for (let count = 0; count < 3; count += 1) await send('metrics', BYTES);
    await expect.poll(() => collector.received.length).toBe(2);
    expect((await send('metrics', BYTES)).status).toBe(200);
    expect(dropped).toEqual(['queue_full']);
    // Each answer makes room for the next one.
    collector.release();
    await expect.poll(() => collector.received.length).toBe(3);
    collector.release();
    collector.status = 200;
    await send('metrics', Buffer.alloc(1_001));
    expect(dropped).toEqual(['queue_full', 'queue_full']);
  });

  test('a reload: replaces the collectors', async () => {
    await using stack = new AsyncDisposableStack();
    const [one, two] = [await startCollector(stack), await startCollector(stack)];
    const { gateway, send } = await start(stack, { targets: [{ url: one.url }] });
    gateway.gateway.update({ sessionKeys: [SESSION_KEY], telemetry: { targets: [{ url: two.url }] } });
    await send('metrics', BYTES);
    await expect.poll(() => two.received.length).toBe(1);
    expect(one.received).toEqual([]);
  });

  test('a reload that leaves a collector as it is: loses none of the batches that wait for it', async () => {
    await using stack = new AsyncDisposableStack();
    const collector = await startCollector(stack);
    collector.status = 0;
    const { gateway, send, dropped } = await start(stack, { targets: [{ url: collector.url }], limits: { maxConcurrent: 2 } });
    for (let batch = 1; batch <= 6; batch += 1) await send('metrics', Buffer.from(`batch ${batch}`));
    await expect.poll(() => collector.received.length).toBe(2);
    // The same collector in another object, for one signal more, beside a new one.
    const other = await startCollector(stack);
    gateway.gateway.update({ sessionKeys: [SESSION_KEY], telemetry: { targets: [{ url: other.url }, { url: collector.url, signals: ['metrics', 'logs'] }], limits: { maxConcurrent: 2 } } });
    collector.status = 200;
    collector.release();
    await expect.poll(() => collector.received.map(({ body }) => body.toString()), { timeout: 30_000 }).toEqual([1, 2, 3, 4, 5, 6].map((batch) => `batch ${batch}`));
    await send('logs', BYTES);
    await expect.poll(() => collector.received.length).toBe(7);
    expect([dropped, other.received]).toEqual([[], []]);
  });

  test('a reload that takes a collector away: counts each batch that it did not get', async () => {
    await using stack = new AsyncDisposableStack();
    const collector = await startCollector(stack);
    collector.status = 0;
    const { gateway, send, dropped } = await start(stack, { targets: [{ url: collector.url }], limits: { maxConcurrent: 2 } });
    for (let batch = 1; batch <= 6; batch += 1) await send('metrics', BYTES);
    await expect.poll(() => collector.received.length).toBe(2);
    gateway.gateway.update({ sessionKeys: [SESSION_KEY], telemetry: undefined });
    await expect.poll(() => dropped.toSorted(), { timeout: 30_000 }).toEqual(['closed', 'closed', 'closed', 'closed', 'unreachable', 'unreachable']);
  });

  test('a reload that leaves a collector as it is: leaves it alone for as long as before', async () => {
    await using stack = new AsyncDisposableStack();
    const collector = await startCollector(stack);
    collector.status = 500;
    const telemetry = { targets: [{ url: collector.url }], limits: { failuresBeforePause: 1, pauseMs: 600_000 } };
    const { gateway, send, dropped } = await start(stack, telemetry);
    await send('metrics', BYTES);
    await expect.poll(() => dropped).toEqual(['status_500']);
    gateway.gateway.update({ sessionKeys: [SESSION_KEY], telemetry });
    await send('metrics', BYTES);
    expect(dropped).toEqual(['status_500', 'paused']);
  });

  test.each(['http://collector.example', 'https://169.254.169.254', 'http://169.254.169.254', 'ftp://127.0.0.1'])('a collector at %s: is refused at the start', (url) => {
    expect(() => createClaudeCodeGateway({
      publicUrl: 'http://127.0.0.1:1', sessionKeys: [SESSION_KEY], database: openSqliteDatabase(':memory:'), telemetry: { targets: [{ url }] },
      provider: { issuer: 'https://idp.example', clientId: 'a', scopes: ['openid'], claims: {} },
    })).toThrow(/must be an https: URL|link-local/);
  });
});
