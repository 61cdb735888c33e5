import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fieldValues, openRawConnection, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { INBOUND_LIMITS } from '../../src/inbound/inbound-limits.ts';
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
    if (!socket.write(MIB)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
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

  test('that is short and announced can go on with its connection', async () => {
    const connection = await openRawConnection(gateway.port);
    connection.send(head('Content-Length: 60000\r\n'));
    const refusal = await connection.readMessage({ kind: 'response' });
    expect([statusOf(refusal), fieldValues(refusal.rawHeaders, 'connection')]).toEqual([404, ['keep-alive']]);
    connection.send(Buffer.alloc(60_000));
    connection.send(head('', '/', 'GET'));
    expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(200);
    connection.close();
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
    vi.advanceTimersByTime(2 * INBOUND_LIMITS.lingerMs);
    connection.send(head('', '/', 'GET'));
    expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(200);
    connection.close();
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

  test('a request without any body is answered at once (Node tells of no end)', async () => {
    const connection = await openRawConnection(gateway.port);
    connection.send(head('', '/anthropic/v1/messages'));
    const response = await connection.readMessage({ kind: 'response' }, 2_000);
    expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error')]).toEqual([400, ['bad_request']]);
    connection.close();
  });

  test('what the parser refuses is counted too large with the status it has (chunk extensions)', async () => {
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
