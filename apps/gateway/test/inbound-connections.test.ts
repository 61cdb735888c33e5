// The places of the main listener: which connection gives way when all are taken, and how long an idle one is kept.
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { createAuthority, fieldValues, openRawConnection, startScriptedUpstream, statusOf, wholeResponse, wrapSocket, type RawConnection, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashClientKey } from '../src/access/clients/client-key.ts';
import { startTestGateway, type TestGateway } from './start-test-gateway.ts';

const KEY = `pen_${'k'.repeat(43)}`;
const CLIENTS = [{ name: 'alice', key_sha256: hashClientKey(KEY) }];
const INDEX = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const MODELS = `GET /anthropic/v1/models HTTP/1.1\r\nHost: localhost\r\nx-api-key: ${KEY}\r\n\r\n`;
/** The upstream never answers it: its request stays open. */
const HELD = MODELS.replace('models', 'models/held');

let upstream: ScriptedUpstream;
beforeAll(async () => {
  upstream = await startScriptedUpstream(async (connection) => {
    for (;;) {
      const request = await connection.nextRequest();
      if (!request.startLine.includes('held')) connection.send(wholeResponse(200, ['content-type', 'application/json'], '{}'));
    }
  });
});
afterAll(() => upstream.close());

async function ask(connection: RawConnection, request: string): Promise<WireMessage> {
  connection.send(request);
  return connection.readMessage({ kind: 'response' });
}

async function hold(connection: RawConnection): Promise<void> {
  const before = upstream.requests.length;
  connection.send(HELD);
  await expect.poll(() => upstream.requests.length).toBe(before + 1);
}

const open = (gateway: TestGateway): Promise<RawConnection> => openRawConnection(gateway.port);

test('a full listener closes the connection that was idle for the longest time, those without a key first, and never one with an open request', async () => {
  await using gateway = await startTestGateway(upstream.origin, { server: { max_connections: 4 }, clients: CLIENTS });
  const busy = await open(gateway);
  await hold(busy);
  const keyed = await open(gateway);
  expect(statusOf(await ask(keyed, MODELS))).toBe(200);
  const silent = await open(gateway);
  const stranger = await open(gateway);
  expect(statusOf(await ask(stranger, INDEX))).toBe(200);

  const first = await open(gateway);
  await silent.closed();
  first.send('GET / HTTP/1.1\r\nHost: loc');
  const second = await open(gateway);
  await stranger.closed();
  const third = await open(gateway);
  await first.closed();
  expect([busy, keyed, second, third].map((connection) => connection.end())).toEqual(['open', 'open', 'open', 'open']);

  // No stranger is left but the one that comes next.
  await hold(second);
  await hold(third);
  const fourth = await open(gateway);
  await keyed.closed();
  await hold(fourth);
  const refused = await open(gateway);
  await refused.closed();
  expect([busy, second, third, fourth].map((connection) => connection.end())).toEqual(['open', 'open', 'open', 'open']);
  expect(await gateway.series('penstock_inbound_connections_evicted_total')).toBe(4);
  expect(await gateway.series('penstock_inbound_connections_refused_total')).toBe(1);
  expect(gateway.logged.filter(({ max_connections: limit }) => limit === 4)).toMatchObject([{ level: 40, closed_idle: 1, refused: 0 }]);
  for (const connection of [busy, second, third, fourth]) connection.close();
});

test('a connection that answered again after another one is idle for a shorter time', async () => {
  await using gateway = await startTestGateway(upstream.origin, { server: { max_connections: 2 }, clients: CLIENTS });
  const [older, newer] = [await open(gateway), await open(gateway)];
  for (const connection of [older, newer, older]) expect(statusOf(await ask(connection, MODELS))).toBe(200);
  const third = await open(gateway);
  await newer.closed();
  expect(statusOf(await ask(older, MODELS))).toBe(200);
  for (const connection of [older, third]) connection.close();
});

test.each([
  ['silent', ''], ['with a head that never ends', 'GET / HTTP/1.1\r\nX: '], ['with one answered request', INDEX],
  ['with a body that never comes behind a refusal', 'POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n'],
  ['lingering behind a refusal', 'POST /anthropic/v1/messages HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n'],
])('twice as many keyless connections as there are places, %s, keep no client with a key out', async (_name, begin) => {
  await using gateway = await startTestGateway(upstream.origin, { server: { max_connections: 20 }, clients: CLIENTS });
  const keyless: RawConnection[] = [];
  const statuses: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    for (let index = 0; index < 10; index += 1) {
      const connection = await open(gateway);
      if (begin !== '') connection.send(begin);
      keyless.push(connection);
    }
    const client = await open(gateway);
    statuses.push(statusOf(await ask(client, MODELS)), statusOf(await ask(client, MODELS)));
    client.close();
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 200, 200]);
  expect(await gateway.series('penstock_inbound_connections_refused_total')).toBe(0);
  for (const connection of keyless) connection.close();
});

