import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { sendRawRequest, type WireMessage } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { createBodyWriter } from '../src/relay/create-body-writer.ts';

const EMPTY = Buffer.alloc(0);

/** Lets `write` write one response, and returns what came of it on the wire. */
async function respond(write: (response: ServerResponse) => Promise<void> | void): Promise<WireMessage> {
  const server = createServer((_, response) => {
    response.writeHead(200, ['content-type', 'text/plain']);
    response.write(EMPTY);
    void write(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const message = await sendRawRequest(typeof address === 'object' && address !== null ? address.port : 0, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  server.close();
  return message;
}

const refuse = (error: unknown): void => { throw error; };
const nextTurn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

describe('a body writer that frames chunks', () => {
  it('makes one chunk of one turn, and ends the body where node:http would', async () => {
    const message = await respond(async (response) => {
      const writer = createBodyWriter(response, () => undefined, refuse);
      writer.write(Buffer.from('ab'));
      writer.write(Buffer.from('cd'));
      await nextTurn();
      writer.write(Buffer.from('ef'));
      writer.release();
      response.end();
    });
    expect(message.bytes.toString().split('\r\n\r\n').slice(1).join('\r\n\r\n')).toBe('4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n');
  });

  it.each([[false, true], [true, false]])('plain %s: the text of a head that was sent is released: %s (an open stream would keep it), and the head still counts as sent', async (isPlain, isReleased) => {
    const seen: unknown[] = [];
    const message = await respond((response) => {
      const writer = createBodyWriter(response, () => undefined, refuse, isPlain);
      seen.push(String(Reflect.get(response, '_header')).includes('text/plain'), response.headersSent);
      expect(() => response.setHeader('x-late', '1')).toThrow('Cannot set headers after they are sent');
      writer.write(Buffer.from('ab'));
      writer.release();
      response.end();
    });
    expect(seen).toEqual([!isReleased, true]);
    expect(message.bytes.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-type: text\/plain\r\n[\s\S]*\r\n\r\n2\r\nab\r\n0\r\n\r\n$/);
  });

  it('writes a chunk as it came when it has one and nothing waits before it, at once; else it joins the bytes', async () => {
    const message = await respond(async (response) => {
      const writer = createBodyWriter(response, () => undefined, refuse);
      writer.write(Buffer.from('with the head'), Buffer.from('D\r\nwith the head\r\n'));
      await nextTurn();
      const before = response.socket?.bytesWritten ?? 0;
      writer.write(Buffer.from('0123456789'), Buffer.from('A\r\n0123456789\r\n'));
      expect((response.socket?.bytesWritten ?? 0) - before).toBe(15);
      writer.write(Buffer.from('ab'));
      writer.write(Buffer.from('0123456789'), Buffer.from('A\r\n0123456789\r\n'));
      writer.release();
      response.end();
    });
    expect(message.bytes.toString().split('\r\n\r\n').slice(1).join('\r\n\r\n')).toBe('d\r\nwith the head\r\nA\r\n0123456789\r\nc\r\nab0123456789\r\n0\r\n\r\n');
  });

  it.each([['of a counted body', ['content-length', '10']], ['with `isPlain`', []]] as const)('%s: node:http frames the bytes, whatever chunk they came in', async (_name, framing) => {
    const server = createServer((_, response) => {
      response.writeHead(200, ['content-type', 'text/plain', ...framing]);
      const writer = createBodyWriter(response, () => undefined, refuse, framing.length === 0);
      setImmediate(() => {
        writer.write(Buffer.from('0123456789'), Buffer.from('A\r\n0123456789\r\n'));
        writer.release();
        response.end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const message = await sendRawRequest((server.address() as AddressInfo).port, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    server.close();
    expect([message.body.toString(), message.bytes.includes('A\r\n0123')]).toEqual(['0123456789', false]);
  });

  it('asks its caller to stop for a chunk that the socket cannot take, and to go on when it has', async () => {
    const large = Buffer.alloc(200_000, 'x');
    const framed = Buffer.concat([Buffer.from(`${large.length.toString(16)}\r\n`), large, Buffer.from('\r\n')]);
    const { body } = await respond(async (response) => {
      const writer = createBodyWriter(response, () => {
        expect(writer.isBlocked).toBe(false);
        writer.release();
        response.end();
      }, refuse);
      await nextTurn();
      // The operating system would take it at once, or not.
      const { socket } = response;
      socket?.cork();
      expect([writer.write(large, framed), writer.isBlocked]).toEqual([false, true]);
      socket?.uncork();
    });
    expect(body.equals(large)).toBe(true);
  });

  it('writes no chunk to a socket that was destroyed, and does not ask to stop for it (nothing would ask to go on)', async () => {
    const seen: unknown[] = [];
    await respond(async (response) => {
      const writer = createBodyWriter(response, () => undefined, refuse);
      await nextTurn();
      response.socket?.destroy();
      seen.push(writer.write(Buffer.from('0123456789'), Buffer.from('A\r\n0123456789\r\n')), writer.isBlocked);
    });
    expect(seen).toEqual([true, false]);
  });

  it('writes no chunk once its response was ended by other code (the connection is the next response\'s)', async () => {
    const seen: unknown[] = [];
    const { bytes } = await respond(async (response) => {
      const writer = createBodyWriter(response, () => undefined, refuse);
      await nextTurn();
      const { socket } = response;
      const finished = once(response, 'finish');
      response.end();
      await finished;
      const before = socket?.bytesWritten ?? 0;
      seen.push(writer.write(Buffer.from('0123456789'), Buffer.from('A\r\n0123456789\r\n')));
      writer.write(Buffer.from('ab'));
      writer.release();
      seen.push((socket?.bytesWritten ?? 0) - before);
    });
    expect(seen).toEqual([true, 0]);
    expect(bytes.toString().endsWith('\r\n\r\n0\r\n\r\n')).toBe(true);
  });

  it('never writes a chunk of no bytes (it would end the body)', async () => {
    const { body, complete } = await respond(async (response) => {
      const writer = createBodyWriter(response, () => undefined, refuse);
      writer.write(EMPTY);
      await nextTurn();
      writer.write(Buffer.from('ab'));
      writer.release();
      response.end();
    });
    expect([body.toString(), complete]).toEqual(['ab', true]);
  });

  it.each([100, 16_384, 16_385, 100_000])('frames %d bytes of one turn', async (length) => {
    const sent = Buffer.from(Array.from({ length }, (_, index) => index % 251));
    const { body, complete } = await respond((response) => {
      const writer = createBodyWriter(response, () => undefined, refuse);
      for (let offset = 0; offset < length; offset += 1_000) writer.write(sent.subarray(offset, offset + 1_000));
      writer.release();
      response.end();
    });
    expect([complete, body.equals(sent)]).toEqual([true, true]);
  });

  it('emits drain once the socket took the excess bytes', async () => {
    const { body } = await respond((response) => {
      const writer = createBodyWriter(response, () => { writer.release(); response.end(); }, refuse);
      expect(writer.write(Buffer.alloc(200_000, 'x'))).toBe(false);
      expect(writer.isBlocked).toBe(true);
    });
    expect(body.length).toBe(200_000);
  });

  it('emits drain also when the socket was emptied before its turn (or the upstream would stay paused for ever)', async () => {
    const { body } = await respond(async (response) => {
      await nextTurn();
      const { socket } = response;
      const writer = createBodyWriter(response, () => { writer.release(); response.end(); }, refuse);
      await nextTurn();
      socket?.cork();
      socket?.write(`${(60_000).toString(16)}\r\n${'y'.repeat(60_000)}\r\n`);
      process.nextTick(() => socket?.uncork());
      expect(writer.write(Buffer.alloc(10_000, 'x'))).toBe(false);
    });
    expect(body.length).toBe(70_000);
  });
});
