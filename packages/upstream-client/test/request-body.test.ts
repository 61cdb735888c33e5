import { Readable } from 'node:stream';
import { startScriptedUpstream, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { FormData } from 'undici';
import { describe, expect, it } from 'vitest';
import type { UpstreamBody } from '../src/index.ts';
import { createUpstreamClient } from './plain.ts';
import { dispatchRequest } from './dispatch-request.ts';

function startOk(): Promise<ScriptedUpstream> {
  return startScriptedUpstream(async (connection) => {
    while (connection.end() === 'open') {
      if (!(await connection.nextRequest(60_000)).complete) return;
      connection.send(wholeResponse(200, [], 'ok'));
    }
  });
}

const LARGE = Buffer.alloc(300_000, 'abcdefghij');
async function* pieces(): AsyncGenerator<Uint8Array> { yield LARGE.subarray(0, 100_000); yield LARGE.subarray(100_000); }

describe('a request body', () => {
  it.each([
    ['a small string', () => 'héllo', 'héllo', 'content-length'],
    ['a large string', () => LARGE.toString(), LARGE, 'content-length'],
    ['a small Buffer', () => Buffer.from('abc'), 'abc', 'content-length'],
    ['a view into a larger buffer', () => new Uint8Array(Buffer.from('xabcx').buffer, Buffer.from('xabcx').byteOffset, 0), '', 'content-length'],
    ['a large Uint8Array', () => new Uint8Array(LARGE), LARGE, 'content-length'],
    ['a small list', () => [Buffer.from('ab'), Buffer.from(''), Buffer.from('c')], 'abc', 'content-length'],
    ['a large list', () => [LARGE.subarray(0, 7), LARGE.subarray(7)], LARGE, 'content-length'],
    ['an empty list', () => [], '', 'content-length'],
    ['nothing', () => null, '', 'content-length'],
    ['a Readable', () => Readable.from([LARGE.subarray(0, 10), LARGE.subarray(10)]), LARGE, 'chunked'],
    ['an async iterable', () => pieces(), LARGE, 'chunked'],
  ] satisfies [string, () => UpstreamBody, string | Buffer, string][])('arrives byte for byte: %s', async (_name, make, expected, framing) => {
    await using upstream = await startOk();
    await using client = createUpstreamClient({ origin: upstream.origin });
    expect((await dispatchRequest(client, { body: make() }).result).error).toBeUndefined();
    const [request] = upstream.requests;
    expect(request?.body.equals(Buffer.from(expected))).toBe(true);
    expect(request?.framing).toBe(framing);
    expect(request?.rawHeaders.filter((field) => field.toLowerCase() === 'content-length').length).toBe(framing === 'chunked' ? 0 : 1);
  });

  it('keeps the content-length its owner gave, also for a stream', async () => {
    await using upstream = await startOk();
    await using client = createUpstreamClient({ origin: upstream.origin });
    const headers = ['Content-Length', String(LARGE.byteLength), 'X-A', '1'];
    await dispatchRequest(client, { headers, body: pieces() }).result;
    await dispatchRequest(client, { headers, body: [LARGE] }).result;
    await dispatchRequest(client, { headers: { 'content-length': String(LARGE.byteLength) }, body: [LARGE] }).result;
    expect(upstream.requests.map(({ framing, body }) => [framing, body.byteLength])).toEqual(Array.from({ length: 3 }, () => ['content-length', LARGE.byteLength]));
  });

  it('sends form data (undici callers use it)', async () => {
    await using upstream = await startOk();
    await using client = createUpstreamClient({ origin: upstream.origin });
    const form = new FormData();
    form.set('name', 'value');
    await dispatchRequest(client, { body: form }).result;
    expect(upstream.requests[0]?.body.toString()).toContain('name="name"');
  });

  it.each([
    ['a stream shorter than its content-length', ['content-length', '400000'], 'invalid_request'],
    ['a stream longer than its content-length', ['content-length', '5'], 'invalid_request'],
  ])('ends %s in %s (the next request would be read from its rest)', async (_name, headers, code) => {
    await using upstream = await startOk();
    await using client = createUpstreamClient({ origin: upstream.origin });
    expect((await dispatchRequest(client, { headers, body: pieces() }).result).error).toMatchObject({ code });
    expect((await dispatchRequest(client).result).status).toBe(200);
    expect(upstream.connections.length).toBe(2);
  });

  it('ends in aborted when its source fails, with the cause', async () => {
    await using upstream = await startOk();
    await using client = createUpstreamClient({ origin: upstream.origin });
    async function* broken(): AsyncGenerator<Uint8Array> { yield Buffer.from('abc'); throw new Error('source gone'); }
    expect((await dispatchRequest(client, { body: broken() }).result).error).toMatchObject({ code: 'aborted', cause: { message: 'source gone' } });
    expect(client.stats().active).toBe(0);
  });

  it('a request body: stops its source when the request ends early, and leaves an unread source alone', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => { await connection.waitFor((unread) => unread.byteLength > 0); connection.reset(); });
    await using client = createUpstreamClient({ origin: upstream.origin });
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
    async function* endless(): AsyncGenerator<Uint8Array> {
      try { for (;;) yield Buffer.alloc(65_536); } finally { stop(); }
    }
    expect((await dispatchRequest(client, { body: endless() }).result).error).toMatchObject({ code: 'reset' });
    await stopped;
    const untouched = Readable.from(['x']);
    expect((await dispatchRequest(client, { path: 'bad', body: untouched }).result).error).toMatchObject({ code: 'invalid_request' });
    expect(untouched.destroyed).toBe(false);
  });
});
