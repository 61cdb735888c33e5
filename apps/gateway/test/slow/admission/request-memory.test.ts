import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fieldValues, openRawConnection, statusOf, type RawConnection } from '@penstock/test-support';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestGateway, type ConfigDocument, type TestGateway } from '../../start-test-gateway.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const MIB = 1024 * 1024;
const BODY_BYTES = 32 * MIB;
const PIECE = Buffer.alloc(64 * 1024, 0x20);
const HEAD = 'POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';

let upstream: Server;
let sockets: Socket[];
let gateway: TestGateway | undefined;

beforeEach(async () => {
  // Takes connections and reads nothing, so that the gateway has to hold what it received.
  sockets = [];
  upstream = createServer({ pauseOnConnect: true }, (socket) => { sockets.push(socket); });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
});

afterEach(async () => {
  await gateway?.close();
  for (const socket of sockets) socket.destroy();
  upstream.close();
});

const start = async (document: ConfigDocument = {}): Promise<TestGateway> => {
  gateway = await startTestGateway(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, document);
  return gateway;
};

async function sendBlanks(connection: RawConnection, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes; sent += PIECE.length) {
    if (!connection.socket.write(PIECE.subarray(0, Math.min(PIECE.length, bytes - sent)))) await once(connection.socket, 'drain');
  }
}

async function heldBytes(): Promise<number> {
  await new Promise((resolve) => { setImmediate(resolve); });
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

describe('a body of 32 MB', () => {
  test('costs at most 1.15 times its size (a list of chunks, never joined)', async () => {
    const { port } = await start();
    const connection = await openRawConnection(port);
    const before = await heldBytes();
    connection.send(`${HEAD}Content-Length: ${BODY_BYTES}\r\n\r\n`);
    await sendBlanks(connection, BODY_BYTES - 2);
    // The last of it may still be in the buffers of the system.
    let almost = 0;
    await expect.poll(async () => (almost = await heldBytes() - before) / BODY_BYTES).toBeGreaterThan(0.8);
    connection.send('{}');
    await once(upstream, 'connection');
    const whole = await heldBytes() - before;
    expect(Math.max(almost, whole) / BODY_BYTES).toBeLessThan(1.15);
    connection.close();
  });

  test('in chunks of one byte costs what it weighs', async () => {
    const { port } = await start();
    const connection = await openRawConnection(port);
    const bytes = MIB / 2;
    const pieces = Buffer.from('1\r\n \r\n'.repeat(16_384));
    const before = await heldBytes();
    connection.send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    for (let sent = 0; sent < bytes; sent += 16_384) {
      if (!connection.socket.write(pieces)) await once(connection.socket, 'drain');
    }
    connection.send('2\r\n{}\r\n');
    const held = await heldBytes() - before;
    expect(held / bytes).toBeLessThan(1.6);
    connection.close();
  });
});

describe('the byte budget', () => {
  const series = (): Promise<number> => (gateway as TestGateway).series('penstock_buffered_bytes{side="native"}');

  test('is not touched by 100 connections that announce 32 MB and send nothing, and a complete request gets through', async () => {
    const { port } = await start({ anthropic_native: { max_buffered_bytes: 8 * MIB } });
    const idle = await Promise.all(Array.from({ length: 100 }, () => openRawConnection(port)));
    for (const connection of idle) connection.send(`${HEAD}Content-Length: ${BODY_BYTES}\r\n\r\n`);
    const complete = await openRawConnection(port);
    expect(await series()).toBe(0);
    complete.send(`${HEAD}Content-Length: ${MIB}\r\n\r\n`);
    await sendBlanks(complete, MIB - 2);
    complete.send('{}');
    await once(upstream, 'connection');
    expect(await series()).toBe(MIB);
    for (const connection of [...idle, complete]) connection.close();
  });

  test('gives one client a quarter: over it the answer is 429 overloaded with retry-after', async () => {
    const { port } = await start({ anthropic_native: { max_buffered_bytes: 160 * MIB } });
    // Two bodies together fill the quarter of 40 MiB; one alone never can, because the largest is always taken.
    const holding = await Promise.all([31, 9].map(async (size) => {
      const connection = await openRawConnection(port);
      connection.send(`${HEAD}Content-Length: ${BODY_BYTES}\r\n\r\n`);
      await sendBlanks(connection, size * MIB);
      return connection;
    }));
    await expect.poll(series).toBe(40 * MIB);
    const second = await openRawConnection(port);
    second.send(`${HEAD}Content-Length: ${MIB}\r\n\r\n {`);
    const refused = await second.readMessage({ kind: 'response' });
    expect([statusOf(refused), fieldValues(refused.rawHeaders, 'x-penstock-error'), fieldValues(refused.rawHeaders, 'retry-after'), fieldValues(refused.rawHeaders, 'x-should-retry')]).toEqual([429, ['overloaded'], ['1'], ['true']]);
    for (const connection of [...holding, second]) connection.close();
  });
});
