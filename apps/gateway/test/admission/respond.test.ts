import type { Socket } from 'node:net';
import { DEFAULT_INBOUND_LIMITS } from '@penstock/inbound-server';
import { fieldValues, openRawConnection, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

let upstream: ScriptedUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  // Answers a head as soon as it is there, and closes: an API that refuses an upload early.
  upstream = await startScriptedUpstream(async (connection) => {
    await connection.waitFor((unread) => unread.includes('\r\n\r\n'));
    connection.socket.end(wholeResponse(401, ['content-type', 'application/json', 'connection', 'close'], '{"early":true}'));
  });
  gateway = await startTestGateway(upstream.origin, {}, { inboundLimits: { lingerIdleMs: 300 } });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

/** Goes on sending, as a client does that reads no answer before it has sent everything. */
async function sendWhilePossible(socket: Socket, chunks: number): Promise<void> {
  // The socket must not end by itself when the gateway has closed its side.
  socket.allowHalfOpen = true;
  for (let sent = 0; sent < chunks; sent += 1) {
    await new Promise<void>((resolve) => { socket.write(MIB, () => resolve()); });
  }
  expect(socket.destroyed).toBe(false);
}

const head = (fields: string, path = '/anthropic/v1/nothing', method = 'POST'): string => `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${fields}\r\n`;
const MIB = Buffer.alloc(1024 * 1024, 0x20);

describe('a client that still sends its body', () => {
  test.each([
    ['a refusal of the gateway', '/anthropic/v1/nothing', 404], ['a refusal by its announced length', '/anthropic/v1/messages', 413], ['an early answer of the upstream to an upload', '/anthropic/v1/files', 401],
  ])('gets all of %s, then the end, and no reset before it has sent', async (_name, path, status) => {
    const connection = await openRawConnection(gateway.port);
    connection.send(head(`Content-Length: ${40 * MIB.length}\r\n`, path));
    await sendWhilePossible(connection.socket, 20);
    const response = await connection.readMessage({ kind: 'response' });
    expect([statusOf(response), response.complete, fieldValues(response.rawHeaders, 'connection')]).toEqual([status, true, ['close']]);
    connection.socket.end();
    expect(await connection.closed()).toBe('fin');
  });

  test('a short announced rest of a body: the connection is kept', async () => {
    const connection = await openRawConnection(gateway.port);
    connection.send(head('Content-Length: 60000\r\n'));
    const refusal = await connection.readMessage({ kind: 'response' });
    expect([statusOf(refusal), fieldValues(refusal.rawHeaders, 'connection')]).toEqual([404, ['keep-alive']]);
    connection.send(Buffer.alloc(60_000));
    connection.send(head('', '/', 'GET'));
    expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(200);
    connection.close();
  });

  test('a short rest of a body that never arrives: the connection is closed after lingerMs', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => { vi.useRealTimers(); });
    const connection = await openRawConnection(gateway.port);
    connection.send(head('Content-Length: 60000\r\n'));
    expect(fieldValues((await connection.readMessage({ kind: 'response' })).rawHeaders, 'connection')).toEqual(['keep-alive']);
    vi.advanceTimersByTime(DEFAULT_INBOUND_LIMITS.lingerMs - 1);
    connection.send(Buffer.alloc(100));
    await expect.poll(() => connection.socket.writableLength).toBe(0);
    expect(connection.end()).toBe('open');
    vi.advanceTimersByTime(1);
    expect(await connection.closed()).not.toBe('open');
  });

  test('behind a refusal that closes cannot send another request', async () => {
    const connection = await openRawConnection(gateway.port);
    connection.send(head('Transfer-Encoding: chunked\r\n'));
    expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(404);
    connection.send(`0\r\n\r\n${head('', '/', 'GET')}`);
    expect(await connection.closed()).toBe('fin');
    expect(connection.received().toString('latin1').match(/HTTP\/1\.1 /g)).toEqual(['HTTP/1.1 ']);
  });
});

describe('a connection that carried a request without a body', () => {
  test.each([
    ['HEAD', '/anthropic/api/hello', 200], ['GET', '/anthropic/health', 200], ['GET', '/', 200], ['GET', '/anthropic/v1/nothing', 404], ['GET', '/anthropic/v1/messages', 405],
  ])('is not cut when the time for the rest of a body is over (%s %s)', async (method, path, status) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => { vi.useRealTimers(); });
    const connection = await openRawConnection(gateway.port);
    connection.send(head('', path, method).replace(/Content-Type.*\r\n/, ''));
    expect(statusOf(await connection.readMessage({ kind: 'response', toHead: method === 'HEAD' }))).toBe(status);
    vi.advanceTimersByTime(2 * DEFAULT_INBOUND_LIMITS.lingerMs);
    connection.send(head('', '/', 'GET'));
    expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(200);
    connection.close();
  });
});

