// The hardened listener by itself, for what no handler of the application would do to it.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { createAuthority, openRawConnection, statusOf, wrapSocket, type RawConnection } from '@penstock/test-support';
import { afterEach, describe, expect, test } from 'vitest';
import type { InboundTls } from '../src/create-inbound-server.ts';
import { createInboundServer } from './plain.ts';
import { InboundConnection } from '../src/inbound-connection.ts';
import { DEFAULT_INBOUND_LIMITS, type InboundLimits } from '../src/inbound-limits.ts';

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n';
const CHUNK = `100000\r\n${' '.repeat(0x100000)}\r\n`;

let server: Server;
let sockets: Socket[];

async function listen(onRequest: RequestListener, limits: Partial<InboundLimits> = {}, tls?: InboundTls): Promise<number> {
  sockets = [];
  server = createInboundServer({
    onRequest, maxConnections: 100, describeParserError: (status) => ({ headers: ['x-refused', String(status)], body: Buffer.from('no') }),
    limits: { ...DEFAULT_INBOUND_LIMITS, ...limits }, ...(tls === undefined ? {} : { tls }),
  });
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
afterEach(async () => {
  server.close();
  server.closeAllConnections();
  for (const socket of sockets) socket.destroy();
  await once(server, 'close');
});

/** A client that does not close its side because the server closed the other one. */
async function openHalfOpen(port: number): Promise<RawConnection> {
  const connection = await openRawConnection(port);
  connection.socket.allowHalfOpen = true;
  return connection;
}

const closing: RequestListener = (_request, response) => { response.writeHead(404, ['connection', 'close', 'content-length', '2']).end('no'); };
const responsesIn = (connection: RawConnection): number => connection.received().toString('latin1').split('HTTP/1.1 ').length - 1;

describe('a connection behind its last response', () => {
  test('is dropped when its client stays silent and does not close', async () => {
    const connection = await openHalfOpen(await listen(closing, { lingerIdleMs: 40, lingerMs: 600_000 }));
    connection.send(GET);
    expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(404);
    await once(sockets[0] as Socket, 'close');
    connection.close();
  });

  test('is dropped when its time is used up, however busily its client sends', async () => {
    const connection = await openHalfOpen(await listen(closing, { lingerIdleMs: 200, lingerMs: 1_000 }));
    connection.send(POST);
    await connection.readMessage({ kind: 'response' });
    const socket = sockets[0] as Socket;
    const before = socket.bytesRead;
    const trickle = setInterval(() => connection.send('1\r\na\r\n'), 5);
    await once(socket, 'close');
    clearInterval(trickle);
    expect(socket.bytesRead).toBeGreaterThan(before);
    connection.close();
  });

  test('takes no further request (it was closed, so nothing behind was accepted)', async () => {
    let requests = 0;
    const connection = await openHalfOpen(await listen((request, response) => { requests += 1; closing(request, response); }, { lingerIdleMs: 40 }));
    connection.send(GET);
    await connection.readMessage({ kind: 'response' });
    connection.send(GET);
    await once(sockets[0] as Socket, 'close');
    expect((sockets[0] as Socket).bytesRead).toBe(2 * GET.length);
    expect([requests, responsesIn(connection)]).toEqual([1, 1]);
    connection.close();
  });

  test('leaves no timer behind', async () => {
    const port = await listen(closing, { lingerIdleMs: 20 });
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    for (let index = 0; index < 20; index += 1) {
      const connection = await openRawConnection(port);
      connection.send(GET);
      await connection.closed();
      if (sockets[index]?.destroyed === false) await once(sockets[index] as Socket, 'close');
    }
    expect(timers()).toBeLessThan(before + 10);
  });

  test('over TLS lingers as well', async () => {
    const authority = createAuthority('Test Authority');
    const port = await listen(closing, { lingerIdleMs: 300, lingerMs: 600_000 }, authority.issue({ names: ['localhost'] }));
    const secure = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: authority.cert });
    secure.allowHalfOpen = true;
    await once(secure, 'secureConnect');
    const connection = wrapSocket(secure);
    connection.send(POST);
    expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(404);
    for (let sent = 0; sent < 20; sent += 1) await new Promise<void>((resolve) => { secure.write(CHUNK, () => resolve()); });
    expect([connection.end(), secure.destroyed]).toEqual(['fin', false]);
    secure.end();
    expect(await connection.closed()).toBe('fin');
  });
});

