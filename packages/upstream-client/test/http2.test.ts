import { once } from 'node:events';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { createUpstreamClient } from './plain.ts';
import { createAuthority } from '@penstock/test-support';
import { dispatchRequest } from './dispatch-request.ts';

const authority = createAuthority('Test CA');

describe('HTTP/2, where it is allowed', () => {
  it('serves one request per connection, reuses it, refuses redirects, and closes it when idle for too long', async () => {
    const sessions = new Set<unknown>();
    let streams = 0;
    let made = 0;
    const server = createSecureServer(authority.issue({ names: ['127.0.0.1'] }));
    server.on('session', (session) => { made += 1; sessions.add(session); session.once('close', () => { sessions.delete(session); }); });
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      streams += 1;
      stream.on('error', () => undefined);
      if (headers[':path'] === '/redirect') stream.respond({ ':status': 302, location: 'https://127.0.0.1:9/' });
      else stream.respond({ ':status': 200, 'x-a': 'b' });
      stream.resume().once('end', () => { stream.end('over h2'); });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    await using client = createUpstreamClient({
      origin: `https://127.0.0.1:${address.port}`, tls: { ca: authority.cert }, allowH2: true, pool: { maxConnections: 3, keepAliveExpiryMs: 1_000 },
    });
    const results = await Promise.all([1, 2, 3, 4, 5, 6].map(() => dispatchRequest(client, { body: Buffer.alloc(100_000) }).result));
    for (const result of results) expect(result).toMatchObject({ status: 200, body: 'over h2', error: undefined, headers: { 'x-a': 'b' } });
    expect([streams, made]).toEqual([6, 3]);
    expect((await dispatchRequest(client, { path: '/redirect' }).result).error).toMatchObject({ code: 'invalid_response' });
    const expired = new Promise<void>((resolve) => { client.on('disconnected', ({ reason }) => { if (reason === 'idle_expired') resolve(); }); });
    await expired;
    while (sessions.size > 0) await new Promise(setImmediate);
    expect(client.stats().open).toBe(0);
    server.close();
  });
});
