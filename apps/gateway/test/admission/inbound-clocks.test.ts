import { answerAlways, fieldValues, openRawConnection, startScriptedUpstream, statusOf, wholeResponse, type RawConnection, type ScriptedUpstream } from '@penstock/test-support';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

const HEADERS_MS = 400;
const BODY_MS = 400;
const CHECK_MS = 50;
const LINGER_MS = 200;

let upstream: ScriptedUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}')));
  gateway = await startTestGateway(upstream.origin, {}, {
    inboundLimits: { headersTimeoutMs: HEADERS_MS, connectionsCheckingIntervalMs: CHECK_MS, bodyStepTimeoutMs: BODY_MS, bodyStepBytes: 16 * 1024, lingerIdleMs: LINGER_MS },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

/** Sends one byte at a time until the gateway closes. */
function trickle(connection: RawConnection, byte: string, everyMs: number): void {
  const timer = setInterval(() => { if (connection.socket.writable) connection.send(byte); }, everyMs);
  connection.socket.once('close', () => clearInterval(timer));
}

async function expectTimeout(connection: RawConnection, startedAt: number, clockMs: number): Promise<void> {
  const response = await connection.readMessage({ kind: 'response' });
  expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error'), fieldValues(response.rawHeaders, 'connection')]).toEqual([408, ['request_timeout'], ['close']]);
  expect(JSON.parse(response.body.toString())).toMatchObject({ type: 'error', error: { type: 'timeout_error' } });
  const elapsed = performance.now() - startedAt;
  expect(elapsed).toBeGreaterThan(clockMs * 0.9);
  await connection.closed();
}

const POST = 'POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';

afterEach(() => { vi.useRealTimers(); });

describe('a slow client gets 408 after its clock, and its connection is closed', () => {
  test.concurrent.each([
    ['a head one byte at a time', 'GET /anthropic/v1/models HTTP/1.1\r\nX: ', 'a', HEADERS_MS],
    ['a head that stops', `${POST}Content-Le`, '', HEADERS_MS],
    ['a body one byte at a time', `${POST}Content-Length: 1000\r\n\r\n{"`, 'a', BODY_MS],
    ['a body that stops', `${POST}Content-Length: 1000\r\n\r\n{"`, '', BODY_MS],
    ['a body that never begins', `${POST}Content-Length: 33554432\r\n\r\n`, '', BODY_MS],
    ['a chunked body in chunks of one byte', `${POST}Transfer-Encoding: chunked\r\n\r\n2\r\n{"\r\n`, '1\r\na\r\n', BODY_MS],
    ['a body awaited with 100-continue', `${POST}Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n`, '', BODY_MS],
    ['an upload that stops', 'POST /anthropic/v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nhalf', '', BODY_MS],
    ['an upload one byte at a time', 'POST /anthropic/v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nhalf', 'x', BODY_MS],
  ])('%s', async (_name, begin, rest, clockMs) => {
    const connection = await openRawConnection(gateway.port);
    const startedAt = performance.now();
    connection.send(begin);
    if (rest !== '') trickle(connection, rest, 40);
    if (begin.includes('Expect')) expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(100);
    await expectTimeout(connection, startedAt, clockMs);
  });

  test.concurrent('a connection that sends nothing at all', async () => {
    const connection = await openRawConnection(gateway.port);
    const startedAt = performance.now();
    await connection.closed();
    expect(performance.now() - startedAt).toBeGreaterThan(HEADERS_MS * 0.9);
  });
});

test('nothing of a slow request reached the upstream as a whole request', () => {
  expect(upstream.requests).toEqual([]);
});

test('a body that moves by its step takes as long as it needs (a fixed time would cut legitimate uploads)', async () => {
  const connection = await openRawConnection(gateway.port);
  // A clock of the test's own: a busy machine may take a second from one step to the next.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const startedAt = performance.now();
  const steps = 10;
  const STEP_BYTES = 16_384;
  const untilRead = async (bytes: number): Promise<void> => {
    while (await gateway.series('penstock_buffered_bytes{side="native"}') < bytes) await new Promise(setImmediate);
  };
  connection.send(`${POST}Content-Length: ${2 + steps * STEP_BYTES}\r\n\r\n{`);
  await untilRead(1);
  for (let step = 1; step <= steps; step += 1) {
    vi.advanceTimersByTime(0.9 * BODY_MS);
    connection.send(' '.repeat(STEP_BYTES));
    await untilRead(1 + step * STEP_BYTES);
  }
  connection.send('}');
  expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(200);
  expect(performance.now() - startedAt).toBeGreaterThan(8 * BODY_MS);
  connection.close();
});
