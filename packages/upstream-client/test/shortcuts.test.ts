import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { describe, expect, test, vi } from 'vitest';
import { createUpstreamClient } from '../src/index.ts';

interface Seen {
  readonly headers: object;
  readonly rawHeaders: unknown;
  body: string;
  /** Whether the handler was called inside the call in which Node gave the bytes to the socket. */
  readonly isDirect: boolean;
}

function isInsidePush(): boolean {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 100;
  const { stack = '' } = new Error('where am I');
  Error.stackTraceLimit = stackTraceLimit;
  return /at push .*bypass-read-buffer/.test(stack);
}

async function ask(client: ReturnType<typeof createUpstreamClient>): Promise<Seen> {
  const { promise, resolve, reject } = Promise.withResolvers<Seen>();
  let seen: Seen = { headers: {}, rawHeaders: undefined, body: '', isDirect: false };
  client.dispatch({ method: 'GET', path: '/', responseFields: 'raw' }, {
    onRequestStart: () => undefined,
    onResponseStart: (controller, _status, headers) => { seen = { headers, rawHeaders: controller.rawHeaders, body: '', isDirect: isInsidePush() }; },
    onResponseData: (_controller, chunk) => { seen.body += chunk.toString('latin1'); },
    onResponseEnd: () => { resolve(seen); },
    onResponseError: (_controller, error) => { reject(error); },
  });
  return promise;
}

const FIELDS = ['X-A', '1', 'x-a', '2'];

describe('the shortcuts of a client (each fails here when it silently stops working)', () => {
  test('bypass_read_buffer: a head is parsed inside the call in which Node gave its bytes to the socket; with `plain` it is not', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, FIELDS, 'body')));
    await using fast = createUpstreamClient({ origin: upstream.origin });
    await using plain = createUpstreamClient({ origin: upstream.origin, plain: true });
    for (let request = 0; request < 3; request += 1) {
      expect(await ask(fast)).toMatchObject({ body: 'body', isDirect: true });
      expect(await ask(plain)).toMatchObject({ body: 'body', isDirect: false });
    }
  });

  test('raw_head: undici makes no object of a head; with `plain` it does, and the list of fields is the same', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, FIELDS, 'body')));
    await using fast = createUpstreamClient({ origin: upstream.origin });
    await using plain = createUpstreamClient({ origin: upstream.origin, plain: true });
    const heads = [await ask(fast), await ask(plain)];
    expect(heads[0]?.headers).toEqual({});
    expect(heads[1]?.headers).toMatchObject({ 'x-a': ['1', '2'] });
    expect(heads[1]?.rawHeaders).toEqual(heads[0]?.rawHeaders);
    expect(heads[0]?.rawHeaders).toEqual(expect.arrayContaining(FIELDS));
  });
});

/** Loads the shortcuts anew, with no effect on those of other tests, and collects their warnings. */
async function withFreshShortcuts(work: (warnings: string[]) => Promise<void>): Promise<void> {
  const warnings: string[] = [];
  const emit = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => { warnings.push(String(warning)); });
  vi.resetModules();
  try {
    await work(warnings);
  } finally {
    emit.mockRestore();
    vi.resetModules();
  }
}

async function connected(work: (socket: Socket) => void): Promise<void> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const socket = connect(address.port, '127.0.0.1');
  await once(socket, 'connect');
  try {
    work(socket);
  } finally {
    socket.destroy();
    server.close();
    await once(server, 'close');
  }
}

