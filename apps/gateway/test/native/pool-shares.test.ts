import { createHash } from 'node:crypto';
import { openRawConnection, startScriptedUpstream, statusOf, wholeResponse, type RawConnection, type ScriptedUpstream } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

const sha256 = (key: string): string => createHash('sha256').update(key).digest('hex');
const CLIENTS = ['one', 'two'].map((name) => ({ name, key_sha256: sha256(`key-${name}`), routes: ['messages', 'files', 'agents', 'front_door'] }));
const EVENT_STREAM = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';

/** Event streams stay open, everything else is answered. */
function startUpstream(): Promise<ScriptedUpstream> {
  return startScriptedUpstream(async (connection) => {
    while (connection.end() === 'open') {
      const head = await connection.waitFor((unread) => unread.includes('\r\n\r\n'), 60_000);
      if (/^GET .*(?:stream|poll)/.test(head.toString('latin1'))) {
        connection.send(EVENT_STREAM);
        await connection.closed();
        return;
      }
      const request = await connection.nextRequest(60_000);
      if (!request.complete) return;
      connection.send(wholeResponse(200, ['content-type', 'application/json'], '{}'));
    }
  });
}

/** Sends one request with a client's key, whose body may be unfinished. */
async function open(gateway: TestGateway, client: string, line: string, length?: number, body = ''): Promise<RawConnection> {
  const connection = await openRawConnection(gateway.port);
  const framing = length === undefined ? '' : `content-type: application/json\r\ncontent-length: ${length}\r\n`;
  connection.send(`${line} HTTP/1.1\r\nhost: localhost\r\nx-api-key: key-${client}\r\n${framing}\r\n${body}`);
  return connection;
}

async function statusFor(gateway: TestGateway, client: string, line: string, body?: string): Promise<number | undefined> {
  const connection = await open(gateway, client, line, body?.length, body);
  const response = await connection.readMessage({ kind: 'response' });
  connection.close();
  return statusOf(response);
}

const MESSAGE = ['POST /anthropic/v1/messages', '{"model":"m"}'] as const;
const UPLOAD = 'POST /anthropic/v1/files';
const UPLOAD_BYTES = 400_000_000;

const poolOf = async (gateway: TestGateway): Promise<Record<string, number>> =>
  (await (await fetch(`${gateway.anthropic}/health`)).json() as { upstream: Record<string, number> }).upstream;

describe('a slot that is held for long', () => {
  test('slow uploads hold their part of the pool, and messages of others pass them', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startTestGateway(upstream.origin, { clients: CLIENTS, anthropic_native: { pool: { max_connections: 4, long_lived_share: 0.5 } } });
    const uploads = await Promise.all(Array.from({ length: 6 }, () => open(gateway, 'one', UPLOAD, UPLOAD_BYTES, 'half')));
    await expect.poll(async () => await poolOf(gateway)).toMatchObject({ active: 2, waiting: 4, long_lived: 2, max_long_lived: 2 });
    for (let round = 0; round < 5; round += 1) expect(await statusFor(gateway, 'two', ...MESSAGE)).toBe(200);
    for (const upload of uploads) upload.close();
    await expect.poll(async () => await poolOf(gateway)).toMatchObject({ active: 0, waiting: 0, long_lived: 0 });
  });

  test('event streams of sessions and long polls hold theirs, and what is said to the session passes them', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startTestGateway(upstream.origin, {
      clients: CLIENTS, anthropic_native: { route_groups: ['messages', 'agents'], pool: { max_connections: 6, long_lived_share: 0.5 }, timeouts: { slot_wait: 0.3 } },
    });
    const paths = ['sessions/s/events/stream', 'sessions/s/threads/t/stream', 'environments/e/work/poll'];
    const streams = await Promise.all(paths.map((path) => open(gateway, 'one', `GET /anthropic/v1/${path}`)));
    for (const stream of streams) await stream.waitFor((unread) => unread.includes('text/event-stream'));
    expect(await poolOf(gateway)).toMatchObject({ active: 3, long_lived: 3 });
    expect(await statusFor(gateway, 'two', 'GET /anthropic/v1/sessions/s/events/stream')).toBe(429);
    expect(await statusFor(gateway, 'one', ...MESSAGE)).toBe(200);
    expect(await statusFor(gateway, 'one', 'POST /anthropic/v1/sessions/s/events', '{"events":[]}')).toBe(200);
    for (const stream of streams) stream.close();
    await expect.poll(async () => (await poolOf(gateway))['long_lived']).toBe(0);
  });

  test('a small upload has a slot only when it is there (a slow client holds none)', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startTestGateway(upstream.origin, { clients: CLIENTS });
    const upload = await open(gateway, 'one', UPLOAD, 8, 'half');
    await expect.poll(async () => gateway.sum('penstock_requests_in_flight{side="native"}')).toBe(1);
    expect(await poolOf(gateway)).toMatchObject({ active: 0, connecting: 0, waiting: 0 });
    upload.send('half');
    expect(statusOf(await upload.readMessage({ kind: 'response' }))).toBe(200);
    expect(upstream.requests[0]?.body.toString()).toBe('halfhalf');
  });
});

test('a session that is silent has a clock of its own, longer than that of other answers', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startTestGateway(upstream.origin, {
    clients: CLIENTS, anthropic_native: { route_groups: ['messages', 'agents'], timeouts: { idle: 0.2, session_idle: 60 } },
  });
  const session = await open(gateway, 'one', 'GET /anthropic/v1/sessions/s/events/stream');
  await session.waitFor((unread) => unread.includes('text/event-stream'));
  // Any other answer that began after it is cut before.
  const other = await open(gateway, 'one', 'GET /anthropic/v1/sessions/s/other-stream');
  await other.closed();
  expect(session.end()).toBe('open');
  upstream.connections[0]?.send('f\r\ndata: {"a":1}\n\n\r\n0\r\n\r\n');
  expect((await session.readMessage({ kind: 'response' })).body.toString()).toBe('data: {"a":1}\n\n');
});

test('the slot that becomes free is the turn of the client that holds none', async () => {
  await using upstream = await startScriptedUpstream(async (connection) => {
    while (connection.end() === 'open') {
      const request = await connection.nextRequest(60_000);
      if (!request.complete) return;
      await answers.next();
      connection.send(wholeResponse(200, ['content-type', 'application/json'], '{}'));
    }
  });
  const gates: (() => void)[] = [];
  const answers = { next: () => new Promise<void>((resolve) => { gates.push(resolve); }) };
  await using gateway = await startTestGateway(upstream.origin, { clients: CLIENTS, anthropic_native: { pool: { max_connections: 2 } } });
  const asked = (client: string): Promise<number | undefined> => statusFor(gateway, client, MESSAGE[0], `{"model":"${client}"}`);
  const greedy = Array.from({ length: 6 }, () => asked('one'));
  await expect.poll(async () => await poolOf(gateway)).toMatchObject({ active: 2, waiting: 4 });
  const modest = asked('two');
  await expect.poll(async () => (await poolOf(gateway))['waiting']).toBe(5);
  gates.shift()?.();
  await expect.poll(() => upstream.requests.length).toBe(3);
  expect(upstream.requests[2]?.body.toString()).toBe('{"model":"two"}');
  for (let answered = 1; answered < 7; answered += 1) {
    await expect.poll(() => gates.length).toBeGreaterThan(0);
    gates.shift()?.();
  }
  expect(await Promise.all([...greedy, modest])).toEqual(Array.from({ length: 7 }, () => 200));
});