describe('a request that two readers could read differently', () => {
  test.each([
    ['an ambiguous path', 'GET /anthropic/v1/files/../organizations HTTP/1.1\r\nHost: localhost\r\n\r\n', 400], ['a body on GET', 'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}', 400],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n', 400], ['a Host that is not ours', 'GET / HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n', 421],
    ['a page of another origin', 'GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://elsewhere.example\r\n\r\n', 403],
  ])('is the last one on its connection: %s', async (_name, bytes, status) => {
    const connection = await openRawConnection(gateway.port);
    connection.send(bytes);
    const refusal = await connection.readMessage({ kind: 'response' });
    expect([statusOf(refusal), fieldValues(refusal.rawHeaders, 'connection')]).toEqual([status, ['close']]);
    expect(await connection.closed()).toBe('fin');
  });

  test('a refused request: is counted and logged with its failure, on the side it was meant for', async () => {
    const line = 'penstock_requests_total{side="native",route="/anthropic/*",method="GET",status="421",outcome="client_error",fault="client",client="unauthenticated"}';
    const before = await gateway.series(line);
    const connection = await openRawConnection(gateway.port);
    connection.send('GET /anthropic/v1/models HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n');
    await connection.closed();
    await expect.poll(() => gateway.series(line)).toBe(before + 1);
    expect(gateway.logged.at(-1)).toMatchObject({ msg: 'request', side: 'native', method: 'GET', status: 421, failure: 'misdirected' });
  });

  test('is settled although its response waits behind another one when the connection dies', async () => {
    await using silent = await startScriptedUpstream(async (connection) => { await connection.nextRequest(); });
    await using waiting = await startTestGateway(silent.origin);
    const connection = await openRawConnection(waiting.port);
    connection.send('GET /anthropic/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expect.poll(() => silent.requests.length).toBe(1);
    connection.send('GET /anthropic/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expect.poll(() => connection.socket.writableLength).toBe(0);
    connection.close();
    await waiting.recorded(1);
    await expect.poll(() => waiting.logged.filter(({ status }) => status === 400)).toMatchObject([{ msg: 'request', failure: 'bad_request' }]);
  });
});

describe('framing of the gateway\'s own responses', () => {
  test('a HEAD request gets the length and no body', async () => {
    const connection = await openRawConnection(gateway.port);
    connection.send(`HEAD /anthropic/v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const response = await connection.readMessage({ kind: 'response', toHead: true });
    expect(statusOf(response)).toBe(404);
    expect(Number(fieldValues(response.rawHeaders, 'content-length')[0])).toBeGreaterThan(100);
    connection.send(head('', '/', 'GET'));
    expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(200);
    connection.close();
  });

  test('a request without any body is answered at once (Node emits no end)', async () => {
    const connection = await openRawConnection(gateway.port);
    connection.send(head('', '/anthropic/v1/messages'));
    const response = await connection.readMessage({ kind: 'response' }, 2_000);
    expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error')]).toEqual([400, ['bad_request']]);
    connection.close();
  });

  test('parser errors: an oversized request is counted with the status of its response (chunk extensions)', async () => {
    const connection = await openRawConnection(gateway.port);
    connection.send(head('Transfer-Encoding: chunked\r\n', '/anthropic/v1/messages'));
    connection.send(`2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`);
    const response = await connection.readMessage({ kind: 'response' });
    expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error')]).toEqual([413, ['too_large']]);
    expect(JSON.parse(response.body.toString())).toMatchObject({ type: 'error', error: { type: 'request_too_large' } });
    connection.close();
  });

  test('a refused head is answered whole although its body keeps coming', async () => {
    const connection = await openRawConnection(gateway.port);
    connection.send(`POST /anthropic/v1/messages HTTP/1.1\r\nBad Name: x\r\nContent-Length: 99999999\r\n\r\n`);
    await sendWhilePossible(connection.socket, 8);
    const response = await connection.readMessage({ kind: 'response' });
    expect([statusOf(response), response.complete]).toEqual([400, true]);
    connection.socket.end();
    expect(await connection.closed()).toBe('fin');
  });
});
