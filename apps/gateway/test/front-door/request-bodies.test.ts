import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { fieldValues, openRawConnection, startScriptedUpstream, statusOf, type RawConnection, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

const BODY_MS = 400;
const LINGER_MS = 600;
/** A busy machine fires timers late; the product's own clocks, which these replace, are of 30 seconds each. */
const LATE_MS = 20_000;
const BUDGET = 1_048_576;

let simulator: Simulator;
let origin: ScriptedUpstream;
let gateway: TestGateway;

const settings = (): Record<string, unknown> => ({
  openai_front_door: {
    backends: [{ name: 'claude', kind: 'anthropic', base_url: simulator.origin, api_key: 'k' }, { name: 'other', kind: 'openai', base_url: `${origin.origin}/v1`, api_key: 'k' }],
    models: [{ model: 'sim-*', backend: 'claude' }, { model: '*', backend: 'other' }], max_buffered_bytes: BUDGET, pool: { max_connections: 50 },
  },
});

beforeAll(async () => {
  simulator = await startSimulator();
  // An origin that reads whatever it is sent and never answers.
  origin = await startScriptedUpstream(async (connection) => { await connection.closed(); });
  gateway = await startTestGateway(simulator.origin, settings(), { inboundLimits: { bodyStepTimeoutMs: BODY_MS, bodyStepBytes: 16 * 1024, lingerIdleMs: 200, lingerMs: LINGER_MS } });
});

afterAll(async () => {
  await gateway.close();
  await simulator.close();
  await origin.close();
});

const JSON_POST = 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
const UPLOAD = 'POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n';

/** Sends one byte at a time until the gateway closes. */
function trickle(connection: RawConnection, byte: string): void {
  const timer = setInterval(() => { if (connection.socket.writable) connection.send(byte); }, 40);
  connection.socket.once('close', () => { clearInterval(timer); });
}

const readResponse = (connection: RawConnection): Promise<WireMessage> => connection.readMessage({ kind: 'response' });

describe('a client that sends its body slowly is told 408 and closed (it would hold a connection for ever)', () => {
  test.concurrent.each([
    ['one byte at a time', `${JSON_POST}Content-Length: 1000\r\n\r\n{"`, 'a'],
    ['and stops', `${JSON_POST}Content-Length: 1000\r\n\r\n{"`, ''],
    ['and never begins', `${JSON_POST}Content-Length: 33554432\r\n\r\n`, ''],
    ['in chunks of one byte', `${JSON_POST}Transfer-Encoding: chunked\r\n\r\n2\r\n{"\r\n`, '1\r\na\r\n'],
    ['after 100-continue', `${JSON_POST}Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n`, ''],
    ['in an upload that stops', `${UPLOAD}Content-Length: 100000\r\n\r\nhalf`, ''],
    ['in an upload one byte at a time', `${UPLOAD}Content-Length: 100000\r\n\r\nhalf`, 'x'],
  ])('%s', async (_name, begin, rest) => {
    const connection = await openRawConnection(gateway.port);
    const startedAt = performance.now();
    connection.send(begin);
    if (rest !== '') trickle(connection, rest);
    if (begin.includes('Expect')) expect(statusOf(await readResponse(connection))).toBe(100);
    const response = await readResponse(connection);
    expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error'), fieldValues(response.rawHeaders, 'connection')]).toEqual([408, ['request_timeout'], ['close']]);
    expect(JSON.parse(response.body.toString())).toMatchObject({ error: { type: 'timeout_error', param: null, code: 'request_timeout' } });
    expect(performance.now() - startedAt).toBeGreaterThan(BODY_MS * 0.9);
    await connection.closed();
    expect(performance.now() - startedAt).toBeLessThan(BODY_MS + LINGER_MS + LATE_MS);
  });
});

test.each([
  ['an unknown path', 'POST /v1/messages-of-tomorrow HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n', 404],
  ['an unknown coding', 'POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Encoding: lzma\r\n', 415],
  ['a wrong media type', JSON_POST.replace('application/json', 'text/plain'), 415],
])('the rest of a body that was refused is thrown away for so long, and no longer (%s)', async (_name, head, status) => {
  const connection = await openRawConnection(gateway.port);
  const startedAt = performance.now();
  connection.send(`${head}Content-Length: 1000000\r\n\r\n`);
  trickle(connection, 'x');
  expect(statusOf(await readResponse(connection))).toBe(status);
  await connection.closed();
  expect(performance.now() - startedAt).toBeLessThan(LINGER_MS + LATE_MS);
});

test('a request without a body is answered', async () => {
  for (const head of [JSON_POST, UPLOAD.replace('/v1/files', '/v1/chat/completions')]) {
    const connection = await openRawConnection(gateway.port);
    connection.send(`${head}\r\n`);
    expect(statusOf(await readResponse(connection))).toBeGreaterThanOrEqual(400);
    connection.close();
  }
});

describe('the budget of request bytes', () => {
  // With the product's clocks: a body that waits for the next step of a test on a busy machine is not slow.
  let patient: TestGateway;
  beforeAll(async () => { patient = await startTestGateway(simulator.origin, settings()); });
  afterAll(async () => { await patient.close(); });

  const padded = (bytes: number, model: string): string => JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'x'.repeat(bytes) }] });
  const post = (body: string): string => `${JSON_POST}Content-Length: ${body.length}\r\n\r\n${body}`;

  test('is what the bodies under way hold together; more is refused with a hint, and what ends gives back (memory is flat however many come)', async () => {
    const half = post(padded(700_000, 'sim-text'));
    const first = await openRawConnection(patient.port);
    first.send(half.slice(0, -1));
    // The second is refused before it is whole; one that fits is taken beside the first.
    const second = await openRawConnection(patient.port);
    second.send(half.slice(0, -1));
    const refused = await readResponse(second);
    expect([statusOf(refused), fieldValues(refused.rawHeaders, 'retry-after'), fieldValues(refused.rawHeaders, 'x-should-retry')]).toEqual([429, ['1'], ['true']]);
    expect(refused.body.toString()).toContain('"code":"overloaded"');
    const third = await openRawConnection(patient.port);
    third.send(post(padded(1000, 'sim-text')));
    expect(statusOf(await readResponse(third))).toBe(200);
    first.send(half.slice(-1));
    expect(statusOf(await readResponse(first))).toBe(200);
    const fourth = await openRawConnection(patient.port);
    fourth.send(half);
    expect(statusOf(await readResponse(fourth))).toBe(200);
    for (const connection of [first, second, third, fourth]) connection.close();
  });

  test('is given back when the head of the answer is there, not when a stream ends', async () => {
    const streaming = await openRawConnection(patient.port);
    streaming.send(post(padded(700_000, 'sim-slow')));
    await streaming.waitFor((bytes) => bytes.includes('data: '));
    const next = await openRawConnection(patient.port);
    next.send(post(padded(700_000, 'sim-text')));
    expect(statusOf(await readResponse(next))).toBe(200);
    expect(streaming.end()).toBe('open');
    streaming.close();
    next.close();
  });
});
