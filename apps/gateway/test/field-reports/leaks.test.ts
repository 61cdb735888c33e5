// Field reports, group F: pools, aborts, leaks.
import { createHash } from 'node:crypto';
import { answerAlways, openRawConnection, startScriptedUpstream, statusOf, wholeResponse, type ConnectionScript, type RawConnection } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { startTestGateway, TEST_KEY, type TestGateway } from '../start-test-gateway.ts';
import { ask, chunk, JSON_TYPE, requestBytes, STREAM_BODY, STREAM_HEAD } from './native-request.ts';

const POOL = { max_connections: 5, max_keepalive_connections: 2, max_waiting: 3 };
const PING = chunk('event: ping\ndata: {"type": "ping"}\n\n');

/** Where the upstream is when the client leaves. */
const PLACES: Readonly<Record<string, ConnectionScript>> = {
  'before the head': async (connection) => { await connection.nextRequest(); },
  'within a stream': async (connection) => {
    await connection.nextRequest();
    connection.send(Buffer.concat([Buffer.from(STREAM_HEAD), PING]));
  },
  'within a whole answer': async (connection) => {
    await connection.nextRequest();
    connection.send('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"half":');
  },
};

async function poolOf(gateway: TestGateway): Promise<Record<string, number>> {
  return (await (await fetch(`${gateway.anthropic}/health`)).json() as { upstream: Record<string, number> }).upstream;
}

async function openRequests(gateway: TestGateway, count: number, body: string): Promise<RawConnection[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => openRawConnection(gateway.port)));
  for (const client of clients) client.send(requestBytes({ body }));
  return clients;
}

describe('clients that leave, streaming or not, leave nothing behind', () => {
  test.each(Object.keys(PLACES))('%s: after ten rounds of a full pool every slot, socket and waiter is back (FR-85 to FR-90, FR-95, FR-99, FR-100)', async (place) => {
    await using upstream = await startScriptedUpstream(PLACES[place] as ConnectionScript);
    await using gateway = await startTestGateway(upstream.origin, { anthropic_native: { pool: POOL } });
    for (let round = 1; round <= 10; round += 1) {
      const body = round % 2 === 0 ? STREAM_BODY : '{"model":"m"}';
      const clients = await openRequests(gateway, POOL.max_connections, body);
      await expect.poll(() => upstream.requests.length).toBe(round * POOL.max_connections);
      for (const client of clients) client.close();
      await gateway.recorded(round * POOL.max_connections);
      await expect.poll(() => upstream.openConnections()).toBe(0);
    }
    expect(await poolOf(gateway)).toMatchObject({ open: 0, active: 0, idle: 0, connecting: 0, waiting: 0 });
    expect(await gateway.sum('penstock_requests_in_flight{side="native"}')).toBe(0);
    expect(new Set((await gateway.recorded(1)).map(({ outcome }) => outcome))).toEqual(new Set(['client_gone']));
    expect(upstream.peakConnections()).toBe(POOL.max_connections);
  });
});

test('a pool that is full makes others wait in a bounded queue, sheds the rest at once, and shows all of it (FR-91, FR-92, FR-93, FR-96, FR-97)', async () => {
  await using upstream = await startScriptedUpstream(PLACES['before the head'] as ConnectionScript);
  await using gateway = await startTestGateway(upstream.origin, { anthropic_native: { pool: POOL, timeouts: { slot_wait: 4 } } });
  const holders = await openRequests(gateway, POOL.max_connections, '{}');
  await expect.poll(() => upstream.requests.length).toBe(POOL.max_connections);
  const waiters = await openRequests(gateway, POOL.max_waiting, '{}');
  await expect.poll(async () => (await poolOf(gateway))['waiting']).toBe(POOL.max_waiting);
  // Not after a wait: its reason is `queue_full`, below, and not `timeout`.
  expect(statusOf(await ask(gateway.port, { body: '{}' }))).toBe(429);
  for (const waiter of waiters) expect(statusOf(await waiter.readMessage({ kind: 'response' }))).toBe(429);
  const pool = `upstream="native",origin="${upstream.origin}"`;
  expect(await gateway.series(`penstock_upstream_pool_max_connections{${pool}}`)).toBe(POOL.max_connections);
  expect(await gateway.series(`penstock_upstream_pool_rejections_total{${pool},reason="queue_full"}`)).toBe(1);
  expect(await gateway.series(`penstock_upstream_pool_rejections_total{${pool},reason="timeout"}`)).toBe(POOL.max_waiting);
  // The pool is not starved for ever: when its holders leave, the next request gets through.
  for (const holder of holders) holder.close();
  await gateway.recorded(POOL.max_connections + POOL.max_waiting + 1);
  const [next] = await openRequests(gateway, 1, '{}');
  await expect.poll(() => upstream.requests.length).toBe(POOL.max_connections + 1);
  next?.close();
});

test('a client\'s place is given back however its request ends: 30 requests through a limit of one (FR-108)', async () => {
  const key = `pen_${'f'.repeat(43)}`;
  let turn = 0;
  await using upstream = await startScriptedUpstream(async (connection) => {
    while (connection.end() === 'open') {
      await connection.nextRequest();
      turn += 1;
      if (turn % 3 === 0) connection.reset();
      else if (turn % 3 === 1) connection.send(Buffer.concat([Buffer.from(STREAM_HEAD), PING]));
      else connection.send(wholeResponse(529, ['content-type', 'application/json'], '{}'));
    }
  });
  await using gateway = await startTestGateway(upstream.origin, {
    clients: [{ name: 'one', key_sha256: createHash('sha256').update(key).digest('hex'), limits: { concurrent_requests: 1 } }],
  });
  const statuses: number[] = [];
  for (let round = 1; round <= 30; round += 1) {
    const client = await openRawConnection(gateway.port);
    client.send(requestBytes({ fields: `${JSON_TYPE}x-api-key: ${key}\r\n`, body: STREAM_BODY }));
    // A stream is left in its middle, anything else is read to its end.
    const head = await client.waitFor((unread) => unread.includes('\r\n\r\n'));
    statuses.push(Number(head.toString('latin1').split(' ')[1]));
    client.close();
    await gateway.recorded(round);
  }
  expect(statuses).toEqual(Array.from({ length: 10 }, () => [200, 529, 502]).flat());
});

test('100 reloads leave no listener, timer, socket or series behind (FR-105)', async () => {
  await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}')));
  await using gateway = await startTestGateway(upstream.origin);
  const maxConnectionsOf = (round: number): number => 5 + (round % 7);
  const configOf = (round: number): ReturnType<typeof gatewayConfigSchema.parse> => gatewayConfigSchema.parse({
    server: { port: 0 },
    anthropic_native: { base_url: upstream.origin, api_key: `${TEST_KEY}-${round % 2}`, pool: { max_connections: maxConnectionsOf(round) } },
  });
  const seriesCount = async (): Promise<number> => (await gateway.metrics.registry.metrics()).split('\n').filter((line) => line.startsWith('penstock_')).length;
  const reload = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      gateway.update(configOf(round));
      expect(statusOf(await ask(gateway.port, { body: '{}' }))).toBe(200);
    }
  };
  await reload(10);
  const before = { series: await seriesCount(), resources: process.getActiveResourcesInfo().length };
  await reload(100);
  expect(await seriesCount()).toBe(before.series);
  // A few sockets more or fewer may be closing at this moment.
  await expect.poll(() => process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before.resources + 5);
  // Idle connections rest between answers, so that several serve in turn: at most those of the last configuration's pool.
  expect(upstream.openConnections()).toBeLessThanOrEqual(maxConnectionsOf(99));
});