test('under TLS a connection gives way before its handshake and behind it, and not while a request is open', async () => {
  const authority = createAuthority('Test Authority');
  await using gateway = await startTestGateway(upstream.origin, { server: { max_connections: 2, tls: authority.issue({ names: ['localhost'] }) }, clients: CLIENTS });
  const secure = async (): Promise<RawConnection> => {
    const socket = connectTls({ port: gateway.port, host: '127.0.0.1', servername: 'localhost', ca: authority.cert });
    await once(socket, 'secureConnect');
    return wrapSocket(socket);
  };
  const handshaking = await openRawConnection(gateway.port);
  const idle = await secure();
  expect(statusOf(await ask(idle, INDEX))).toBe(200);
  const first = await secure();
  await handshaking.closed();
  const second = await secure();
  await idle.closed();
  expect(statusOf(await ask(first, MODELS))).toBe(200);
  expect(statusOf(await ask(second, MODELS))).toBe(200);
  expect(await gateway.series('penstock_inbound_connections_evicted_total')).toBe(2);

  // With an open request it keeps its place, whatever comes.
  await hold(first);
  for (let index = 0; index < 3; index += 1) expect(statusOf(await ask(await secure(), INDEX))).toBe(200);
  await second.closed();
  expect(first.end()).toBe('open');
  first.close();
});

describe('an idle connection', () => {
  const keepAliveOf = (response: WireMessage): string[] => fieldValues(response.rawHeaders, 'keep-alive');

  test('is kept for server.keep_alive_timeout once a request on it was authenticated, on either side, and for the shorter time before', async () => {
    await using gateway = await startTestGateway(upstream.origin, { server: { keep_alive_timeout: 610, unauthenticated_keep_alive_timeout: 7 }, clients: CLIENTS });
    const connection = await open(gateway);
    const other = await open(gateway);
    const frontDoor = `GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${KEY}\r\n\r\n`;
    expect(keepAliveOf(await ask(connection, INDEX))).toEqual(['timeout=7']);
    expect(keepAliveOf(await ask(connection, MODELS.replace(KEY, 'wrong')))).toEqual(['timeout=7']);
    expect(keepAliveOf(await ask(connection, MODELS))).toEqual(['timeout=610']);
    expect(keepAliveOf(await ask(connection, INDEX))).toEqual(['timeout=610']);
    expect(keepAliveOf(await ask(other, frontDoor))).toEqual(['timeout=610']);
    for (const each of [connection, other]) each.close();
  });

  test('is kept for 75 seconds and 5 unless configured, and for the longer time where callers need no key', async () => {
    await using gateway = await startTestGateway(upstream.origin, { clients: CLIENTS });
    await using anonymous = await startTestGateway(upstream.origin);
    const [keyed, caller] = [await open(gateway), await open(anonymous)];
    expect(keepAliveOf(await ask(keyed, INDEX))).toEqual(['timeout=5']);
    expect(keepAliveOf(await ask(keyed, MODELS))).toEqual(['timeout=75']);
    expect(keepAliveOf(await ask(caller, MODELS))).toEqual(['timeout=75']);
    for (const each of [keyed, caller]) each.close();
  });

  test('of a trusted proxy is kept for the longer time from its first request (it closes before we do, whatever it asked so far)', async () => {
    await using gateway = await startTestGateway(upstream.origin, { server: { trusted_proxies: ['127.0.0.0/8'] }, clients: CLIENTS });
    const proxy = await open(gateway);
    expect(keepAliveOf(await ask(proxy, INDEX))).toEqual(['timeout=75']);
    proxy.close();
  });

  test('is closed behind its time, the one without a key before the one with a key', async () => {
    await using gateway = await startTestGateway(upstream.origin, { server: { unauthenticated_keep_alive_timeout: 0.1 }, clients: CLIENTS });
    const [keyed, keyless] = [await open(gateway), await open(gateway)];
    expect(statusOf(await ask(keyed, MODELS))).toBe(200);
    expect(statusOf(await ask(keyless, INDEX))).toBe(200);
    await keyless.closed();
    expect(statusOf(await ask(keyed, MODELS))).toBe(200);
    keyed.close();
  });
});

test.each([1.005, 0.0001])('an idle time of %d s, which is no whole number of milliseconds, does not keep the listener from starting', async (seconds) => {
  await using gateway = await startTestGateway(upstream.origin, { server: { keep_alive_timeout: seconds, unauthenticated_keep_alive_timeout: seconds } });
  expect(gateway.port).toBeGreaterThan(0);
});
