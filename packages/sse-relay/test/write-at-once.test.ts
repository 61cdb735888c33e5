import { once } from 'node:events';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { canWriteAtOnce, isWriteLate, writeAtOnce } from '../src/node/write-at-once.ts';
import { breakAfter } from '../src/relay/break-connection.ts';
import { createBodyWriter } from '../src/relay/create-body-writer.ts';

const NODE_MAJOR = Number(process.versions.node.split('.')[0]);

/** Both ends of a connection; the client is paused. */
async function connection(): Promise<{ socket: Socket; client: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  const [socket] = await accepted;
  socket.on('error', () => undefined);
  client.on('error', () => undefined);
  onTestFinished(() => {
    socket.destroy();
    client.destroy();
    server.close();
  });
  return { socket, client };
}

/** All that a client receives until the end. */
async function received(client: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  client.on('data', (piece: Buffer) => pieces.push(piece));
  const ended = once(client, 'end');
  client.resume();
  await ended;
  return Buffer.concat(pieces);
}

/** Counts what the stream of a socket is given. */
function countWrites(socket: Socket): { count: number } {
  const seen = { count: 0 };
  const write = socket.write.bind(socket) as (...parameters: unknown[]) => boolean;
  socket.write = (...parameters: unknown[]) => { seen.count += 1; return write(...parameters); };
  return seen;
}

/** Writes as a body writer does. */
function put(socket: Socket, bytes: Buffer): void {
  if (!writeAtOnce(socket, bytes)) socket.write(bytes);
}

/** Numbered blocks, so that none can be lost, doubled or moved unseen. */
function block(index: number, length: number): Buffer {
  return Buffer.alloc(length, `<${index}>`);
}

describe('writing at once', () => {
  it.skipIf(NODE_MAJOR < 26)('bypasses the stream of a socket (fails when it silently stops working)', async () => {
    const { socket, client } = await connection();
    put(socket, block(0, 10));
    const seen = countWrites(socket);
    put(socket, block(1, 10));
    put(socket, block(2, 10));
    expect([seen.count, socket.bytesWritten, socket.writableLength]).toEqual([0, 30, 0]);
    socket.end();
    expect(await received(client)).toEqual(Buffer.concat([block(0, 10), block(1, 10), block(2, 10)]));
  });

  it('keeps the order of bytes, and leaves all but one write to the stream, for a client that does not read', async () => {
    const { socket, client } = await connection();
    const sent: Buffer[] = [];
    for (let index = 0; socket.writableLength < 100_000; index += 1) {
      const bytes = block(index, 1 + (index * 977) % 20_000);
      sent.push(bytes);
      if (index % 7 === 3) socket.write(bytes);
      else put(socket, bytes);
    }
    const all = received(client);
    // What the stream holds goes out in its order while further writes come.
    for (let turn = 0; turn < 50; turn += 1) {
      const bytes = block(turn, 300);
      sent.push(bytes);
      put(socket, bytes);
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    socket.end();
    expect((await all).equals(Buffer.concat(sent))).toBe(true);
  });

  it('waits behind what is corked, and refuses a socket that ends, was destroyed or counts writes as activity', async () => {
    const { socket, client } = await connection();
    put(socket, block(0, 10));
    socket.cork();
    expect(writeAtOnce(socket, block(1, 10))).toBe(false);
    socket.write('corked');
    socket.uncork();
    socket.setTimeout(60_000);
    expect(writeAtOnce(socket, block(1, 10))).toBe(false);
    socket.setTimeout(0);
    put(socket, block(2, 10));
    const all = received(client);
    socket.end();
    expect(writeAtOnce(socket, block(3, 10))).toBe(false);
    expect(await all).toEqual(Buffer.concat([block(0, 10), Buffer.from('corked'), block(2, 10)]));
    socket.destroy();
    expect(writeAtOnce(socket, block(3, 10))).toBe(false);
  });

  it('ends a socket whose client is gone, as the stream would, and lets one that waits go', async () => {
    for (const isStream of [true, false]) {
      const { socket, client } = await connection();
      const closed = new Promise<void>((resolve) => { socket.once('close', () => resolve()); });
      if (isStream) socket.write(block(0, 16_000));
      else while (socket.writableLength === 0) put(socket, block(0, 16_000));
      client.resetAndDestroy();
      const writing = setInterval(() => put(socket, block(0, 10)), 1);
      await closed;
      clearInterval(writing);
      expect(socket.destroyed).toBe(true);
    }
  });

  it('is not for a socket whose methods were replaced', async () => {
    const { socket } = await connection();
    expect(canWriteAtOnce(socket)).toBe(true);
    countWrites(socket);
    expect(canWriteAtOnce(socket)).toBe(false);
  });
});

it('bytes that wait for the operating system still reach the client of a response that is broken', async () => {
  const server = createHttpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const [, response] = await once(server, 'request') as [unknown, ServerResponse];
  const { socket } = response;
  if (socket === null) throw new Error('a response without a socket');
  response.writeHead(200);
  const writer = createBodyWriter(response, () => undefined, (error) => { throw error; });
  await new Promise((resolve) => { setImmediate(resolve); });
  const framed = Buffer.concat([Buffer.from('1f40\r\n'), block(1, 8_000), Buffer.from('\r\n')]);
  const before = socket.bytesWritten;
  let chunks = 0;
  // Where the stream writes, it counts what waits.
  for (; !isWriteLate(socket) && socket.writableLength === 0; chunks += 1) writer.write(framed.subarray(6, -2), framed);
  writer.release();
  breakAfter(response, undefined, 30_000, false);
  const body = await received(client);
  server.close();
  expect(body.length - before).toBe(chunks * framed.length);
});

describe('a Node that writes in another way', () => {
  afterEach(() => { vi.restoreAllMocks(); });

  it.each([
    ['makes a request for each write, as 22 and 24 do: the stream writes', {}, []],
    ['gives nothing for one: the stream writes, and one warning says so', undefined, ['@penstock/sse-relay: shortcut write_at_once is off: Node writes in another way']],
  ] as const)('%s', async (_name, request, expected) => {
    const warnings: string[] = [];
    vi.spyOn(process, 'emitWarning').mockImplementation((warning) => { warnings.push(String(warning)); });
    vi.resetModules();
    const fresh = await import('../src/node/write-at-once.ts');
    const { socket } = await connection();
    const { _handle: handle } = socket as unknown as { readonly _handle: { writeBuffer(given: unknown, bytes: Buffer): number } };
    // What another Node would pass reaches no real handle, which would end the process.
    handle.writeBuffer = () => 0;
    socket._write = (bytes: Buffer, _encoding, done) => { handle.writeBuffer(request, bytes); done(); };
    expect(fresh.writeAtOnce(socket, block(0, 10))).toBe(true);
    expect(fresh.writeAtOnce(socket, block(1, 10))).toBe(false);
    expect(fresh.canWriteAtOnce(socket)).toBe(false);
    expect(warnings).toEqual(expected);
  });
});
