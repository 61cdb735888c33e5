import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { answerAlways, startScriptedUpstream, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import type { Dispatcher } from 'undici';
import { describe, expect, test } from 'vitest';
import type { UpstreamClient, UpstreamDispatchOptions } from '../src/index.ts';
import { createUpstreamClient, PLAIN } from './plain.ts';
import { dispatchRequest, failureCode } from './dispatch-request.ts';

interface SeenHead {
  readonly parsed: unknown;
  readonly raw: unknown;
}

function askRaw(client: UpstreamClient, responseFields: 'parsed' | 'raw' = 'raw'): Promise<SeenHead> {
  const { promise, resolve, reject } = Promise.withResolvers<SeenHead>();
  let seen: SeenHead | undefined;
  client.dispatch({ method: 'GET', path: '/', responseFields }, {
    onRequestStart: () => undefined,
    onResponseStart(controller: Dispatcher.DispatchController, _status, headers) { seen = { parsed: headers, raw: controller.rawHeaders }; },
    onResponseData: () => undefined,
    onResponseEnd: () => resolve(seen as SeenHead),
    onResponseError: (_controller: Dispatcher.DispatchController, error: Error) => reject(error),
  });
  return promise;
}

const FIELDS = ['X-A', '1', 'x-empty', '', 'X-A', '2', 'x-latin', 'caf\u00e9', 'Set-Cookie', 'a=1', 'set-cookie', 'b=2'];

describe('a handler that reads raw fields', () => {
  test('gets them as latin1 texts, in their order, case and bytes, and undici parses none', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, FIELDS, 'body')));
    await using client = createUpstreamClient({ origin: upstream.origin });
    for (let request = 0; request < 3; request += 1) {
      const { parsed, raw } = await askRaw(client);
      expect((raw as string[]).slice(0, FIELDS.length)).toEqual(FIELDS);
      if (!PLAIN) expect(parsed).toEqual({});
    }
    expect(await askRaw(client, 'parsed')).toMatchObject({ parsed: { 'x-a': ['1', '2'], 'x-empty': '', 'x-latin': 'caf\u00e9' } });
  });

  test.skipIf(PLAIN)('releases the fields of its request with the head of the response (an open stream would keep them)', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, FIELDS, 'body')));
    await using client = createUpstreamClient({ origin: upstream.origin });
    const requests: { readonly headers: readonly string[] }[] = [];
    const watch = (message: unknown): void => { requests.push((message as { request: { headers: readonly string[] } }).request); };
    subscribe('undici:request:create', watch);
    try {
      const sizes: (number | undefined)[] = [];
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      client.dispatch({ method: 'GET', path: '/', headers: ['x-sent', '1'], responseFields: 'raw' }, {
        onRequestStart: () => { sizes.push(requests[0]?.headers.length); },
        onResponseStart: () => { sizes.push(requests[0]?.headers.length); },
        onResponseData: () => undefined,
        onResponseEnd: () => { resolve(); },
        onResponseError: (_controller: Dispatcher.DispatchController, error: Error) => { reject(error); },
      });
      await promise;
      expect(requests).toHaveLength(1);
      expect(sizes.at(-1)).toBe(0);
    } finally {
      unsubscribe('undici:request:create', watch);
    }
  });

  test('raw head: has the same fields when it arrives one byte at a time, behind a 100 Continue', async () => {
    await using upstream = await trickling(Buffer.concat([Buffer.from('HTTP/1.1 100 Continue\r\nx-b: 1\r\n\r\n'), wholeResponse(200, FIELDS, 'body')]));
    await using client = createUpstreamClient({ origin: upstream.origin });
    const { raw } = await askRaw(client);
    expect((raw as string[]).slice(0, FIELDS.length)).toEqual(FIELDS);
  });

  test('gets the fields of the answer behind an informational one', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(Buffer.concat([Buffer.from('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'), wholeResponse(200, ['x-b', '2'], '')])));
    await using client = createUpstreamClient({ origin: upstream.origin });
    expect((await askRaw(client)).raw).toEqual(expect.arrayContaining(['x-b', '2']));
    expect((await askRaw(client)).raw).not.toEqual(expect.arrayContaining(['link']));
  });

  test('leaves them to a subscriber to the diagnostics of undici, and gets the same texts', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, FIELDS, '')));
    await using client = createUpstreamClient({ origin: upstream.origin });
    const watched: unknown[] = [];
    const watch = (message: unknown): void => { watched.push((message as { response: { headers: unknown[] } }).response.headers.length); };
    subscribe('undici:request:headers', watch);
    try {
      const { raw } = await askRaw(client);
      expect(watched).toEqual([(raw as unknown[]).length]);
      expect((raw as string[])[7]).toBe('caf\u00e9');
    } finally {
      unsubscribe('undici:request:headers', watch);
    }
  });
});

describe.each(['parsed', 'raw'] as const)('a request that undici refuses, its fields %s', (responseFields) => {
  const refused: Partial<UpstreamDispatchOptions> = { method: 'GET', headers: ['expect', '100-continue'], responseFields };

  test('fails alone on a connection that has served another one (nothing is thrown, and the next request is answered)', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, FIELDS, 'body')));
    await using client = createUpstreamClient({ origin: upstream.origin, pool: { maxConnections: 1 } });
    expect(await failureCode(dispatchRequest(client, refused).result)).toBe('invalid_request');
    await askRaw(client, responseFields);
    // It rests for a turn: only then does a request get it within the call.
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
    expect(client.stats()).toMatchObject({ idle: 1, active: 0 });
    expect(await failureCode(dispatchRequest(client, refused).result)).toBe('invalid_request');
    // Behind another request it gets its slot in a turn of its own, where an exception would end the process.
    const before = askRaw(client, responseFields);
    const waiting = dispatchRequest(client, refused).result;
    await before;
    expect(await failureCode(waiting)).toBe('invalid_request');
    expect((await askRaw(client, responseFields)).raw).toBeDefined();
    expect(client.stats()).toMatchObject({ active: 0, waiting: 0, connecting: 0 });
  });
});

describe.each(['parsed', 'raw'] as const)('a head that must not be relayed is refused whether its fields are %s', (responseFields) => {
  test.each([
    ['a transfer coding other than chunked', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['two transfer codings', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['more fields than allowed', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(12)}content-length: 0\r\n\r\n`],
    ['a redirect', 'HTTP/1.1 302 Found\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n'],
  ])('%s', async (_name, head) => {
    await using upstream = await startScriptedUpstream(answerAlways(Buffer.from(head)));
    await using client = createUpstreamClient({ origin: upstream.origin, limits: { maxHeaders: 10 } });
    await expect(askRaw(client, responseFields)).rejects.toMatchObject({ code: 'invalid_response' });
  });
});

/** Answers in pieces of one byte. */
function trickling(answer: Buffer): Promise<ScriptedUpstream> {
  return startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    for (const byte of answer) {
      connection.send(Buffer.from([byte]));
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    await connection.closed();
  });
}
