// The front door's requests on the live page: the same facts as those of the native side, out of a package that knows nothing of the page.
import { createHash } from 'node:crypto';
import { openRawConnection, startScriptedUpstream, type RawConnection, type ScriptedUpstream } from '@penstock/test-support';
import { afterEach, describe, expect, test } from 'vitest';
import { startWatchedGateway, type WatchedGateway } from './start-watched-gateway.ts';

const opened: RawConnection[] = [];
const started: (WatchedGateway | ScriptedUpstream)[] = [];
afterEach(async () => {
  for (const connection of opened.splice(0)) connection.close();
  for (const part of started.splice(0).toReversed()) await part[Symbol.asyncDispose]();
});

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const KEYS = { alice: 'key-of-alice', bob: 'key-of-bob' };
const CLIENTS = [
  { name: 'alice', key_sha256: createHash('sha256').update(KEYS.alice).digest('hex') },
  { name: 'bob', key_sha256: createHash('sha256').update(KEYS.bob).digest('hex'), limits: { requests_per_minute: 1 } },
];

/** A gateway whose front door relays to an upstream that begins a stream, then does as the test says. */
async function start(afterHead: (connection: RawConnection) => Promise<void>): Promise<WatchedGateway> {
  const upstream = await startScriptedUpstream(async (connection) => {
    const request = await connection.nextRequest(60_000);
    if (!request.complete) return;
    connection.send(HEAD + chunk('data: {"id":"x","object":"chat.completion.chunk","choices":[]}\n\n'));
    await afterHead(connection);
  });
  started.push(upstream);
  const gateway = await startWatchedGateway(upstream.origin, {
    clients: CLIENTS,
    openai_front_door: { pool: { max_connections: 1 }, backends: [{ name: 'local', kind: 'openai', base_url: `${upstream.origin}/v1`, api_key: 'key-of-the-backend' }] },
  });
  started.push(gateway);
  return gateway;
}

async function ask(gateway: WatchedGateway, key: string = KEYS.alice): Promise<RawConnection> {
  const connection = await openRawConnection(gateway.port);
  opened.push(connection);
  const body = '{"model":"llama-3","stream":true,"messages":[{"role":"user","content":"hi"}]}';
  connection.send(`POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  return connection;
}

describe('an open request of the front door', () => {
  test('is shown with client, model, backend, route and bytes, and the next one waits in its phase', async () => {
    const gateway = await start((connection) => connection.closed().then(() => undefined));
    await (await ask(gateway)).waitFor((bytes) => bytes.includes('chat.completion.chunk'));
    const [request] = (await gateway.readStatus()).open.requests;
    expect(request).toMatchObject({ side: 'front_door', client: 'alice', model: 'llama-3', upstream: 'front_door_local', route: '/v1/chat/completions', method: 'POST', phase: 'relay', stream: true, stalled_seconds: null });
    expect(request?.response_bytes).toBeGreaterThan(0);
    expect(request?.request_bytes).toBeGreaterThan(0);
    expect(request?.held_seconds).not.toBeNull();
    await ask(gateway);
    await expect.poll(async () => (await gateway.readStatus('?phase=acquire')).open.requests).toMatchObject([{ side: 'front_door', client: 'alice', phase: 'acquire', held_seconds: null }]);
    const { verdict } = await gateway.readStatus();
    expect(verdict).toMatchObject({ cause: 'pool_held_by_one_client', party: 'alice' });
    expect(verdict.text).toMatch(/^alice holds 1 of 1 connection to the backend local of the front door, the oldest for /);
  });

  test('a client that does not read is named with the time since it took anything', async () => {
    const gateway = await start(async (connection) => {
      const flood = chunk(`data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"${'x'.repeat(60_000)}"}}]}\n\n`);
      while (connection.end() === 'open') {
        connection.send(flood);
        await new Promise((resolve) => { setImmediate(resolve); });
        if (connection.socket.writableLength > 1_000_000) await new Promise((resolve) => { connection.socket.once('drain', resolve).once('close', resolve); });
      }
    });
    const slow = await ask(gateway);
    slow.socket.pause();
    await expect.poll(async () => (await gateway.readStatus()).verdict, { timeout: 30_000, interval: 250 }).toMatchObject({ cause: 'pool_held_by_one_client' });
    await expect.poll(async () => (await gateway.readStatus()).findings, { timeout: 30_000, interval: 250 }).toContainEqual(expect.objectContaining({ cause: 'slow_client', party: 'alice' }));
  });

  test('a request that its client\'s limit refused is a refusal of that client', async () => {
    const gateway = await start((connection) => connection.closed().then(() => undefined));
    const first = await ask(gateway, KEYS.bob);
    await first.waitFor((bytes) => bytes.includes('chat.completion.chunk'));
    const second = await ask(gateway, KEYS.bob);
    await second.waitFor((bytes) => bytes.includes('429'));
    await expect.poll(async () => (await gateway.readStatus()).clients).toMatchObject([{ client: 'bob', refusals: 1, failures: 0 }]);
    expect((await gateway.readStatus()).failures).toMatchObject([{ client: 'bob', fault: 'client', code: 'rate_limited', status: 429 }]);
  });
});
