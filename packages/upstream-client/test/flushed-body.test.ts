import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createSecureServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { createAuthority } from '@penstock/test-support';
import { array, asyncProperty, assert, constantFrom, integer } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FlushedBody, UpstreamClientOptions } from '../src/index.ts';
import { createUpstreamClient } from './plain.ts';
import { dispatchRequest } from './dispatch-request.ts';

const authority = createAuthority('Test CA');
const POISON = 0xee;

/** Bytes that tell where they belong, none of them poison. */
function bytesFrom(start: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index += 1) bytes[index] = (start + index) % 199;
  return bytes;
}

/** Overwrites every taken chunk in `onFlushed()`: a call that comes too early corrupts the bytes that are sent. */
class PoisonedBody implements FlushedBody {
  readonly #sizes: readonly number[];
  readonly #taken: Buffer[] = [];
  flushes = 0;
  spoiled = 0;
  #given = 0;

  constructor(sizes: readonly number[]) {
    this.#sizes = sizes;
  }

  *[Symbol.iterator](): Generator<Uint8Array, void, void> {
    for (const size of this.#sizes) {
      const chunk = bytesFrom(this.#given, size);
      this.#taken.push(chunk);
      this.#given += size;
      yield chunk;
    }
  }

  onFlushed(): void {
    this.flushes += 1;
    for (const chunk of this.#taken) { this.spoiled += chunk.length; chunk.fill(POISON); }
    this.#taken.length = 0;
  }

  get expected(): Buffer {
    return bytesFrom(0, this.#given);
  }
}

type Listener = (inbound: IncomingMessage, response: ServerResponse) => void;
interface Upstream extends AsyncDisposable { readonly origin: string }

async function listening(server: Server, scheme: string): Promise<Upstream> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => { server.close(); },
  };
}

const KINDS = ['http', 'https'] as const;
const TLS: Omit<UpstreamClientOptions, 'origin'> = { tls: { ca: authority.cert } };
const start = (kind: (typeof KINDS)[number], listener: Listener): Promise<Upstream> =>
  listening(kind === 'http' ? createServer(listener) : createSecureServer(authority.issue({ names: ['127.0.0.1'] }), listener), kind);

/** Reads a body with a rest of some milliseconds at each so many bytes, so that the sender's buffers fill. */
async function readSlowly(inbound: IncomingMessage, restsAt: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sinceRest = 0;
  for await (const chunk of inbound as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    sinceRest += chunk.length;
    if (sinceRest < restsAt) continue;
    sinceRest = 0;
    await delay(3);
  }
  return Buffer.concat(chunks);
}

describe.each(KINDS)('a body with onFlushed(), over %s', (kind) => {
  it('is never told while a byte of it is still to be sent, however it is cut and however slowly it is read', async () => {
    let received: Promise<Buffer> | undefined;
    let restsAt = 1;
    await using upstream = await start(kind, (inbound, response) => {
      received = readSlowly(inbound, restsAt);
      void received.then(() => response.end('ok'));
    });
    await using client = createUpstreamClient({ ...TLS, origin: upstream.origin });
    let spoiled = 0;
    await assert(asyncProperty(array(integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 30 }), constantFrom(200_000, 1_000_000, 100_000_000), async (sizes, rests) => {
      restsAt = rests;
      const body = new PoisonedBody(sizes);
      expect((await dispatchRequest(client, { body }).result).error).toBeUndefined();
      expect((await received)?.equals(body.expected)).toBe(true);
      spoiled += body.spoiled;
    }), { numRuns: 25 });
    expect(spoiled).toBeGreaterThan(0);
  });

  it('onFlushed(): is not called for small chunks that wait behind a full connection (they are taken before they are sent)', async () => {
    const received = Promise.withResolvers<Buffer>();
    await using upstream = await start(kind, (inbound, response) => {
      received.resolve(delay(100).then(() => readSlowly(inbound, 1_000_000)).finally(() => { response.end('ok'); }));
    });
    await using client = createUpstreamClient({ ...TLS, origin: upstream.origin });
    const body = new PoisonedBody(Array.from({ length: 600 }, () => 40_000));
    expect((await dispatchRequest(client, { body }).result).error).toBeUndefined();
    expect((await received.promise).equals(body.expected)).toBe(true);
    expect(body.flushes).toBeGreaterThan(0);
  });

  it('onFlushed(): is called for every chunk where the socket takes each at once', async () => {
    await using upstream = await start(kind, (inbound, response) => { inbound.resume().once('end', () => response.end('ok')); });
    await using client = createUpstreamClient({ ...TLS, origin: upstream.origin });
    const body = new PoisonedBody(Array.from({ length: 32 }, () => 65_536));
    expect((await dispatchRequest(client, { body }).result).error).toBeUndefined();
    expect([body.flushes, body.spoiled]).toEqual([33, 32 * 65_536]);
  });

  it('onFlushed(): leaves what is sent intact where the answer comes before the body was read', async () => {
    const received = Promise.withResolvers<Buffer>();
    const listener = (socket: Socket): void => {
      const chunks: Buffer[] = [];
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n');
      setTimeout(() => { socket.on('data', (chunk: Buffer) => { chunks.push(chunk); }); }, 50);
      socket.once('close', () => { received.resolve(Buffer.concat(chunks)); });
    };
    await using upstream = await listening(kind === 'http' ? createTcpServer(listener) : createTlsServer(authority.issue({ names: ['127.0.0.1'] }), listener), kind);
    await using client = createUpstreamClient({ ...TLS, origin: upstream.origin });
    const body = new PoisonedBody(Array.from({ length: 400 }, () => 65_536));
    const headers = ['content-length', String(400 * 65_536)];
    await dispatchRequest(client, { headers, body }).result;
    const bytes = await received.promise;
    const sent = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.equals(body.expected.subarray(0, sent.length))).toBe(true);
  });
});

it('onFlushed(): an error that it throws ends the request, with the cause', async () => {
  await using upstream = await start('http', (inbound, response) => { inbound.resume().once('end', () => response.end('ok')); });
  await using client = createUpstreamClient({ origin: upstream.origin });
  const body: FlushedBody = {
    *[Symbol.iterator]() { for (let index = 0; index < 10; index += 1) yield Buffer.alloc(65_536); },
    onFlushed() { throw new Error('cannot let go'); },
  };
  expect((await dispatchRequest(client, { body }).result).error).toMatchObject({ code: 'aborted', cause: { message: 'cannot let go' } });
  expect(client.stats().active).toBe(0);
});

it('onFlushed(): is never called over HTTP/2 (its writes bypass the socket)', async () => {
  let length = 0;
  const server = createHttp2Server(authority.issue({ names: ['127.0.0.1'] }));
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => { length += chunk.length; }).once('end', () => { stream.respond({ ':status': 200 }); stream.end('ok'); });
  });
  await using upstream = await listening(server, 'https');
  await using client = createUpstreamClient({ ...TLS, origin: upstream.origin, allowH2: true });
  const body = new PoisonedBody(Array.from({ length: 20 }, () => 65_536));
  expect((await dispatchRequest(client, { body }).result).error).toBeUndefined();
  expect([body.flushes, length]).toEqual([0, 20 * 65_536]);
});
