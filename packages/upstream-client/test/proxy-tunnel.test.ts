import { once } from 'node:events';
import { createServer as createHttp, type IncomingMessage } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTls } from 'node:tls';
import { createAuthority, startScriptedUpstream, wholeResponse, type ScriptedConnection } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { createUpstreamClient } from './plain.ts';
import { dispatchRequest } from './dispatch-request.ts';

const authority = createAuthority('Test CA');
const certificate = authority.issue({ names: ['127.0.0.1', 'localhost'] });

interface TestProxy {
  readonly origin: string;
  readonly requests: readonly IncomingMessage[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** A CONNECT proxy; `answer` may refuse a tunnel by writing its own response. */
async function startProxy(secure: boolean, answer?: (socket: Duplex) => void): Promise<TestProxy> {
  const requests: IncomingMessage[] = [];
  const sockets = new Set<Duplex>();
  const server = secure ? createHttps(certificate) : createHttp();
  server.on('connect', (inbound: IncomingMessage, socket: Duplex) => {
    requests.push(inbound);
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (answer !== undefined) { answer(socket); return; }
    const [, port = ''] = /:(\d+)$/.exec(inbound.url ?? '') ?? [];
    const onward: Socket = connect(Number(port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => { socket.destroy(); });
    socket.on('close', () => { onward.destroy(); });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    origin: `${secure ? 'https' : 'http'}://127.0.0.1:${address.port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answerAll(connection: ScriptedConnection): Promise<void> {
  while (connection.end() === 'open') {
    if (!(await connection.nextRequest(60_000)).complete) return;
    connection.send(wholeResponse(200, [], 'ok'));
  }
}

describe('an egress proxy', () => {
  it.each([false, true])('is tunnelled through with TLS verified end to end (proxy itself over TLS: %s)', async (secure) => {
    await using proxy = await startProxy(secure);
    await using upstream = await startScriptedUpstream(answerAll, { server: createTls(certificate) });
    await using client = createUpstreamClient({ origin: upstream.origin, proxy: proxy.origin, tls: { ca: authority.cert } });
    const headers = ['X-Case', 'Kept', 'x-case', 'twice'];
    for (let round = 0; round < 3; round += 1) expect((await dispatchRequest(client, { headers }).result).status).toBe(200);
    expect(proxy.requests.length).toBe(1);
    expect(proxy.requests[0]?.url).toBe(`127.0.0.1:${upstream.port}`);
    expect(upstream.requests[0]?.rawHeaders.join('|')).toContain('X-Case|Kept|x-case|twice');
    await using stranger = createUpstreamClient({ origin: upstream.origin, proxy: proxy.origin });
    expect((await dispatchRequest(stranger).result).error).toMatchObject({ code: secure ? 'unreachable' : 'tls' });
  });

  it('carries an http origin as well, and gets the user info of its URL as basic authentication', async () => {
    await using proxy = await startProxy(false);
    await using upstream = await startScriptedUpstream(answerAll);
    const url = new URL(proxy.origin);
    url.username = 'us%20er';
    url.password = 'p:w';
    await using client = createUpstreamClient({ origin: upstream.origin, proxy: url });
    expect((await dispatchRequest(client).result).status).toBe(200);
    expect(proxy.requests[0]?.headers['proxy-authorization']).toBe(`Basic ${Buffer.from('us er:p:w').toString('base64')}`);
    expect(upstream.requests[0]?.rawHeaders.join('|').toLowerCase()).not.toContain('proxy-authorization');
  });

  it.each([
    ['asks for authentication', (socket: Duplex) => { socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'); }],
    ['refuses', (socket: Duplex) => { socket.end('HTTP/1.1 503 No\r\n\r\n'); }],
    ['hangs up', (socket: Duplex) => { socket.destroy(); }],
    ['talks into the tunnel', (socket: Duplex) => { socket.write('HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison'); }],
    ['talks nonsense', (socket: Duplex) => { socket.end('nonsense\r\n\r\n'); }],
  ])('an egress proxy that %s: the upstream is unreachable, with the reason proxy', async (_name, answer) => {
    await using proxy = await startProxy(false, answer);
    await using client = createUpstreamClient({ origin: 'https://upstream.example', proxy: proxy.origin });
    const reasons: string[] = [];
    client.on('connect_failed', ({ reason }) => { reasons.push(reason); });
    expect((await dispatchRequest(client).result).error).toMatchObject({ code: 'unreachable', phase: 'connecting', retryable: true });
    expect(reasons).toEqual(['proxy']);
    expect(client.stats().open).toBe(0);
  });

  it('a silent egress proxy: is given up at the connect timeout', async () => {
    await using proxy = await startProxy(false, () => undefined);
    await using client = createUpstreamClient({ origin: 'https://upstream.example', proxy: proxy.origin, timeouts: { connectMs: 150 } });
    expect((await dispatchRequest(client).result).error).toMatchObject({ code: 'connect_timeout' });
  });

  it('is left at once when the request leaves', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    await using proxy = await startProxy(false, (socket) => { socket.once('end', () => { resolve(); }).resume(); ask(); });
    await using client = createUpstreamClient({ origin: 'https://upstream.example', proxy: proxy.origin });
    const { controller, result } = dispatchRequest(client);
    await asked;
    controller.abort(new Error('gone'));
    expect((await result).error?.message).toBe('gone');
    await closed;
    expect(client.stats().open).toBe(0);
  });
});