describe('a shortcut whose ground is not as expected turns itself off, with one warning', () => {
  test('bypass_read_buffer: undici does not listen for `readable`', () => withFreshShortcuts(async (warnings) => {
    const { bypassReadBuffer } = await import('../src/undici/bypass-read-buffer.ts');
    await connected((socket) => {
      bypassReadBuffer(socket);
      bypassReadBuffer(socket);
      expect(Object.hasOwn(socket, 'push')).toBe(false);
      socket.on('readable', () => undefined);
      bypassReadBuffer(socket);
      expect(Object.hasOwn(socket, 'push')).toBe(false);
    });
    expect(warnings).toEqual(['@penstock/upstream-client: shortcut bypass_read_buffer is off: undici does not listen for `readable`']);
  }));

  test('bypass_read_buffer: the socket has a `push` of its own', () => withFreshShortcuts(async (warnings) => {
    const { bypassReadBuffer } = await import('../src/undici/bypass-read-buffer.ts');
    await connected((socket) => {
      const push = (): boolean => true;
      Object.assign(socket, { push });
      socket.on('readable', () => undefined);
      bypassReadBuffer(socket);
      expect(Reflect.get(socket, 'push')).toBe(push);
    });
    expect(warnings).toEqual(['@penstock/upstream-client: shortcut bypass_read_buffer is off: the socket has a `push` of its own']);
  }));

  test.each([
    ['is not an array', 'the queue of an undici client is not an array', { at: () => ({}) }],
    ['is missing', 'the queue of an undici client is not an array', undefined],
    ['ends with something else', 'the last entry of an undici queue is not a request whose `onResponseStart` takes four arguments', [{}]],
  ])('raw_head: the queue of an undici client %s', (_name, reason, queue) => withFreshShortcuts(async (warnings) => {
    const { readRawHead } = await import('../src/undici/raw-head.ts');
    const { kQueue } = await import('../src/undici/undici-parts.ts');
    const client = { [kQueue]: queue } as never;
    for (let request = 0; request < 2; request += 1) readRawHead(client, { takeRawHead: () => { throw new Error('unexpected'); } });
    expect(warnings).toEqual([`@penstock/upstream-client: shortcut raw_head is off: ${reason}`]);
  }));

  test('raw_head: `onResponseStart` of an undici request takes other arguments', () => withFreshShortcuts(async (warnings) => {
    const { kQueue, Request } = await import('../src/undici/undici-parts.ts');
    const original = Object.getOwnPropertyDescriptor(Request.prototype, 'onResponseStart') as PropertyDescriptor;
    Object.defineProperty(Request.prototype, 'onResponseStart', { ...original, value: (status: number, fields: unknown) => status === 200 && fields === undefined });
    try {
      const { readRawHead } = await import('../src/undici/raw-head.ts');
      const request = Object.create(Request.prototype) as object;
      readRawHead({ [kQueue]: [request] } as never, { takeRawHead: () => undefined });
      expect(Object.hasOwn(request, 'onResponseStart')).toBe(false);
      expect(warnings).toHaveLength(1);
    } finally {
      Object.defineProperty(Request.prototype, 'onResponseStart', original);
    }
  }));

  test.each([['has no parser', undefined], ['has another parser', { paused: 'no', execute: () => undefined, ptr: 1 }]])('direct_chunks: the socket of an undici client %s', (_name, parser) => withFreshShortcuts(async (warnings) => {
    const { takeChunksDirectly } = await import('../src/undici/direct-chunks.ts');
    const { kParser } = await import('../src/undici/undici-parts.ts');
    const socket = { [kParser]: parser } as never;
    for (let response = 0; response < 2; response += 1) expect(takeChunksDirectly(socket, { takesChunks: () => true, takeChunk: () => undefined, takeFramed: () => undefined })).toBeUndefined();
    expect(warnings).toEqual(['@penstock/upstream-client: shortcut direct_chunks is off: the parser of an undici socket has not the members `paused`, `execute` and `ptr`']);
  }));

  test('short_head: the parser of an undici socket has no limit', () => withFreshShortcuts(async (warnings) => {
    const { expectHead, shortenHead } = await import('../src/undici/short-head.ts');
    const { kParser } = await import('../src/undici/undici-parts.ts');
    for (let response = 0; response < 2; response += 1) {
      const socket = { [kParser]: { execute: () => undefined } } as never;
      expectHead(socket, true);
      expect(shortenHead(socket, Buffer.from('HTTP/1.1 200 OK\r\nx-a: 1\r\n\r\n'))).toBeUndefined();
    }
    expect(warnings).toEqual(['@penstock/upstream-client: shortcut short_head is off: the parser of an undici socket has no `headersMaxSize`']);
  }));

  test('a request is answered with raw fields while raw_head is off', () => withFreshShortcuts(async () => {
    const { disableShortcut } = await import('../src/undici/shortcuts.ts');
    const { createUpstreamClient: create } = await import('../src/index.ts');
    disableShortcut('raw_head', 'a test');
    disableShortcut('bypass_read_buffer', 'a test');
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, FIELDS, 'body')));
    await using client = create({ origin: upstream.origin });
    expect(await ask(client)).toMatchObject({ body: 'body', headers: { 'x-a': ['1', '2'] }, rawHeaders: expect.arrayContaining(FIELDS) as unknown });
  }));
});
