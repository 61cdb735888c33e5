import { fetch, interceptors, pipeline, request, stream } from 'undici';
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createUpstreamClient } from './plain.ts';
import { startLocalServer } from './local-server.ts';
import { dispatchRequest } from './dispatch-request.ts';

const echo = (): Promise<Awaited<ReturnType<typeof startLocalServer>>> => startLocalServer((inbound, response) => {
  let length = 0;
  inbound.on('data', (chunk: Buffer) => { length += chunk.length; });
  inbound.on('end', () => { response.end(`${inbound.method} ${length}`); });
});

describe('an upstream client as an undici dispatcher', () => {
  it('serves fetch and undici.request over one connection (one after the other, even in the same turn)', async () => {
    await using server = await echo();
    await using client = createUpstreamClient({ origin: server.origin });
    for (let round = 0; round < 10; round += 1) {
      expect(await (await fetch(`${server.origin}/a`, { dispatcher: client, method: 'POST', body: 'hello' })).text()).toBe('POST 5');
      expect(await (await request(`${server.origin}/b`, { dispatcher: client, method: 'POST', body: Buffer.alloc(100_000) })).body.text()).toBe('POST 100000');
    }
    expect(server.accepted()).toBe(1);
    expect(client.stats()).toMatchObject({ open: 1, idle: 1, active: 0, connecting: 0, waiting: 0 });
  });

  it.skipIf(Number(process.versions.node.split('.')[0]) < 26)('serves the built-in fetch (only Node 26 and newer take a dispatcher of undici 8)', async () => {
    await using server = await echo();
    await using client = createUpstreamClient({ origin: server.origin });
    const builtIn: (url: string, init: object) => Promise<Response> = globalThis.fetch;
    const response = await builtIn(`${server.origin}/a`, { dispatcher: client, method: 'POST', body: 'hello' });
    expect(await response.text()).toBe('POST 5');
  });

  it('serves undici.stream', async () => {
    await using server = await echo();
    await using client = createUpstreamClient({ origin: server.origin });
    let text = '';
    await stream(`${server.origin}/s`, { dispatcher: client, method: 'POST', body: 'abc' }, () => new Writable({
      write: (chunk: Buffer, _encoding, done) => { text += chunk.toString(); done(); },
    }));
    expect(text).toBe('POST 3');
  });

  it('serves undici.pipeline', async () => {
    await using server = await echo();
    await using client = createUpstreamClient({ origin: server.origin });
    const duplex = pipeline(`${server.origin}/p`, { dispatcher: client, method: 'POST' }, ({ body }) => body);
    duplex.end('abcd');
    let text = '';
    for await (const chunk of duplex) text += String(chunk);
    expect(text).toBe('POST 4');
  });

  it('leaves no connection behind when a streaming fetch is given up (undici alone opens another one that is never used)', async () => {
    await using server = await startLocalServer((_inbound, response) => { response.write('first'); });
    await using client = createUpstreamClient({ origin: server.origin });
    for (let round = 1; round <= 5; round += 1) {
      const stop = new AbortController();
      const response = await fetch(`${server.origin}/`, { dispatcher: client, signal: stop.signal });
      await response.body?.getReader().read();
      stop.abort();
      while (server.open() > 0) await new Promise(setImmediate);
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
      expect([server.accepted(), server.open(), client.stats().open]).toEqual([round, 0, 0]);
    }
  });

  it('takes interceptors, and its own methods work through the composed dispatcher', async () => {
    await using server = await startLocalServer((_inbound, response) => { response.statusCode = 503; response.end('busy'); });
    await using client = createUpstreamClient({ origin: server.origin });
    const composed = client.compose(interceptors.responseError());
    await expect(request(`${server.origin}/x`, { dispatcher: composed })).rejects.toMatchObject({ statusCode: 503 });
    expect('stats' in composed).toBe(true);
    await composed.close();
    expect(client.stats().open).toBe(0);
  });

  it('refuses another origin (a redirect or a crafted URL must not leave the upstream)', async () => {
    await using server = await echo();
    await using client = createUpstreamClient({ origin: server.origin });
    await expect(request('http://127.0.0.1:9/', { dispatcher: client })).rejects.toMatchObject({ code: 'origin_mismatch', retryable: false });
    expect(await dispatchRequest(client, { headers: ['Host', 'elsewhere.example'] }).result).toMatchObject({ error: { code: 'origin_mismatch' } });
    expect(await dispatchRequest(client, { headers: ['Host', server.origin.slice(7)] }).result).toMatchObject({ status: 200 });
    expect(server.accepted()).toBe(1);
  });

  it.each([
    ['a path without a slash', { path: 'x' }],
    ['an absolute path', { path: 'http://127.0.0.1/' }],
    ['CONNECT', { method: 'CONNECT' as const }],
    ['a path with a space', { path: '/a b' }],
    ['a transfer-encoding header', { headers: ['transfer-encoding', 'chunked'] }],
    ['a header value with a line break', { headers: ['x-a', 'b\r\nc: d'] }],
    ['a wrong content-length', { headers: ['content-length', '5'], body: 'abc' }],
    ['a wrong content-length of a large list', { headers: ['content-length', '5'], body: [Buffer.alloc(70_000)] }],
    ['a clock of zero', { timeouts: { headersMs: 0 } }],
  ])('refuses %s as invalid_request, and the next request succeeds', async (_name, options) => {
    await using server = await echo();
    await using client = createUpstreamClient({ origin: server.origin });
    const { error, endings } = await dispatchRequest(client, options).result;
    expect(error).toMatchObject({ code: 'invalid_request', retryable: false });
    expect(endings).toBe(1);
    expect(await dispatchRequest(client).result).toMatchObject({ status: 200 });
  });

  it('throws for a handler without onResponseError (a failure would have nowhere to go)', async () => {
    await using client = createUpstreamClient({ origin: 'http://127.0.0.1:9' });
    expect(() => client.dispatch({ path: '/', method: 'GET' }, {})).toThrow('handler must have an onResponseError method');
  });
});
