import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openRawConnection } from '@penstock/test-support';
import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { PacedMessage } from '../src/paced-message.ts';

async function listen(onRequest: RequestListener<typeof PacedMessage>): Promise<number> {
  const server = createServer({ IncomingMessage: PacedMessage }, onRequest);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => { server.closeAllConnections(); server.close(); });
  return (server.address() as AddressInfo).port;
}

const READERS: Readonly<Record<string, (request: IncomingMessage) => Promise<Buffer>>> = {
  data: async (request) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => { chunks.push(chunk); });
    await once(request, 'end');
    return Buffer.concat(chunks);
  },
  readable: async (request) => {
    const chunks: Buffer[] = [];
    request.on('readable', () => { for (let chunk = request.read() as Buffer | null; chunk !== null; chunk = request.read() as Buffer | null) chunks.push(chunk); });
    await once(request, 'end');
    return Buffer.concat(chunks);
  },
  iterator: async (request) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  },
};

test.each(Object.entries(READERS))('a body read by %s has the bytes and the order that were sent, whatever its chunks, and so has the next one on the connection', async (_name, read) => {
  const port = await listen((request, response) => { void read(request).then((body) => response.end(body)); });
  const connection = await openRawConnection(port);
  await fc.assert(fc.asyncProperty(fc.array(fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 3_000 }), fc.constant(70_000)), { maxLength: 60 }), async (sizes) => {
    const chunks = sizes.map((size, index) => Buffer.alloc(size, index));
    connection.send('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n');
    connection.send(Buffer.concat([...chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]), Buffer.from('0\r\n\r\n')]));
    const { body } = await connection.readMessage({ kind: 'response' });
    expect(Buffer.from(body).equals(Buffer.concat(chunks))).toBe(true);
  }), { numRuns: 60 });
  connection.close();
});

test('small pieces of one turn are handed on as one (in chunks of one byte each costs as much as a kilobyte)', async () => {
  let pieces = 0;
  const port = await listen((request, response) => {
    request.on('data', () => { pieces += 1; });
    request.on('end', () => response.end());
  });
  const connection = await openRawConnection(port);
  connection.send(`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(5_000)}0\r\n\r\n`);
  await connection.readMessage({ kind: 'response' });
  connection.close();
  expect(pieces).toBeLessThan(60);
});

test('a reader that stops reading pauses the connection (no more than the buffers are held)', async () => {
  const requests: IncomingMessage[] = [];
  const port = await listen((request) => { requests.push(request); request.on('readable', () => undefined); });
  const connection = await openRawConnection(port);
  const block = Buffer.from('1\r\nx\r\n'.repeat(10_000));
  connection.send('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n');
  // Sent until the kernel takes no more: the gateway has stopped reading.
  while (connection.socket.writableLength < 1_000_000) {
    connection.socket.write(block);
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  expect(requests[0]?.readableLength).toBeLessThan(2 * 65_536);
  connection.close();
});
