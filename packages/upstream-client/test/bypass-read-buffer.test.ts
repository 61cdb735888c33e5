import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { bypassReadBuffer } from '../src/undici/bypass-read-buffer.ts';

interface Pair {
  readonly reader: Socket;
  readonly writer: Socket;
  [Symbol.asyncDispose](): Promise<void>;
}

async function connectPair(): Promise<Pair> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const reader = connect(address.port, '127.0.0.1');
  await once(reader, 'connect');
  const [writer] = await accepted;
  // undici listens before its socket is changed.
  reader.on('readable', () => undefined);
  bypassReadBuffer(reader);
  return {
    reader, writer,
    [Symbol.asyncDispose]: async () => {
      reader.destroy();
      writer.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Numbered bytes, so that a piece that is lost, repeated or moved shows. */
function numbered(bytes: number): Buffer {
  const body = Buffer.alloc(bytes);
  for (let index = 0; index + 4 <= bytes; index += 4) body.writeUInt32LE(index, index);
  return body;
}

/** Resolves when no byte came for twenty turns of the event loop. */
async function untilQuiet(socket: Socket): Promise<void> {
  for (let quiet = 0, before = -1; quiet < 20; before = socket.bytesRead) {
    await new Promise(setImmediate);
    quiet = socket.bytesRead === before ? quiet + 1 : 0;
  }
}

describe('bypassReadBuffer', () => {
  test('hands over what came without keeping it first', async () => {
    await using pair = await connectPair();
    const { reader, writer } = pair;
    const kept: number[] = [];
    const { promise, resolve } = Promise.withResolvers<string>();
    reader.on('readable', () => {
      kept.push(reader.readableLength);
      for (let chunk = reader.read() as Buffer | null; chunk !== null; chunk = reader.read() as Buffer | null) resolve(chunk.toString());
    });
    writer.write('bytes');
    expect(await promise).toBe('bytes');
    expect(kept).toEqual([0]);
  });

  test('keeps what its reader leaves and puts back, in order, however that changes from piece to piece', async () => {
    await using pair = await connectPair();
    const { reader, writer } = pair;
    const sent = numbered(8 * 1024 * 1024);
    const received: Buffer[] = [];
    const seen = { direct: 0, kept: 0, putBack: 0, left: 0 };
    let turn = 0;
    let isPaused = false;
    const readAll = (): void => {
      while (!isPaused) {
        const before = reader.readableLength;
        const chunk = reader.read() as Buffer | null;
        if (chunk === null) return;
        seen[before === 0 ? 'direct' : 'kept'] += 1;
        turn += 1;
        const half = chunk.length >> 1;
        if (turn % 7 !== 0 || half === 0) { received.push(chunk); continue; }
        // As undici does when it is paused in the middle of a piece.
        seen.putBack += 1;
        received.push(chunk.subarray(0, half));
        reader.unshift(chunk.subarray(half));
        isPaused = true;
        setTimeout(() => { isPaused = false; readAll(); }, 2);
      }
    };
    reader.on('readable', () => {
      if (isPaused) seen.left += 1;
      readAll();
    });
    writer.end(sent);
    await once(reader, 'end');
    expect(Buffer.concat(received).equals(sent)).toBe(true);
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
  });

  test('stops reading from the connection when read() is not called', async () => {
    await using pair = await connectPair();
    const { reader, writer } = pair;
    let isTaking = false;
    let length = 0;
    const take = (): void => {
      for (let chunk = isTaking ? reader.read() as Buffer | null : null; chunk !== null; chunk = reader.read() as Buffer | null) length += chunk.length;
    };
    reader.on('readable', take);
    const sent = numbered(32 * 1024 * 1024);
    writer.end(sent);
    await untilQuiet(reader);
    expect(reader.readableLength).toBeGreaterThan(0);
    expect(reader.readableLength).toBeLessThan(1024 * 1024);
    isTaking = true;
    take();
    await once(reader, 'end');
    expect(length).toBe(sent.length);
  });

  test('is read later where bytes come while those of another are read', async () => {
    await using first = await connectPair();
    await using second = await connectPair();
    const kept: number[] = [];
    const { promise, resolve } = Promise.withResolvers<unknown>();
    second.reader.on('readable', () => {
      kept.push(second.reader.readableLength);
      const chunk: unknown = second.reader.read();
      if (chunk !== null) resolve(chunk);
    });
    first.reader.on('readable', () => {
      if (first.reader.read() === null) return;
      // As a TLS connection may give what it had decrypted, when it is written to.
      second.reader.push(Buffer.from('nested'));
      expect(kept).toEqual([]);
    });
    first.writer.write('bytes');
    expect(String(await promise)).toBe('nested');
    expect(kept[0]).toBe('nested'.length);
  });

  test('appends bytes to those that were left, without a second readable in the same turn', async () => {
    await using pair = await connectPair();
    const { reader } = pair;
    let told = 0;
    reader.on('readable', () => { told += 1; });
    reader.push(Buffer.from('left'));
    expect(told).toBe(1);
    reader.push(Buffer.from(' and joined'));
    expect(told).toBe(1);
    expect(reader.readableLength).toBe('left and joined'.length);
    let read = '';
    for (let chunk = reader.read() as Buffer | null; chunk !== null; chunk = reader.read() as Buffer | null) read += String(chunk);
    expect(read).toBe('left and joined');
  });

  test('returns the bytes that were put back to a reader that continues at once', async () => {
    await using pair = await connectPair();
    const { reader, writer } = pair;
    const { promise, resolve } = Promise.withResolvers<string>();
    reader.on('readable', () => {
      const whole = reader.read() as Buffer | null;
      if (whole === null) return;
      reader.unshift(whole.subarray(2));
      resolve(String(reader.read()));
    });
    writer.write('bytes');
    expect(await promise).toBe('tes');
  });
});
