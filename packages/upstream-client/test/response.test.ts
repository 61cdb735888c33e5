import { startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { createUpstreamClient as create, type UpstreamController } from '../src/index.ts';
import { createUpstreamClient, PLAIN } from './plain.ts';
import { dispatchRequest } from './dispatch-request.ts';

function flat(controller: Pick<UpstreamController, 'rawHeaders'>): string[] {
  const { rawHeaders } = controller;
  return Array.isArray(rawHeaders) ? rawHeaders.map((field) => (typeof field === 'string' ? field : field.toString('latin1'))) : [];
}

describe('a response', () => {
  it('keeps its raw header fields: order, case, repeats and Latin-1 bytes', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send('HTTP/1.1 200 Fine By Me\r\nX-B: 1\r\nx-a: caf\xe9\r\nX-b: 2\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 2\r\n\r\nok');
    });
    await using client = createUpstreamClient({ origin: upstream.origin });
    let raw: string[] = [];
    let reason: string | undefined;
    await dispatchRequest(client, {}, { onResponseStart: (controller, _status, _headers, message) => { raw = flat(controller); reason = message; } }).result;
    expect(raw).toEqual(['X-B', '1', 'x-a', 'café', 'X-b', '2', 'Set-Cookie', 'a', 'set-cookie', 'b', 'Content-Length', '2']);
    expect(reason).toBe('Fine By Me');
  });

  it.each([false, true])('has its whole reason phrase, wherever its status line is cut, and behind an informational response (plain: %j)', async (plain) => {
    const head = Buffer.from('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 Fine By Me\r\ncontent-length: 2\r\n\r\nok');
    let cut = 0;
    await using upstream = await startScriptedUpstream(async (connection) => {
      while ((await connection.nextRequest()).complete) {
        connection.send(head.subarray(0, cut));
        for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
        connection.send(head.subarray(cut));
      }
    });
    await using client = create({ origin: upstream.origin, plain: plain || PLAIN, pool: { maxConnections: 1 } });
    const seen = new Set<string>();
    for (cut = 1; cut < head.length; cut += 1) {
      const phrases: unknown[] = [];
      await dispatchRequest(client, {}, { onResponseStart: (_controller, status, _headers, message) => { phrases.push(status, message); } }).result;
      seen.add(phrases.join(' '));
    }
    expect([...seen]).toEqual(['103 Early Hints 200 Fine By Me']);
  });

  it('has its early hints delivered before it, and every other 1xx swallowed', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send('HTTP/1.1 100 Continue\r\nlink: </b>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 104 New\r\n\r\n');
      connection.send(wholeResponse(200, [], 'ok'));
    });
    await using client = createUpstreamClient({ origin: upstream.origin });
    const seen: unknown[] = [];
    const { status } = await dispatchRequest(client, {}, { onResponseStart: (controller, code, headers) => { seen.push([code, headers['link'], controller.rawHeaders === null]); } }).result;
    expect(status).toBe(200);
    expect(seen).toEqual([[103, '</a>', false], [200, undefined, false]]);
  });

  it('has its trailers delivered', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n');
    });
    await using client = createUpstreamClient({ origin: upstream.origin });
    expect(await dispatchRequest(client).result).toMatchObject({ body: 'ok', trailers: { 'x-sum': '1' } });
  });

  it('a redirect response: is refused with its connection, and neither head nor body is delivered', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send('HTTP/1.1 307 Elsewhere\r\nlocation: http://elsewhere.example/\r\ncontent-length: 6\r\n\r\nsecret');
      await connection.closed();
    });
    await using client = createUpstreamClient({ origin: upstream.origin });
    const { status, body, error } = await dispatchRequest(client).result;
    expect([status, body]).toEqual([undefined, '']);
    expect(error).toMatchObject({ code: 'invalid_response', message: expect.stringContaining('redirect 307') });
    while (upstream.openConnections() > 0) await new Promise(setImmediate);
  });

  it('never puts what the upstream sent into an error message', async () => {
    await using upstream = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send('HTTP/1.1 200 OK\r\nx-secret: hunter2 \x00\r\n\r\n');
    });
    await using client = createUpstreamClient({ origin: upstream.origin });
    const { error } = await dispatchRequest(client, { headers: ['x-api-key', 'sk-ant-secret'], path: '/v1/messages?secret=1' }).result;
    expect(error?.message).toBe(`POST ${upstream.origin}: the response is not one that may be relayed (Invalid header value char)`);
  });
});
