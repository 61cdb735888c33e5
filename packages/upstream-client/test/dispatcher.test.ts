import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fetch, request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { createUpstreamClient } from '../src/index.ts';

describe('createUpstreamClient as a dispatcher', () => {
  let server: Server | undefined;
  afterEach(() => { server?.closeAllConnections(); server?.close(); });

  async function start(listener: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it('serves fetch and undici.request over one connection', async () => {
    const origin = await start((inbound, response) => { inbound.resume().on('end', () => { response.end(`${inbound.method}`); }); });
    let connections = 0;
    server?.on('connection', () => { connections += 1; });
    await using client = createUpstreamClient({ origin });
    for (let round = 0; round < 10; round += 1) {
      expect(await (await fetch(`${origin}/a`, { dispatcher: client, method: 'POST', body: 'hello' })).text()).toBe('POST');
      expect(await (await request(`${origin}/b`, { dispatcher: client, method: 'POST', body: Buffer.alloc(100_000) })).body.text()).toBe('POST');
    }
    expect(connections).toBe(1);
    expect(client.stats()).toMatchObject({ open: 1, idle: 1, active: 0, connecting: 0, waiting: 0 });
  });
});