describe('the parser', () => {
  /** Answers a request, and refuses one that is pipelined, as every listener does. */
  const refusing: RequestListener = (request, response) => {
    if (InboundConnection.of(request.socket)?.isPipelined === true) closing(request, response);
    else response.writeHead(200, ['content-length', '2']).end('ok');
  };

  /** How many requests Node makes of what arrives on the first connection, and its bytes when the connection ended. */
  async function countRequests(port: number, send: (connection: RawConnection) => void): Promise<{ readonly requests: number; readonly bytesRead: number; readonly responses: number }> {
    let requests = 0;
    server.on('request', () => { requests += 1; });
    const connection = await openRawConnection(port);
    send(connection);
    await expect.poll(() => sockets.length).toBe(1);
    if (sockets[0]?.destroyed === false) await once(sockets[0], 'close');
    return { requests, bytesRead: sockets[0]?.bytesRead ?? 0, responses: responsesIn(connection) };
  }

  test.each([['in one write', 1], ['in many writes', 100]])('is off behind the first pipelined request: 20,000 heads %s are two requests, and every byte is read', async (_name, writes) => {
    const port = await listen(refusing, { lingerIdleMs: 40 });
    const heads = Buffer.from(GET.repeat(20_000 / writes));
    const counted = await countRequests(port, (connection) => { for (let write = 0; write < writes; write += 1) connection.send(heads); });
    expect(counted).toEqual({ requests: 2, bytesRead: 20_000 * GET.length, responses: 2 });
  });

  test('is off behind a response that closes the connection: heads that follow are no requests', async () => {
    const port = await listen(closing, { lingerIdleMs: 40 });
    const counted = await countRequests(port, (connection) => {
      connection.send(GET);
      connection.socket.once('data', () => { for (let write = 0; write < 100; write += 1) connection.send(GET.repeat(200)); });
    });
    expect(counted).toEqual({ requests: 1, bytesRead: 20_001 * GET.length, responses: 1 });
  });

  test('is off behind a refusal of a body: chunks that follow are thrown away whole', async () => {
    let chunks = 0;
    const port = await listen((request, response) => {
      request.on('data', () => { chunks += 1; });
      closing(request, response);
    }, { lingerIdleMs: 40 });
    const connection = await openRawConnection(port);
    connection.send(POST);
    await connection.readMessage({ kind: 'response' });
    for (let write = 0; write < 100; write += 1) connection.send('1\r\na\r\n'.repeat(1_000));
    await once(sockets[0] as Socket, 'close');
    expect([chunks, (sockets[0] as Socket).bytesRead]).toEqual([0, POST.length + 600_000]);
  });

  test('the parser of a refused connection: serves the next one (Node uses parsers again)', async () => {
    const port = await listen(refusing, { lingerIdleMs: 40 });
    for (let index = 0; index < 10; index += 1) {
      const refused = await openRawConnection(port);
      refused.send(GET.repeat(50));
      await refused.closed();
      const next = await openRawConnection(port);
      for (let request = 0; request < 3; request += 1) {
        next.send(GET);
        expect(statusOf(await next.readMessage({ kind: 'response' }))).toBe(200);
      }
      next.close();
    }
  });
});

describe('header fields', () => {
  const withFields = (count: number): string => `GET / HTTP/1.1\r\nHost: localhost\r\n${Array.from({ length: count - 1 }, (_, index) => `x-${index}: y\r\n`).join('')}\r\n`;

  test('over their number are refused whole, never cut: what is hidden from us could be a second Host or length', async () => {
    const seen: number[] = [];
    const port = await listen((request, response) => { seen.push(request.rawHeaders.length / 2); closing(request, response); }, { lingerIdleMs: 40, maxHeadersCount: 100 });
    const statuses: unknown[] = [];
    for (const count of [100, 101, 102, 150, 600]) {
      const connection = await openRawConnection(port);
      connection.send(withFields(count));
      const response = await connection.readMessage({ kind: 'response' });
      await connection.closed();
      statuses.push([count, statusOf(response), response.body.toString()]);
    }
    expect(statuses).toEqual([[100, 404, 'no'], [101, 431, 'no'], [102, 431, 'no'], [150, 431, 'no'], [600, 431, 'no']]);
    expect(seen).toEqual([100]);
  });
});

describe('what the parser refuses', () => {
  test('behind a response that is whole leaves that one the only answer', async () => {
    const connection = await openRawConnection(await listen(closing, { lingerIdleMs: 40 }));
    connection.send(`${POST}zz\r\n`);
    expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(404);
    await connection.closed();
    expect(responsesIn(connection)).toBe(1);
  });

  test('while a response is under way cuts it, and gets no second head', async () => {
    const connection = await openRawConnection(await listen((_request, response) => { response.writeHead(200, ['transfer-encoding', 'chunked']).write('begun'); }));
    connection.send(POST);
    await connection.waitFor((bytes) => bytes.includes('begun'));
    connection.send('zz\r\n');
    await connection.closed();
    expect([responsesIn(connection), connection.received().includes('0\r\n\r\n')]).toEqual([1, false]);
  });

  test('is answered once, in the words of the application, whatever follows', async () => {
    const connection = await openHalfOpen(await listen(closing, { lingerIdleMs: 40 }));
    connection.send('nonsense\r\n\r\n');
    const refusal = await connection.readMessage({ kind: 'response' });
    expect([statusOf(refusal), refusal.rawHeaders.slice(0, 2), refusal.body.toString()]).toEqual([400, ['x-refused', '400'], 'no']);
    connection.send('more\r\n\r\n');
    await once(sockets[0] as Socket, 'close');
    expect(responsesIn(connection)).toBe(1);
    connection.close();
  });
});

test('the kernel probes a silent connection (nothing that we write would find a client that vanished from a quiet stream)', async () => {
  const port = await listen(closing);
  const connection = await openRawConnection(port);
  await expect.poll(() => sockets.length).toBe(1);
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n').map((row) => row.trim().split(/\s+/));
  const established = rows.filter(([, local, , state]) => local?.endsWith(`:${port.toString(16).toUpperCase().padStart(4, '0')}`) === true && state === '01');
  // The sixth column is the timer that runs; 02 is keep-alive (Documentation/networking/proc_net_tcp.rst of Linux).
  expect(established.map((row) => row[5]?.split(':')[0])).toEqual(['02']);
  connection.close();
});
