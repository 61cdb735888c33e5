import { freePort, startScriptedUpstream, type ScriptedUpstream } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import type { TestGateway } from '../start-test-gateway.ts';
import { ask, entriesFor, jsonAnswer, OVERLOADED, SERVED, startAnswering, startGroupGateway } from './two-upstreams.ts';

const REQUESTS = 40;
/** Of messages: the id that a test gave each. */
const idsAt = ({ requests }: Pick<ScriptedUpstream, 'requests'>): string[] => requests.map(({ body }) => (JSON.parse(body.toString()) as { metadata: { user_id: string } }).metadata.user_id);

/** Sends messages of different sessions, some at once; the statuses by the ids of the messages. */
async function sendAll(gateway: TestGateway, from = 0): Promise<ReadonlyMap<string, number>> {
  const statuses = new Map<string, number>();
  const one = async (id: string): Promise<void> => {
    const answer = await ask(gateway, { session: `session-${id}`, body: { model: 'claude-x', max_tokens: 1, metadata: { user_id: id }, messages: [] } });
    statuses.set(id, answer.status);
    await answer.arrayBuffer();
  };
  await one(String(from));
  await Promise.all(Array.from({ length: REQUESTS - 1 }, (_, index) => one(String(from + index + 1))));
  return statuses;
}

const withStatus = (statuses: ReadonlyMap<string, number>, wanted: number): number => [...statuses.values()].filter((status) => status === wanted).length;

test.each([
  ['exhausted (429)', jsonAnswer(429, '{}', ['retry-after', '60'])], ['overloaded (529)', OVERLOADED], ['revoked (401)', jsonAnswer(401, '{}')],
  ['without the model (403)', jsonAnswer(403, '{}')], ['out of service (503)', jsonAnswer(503, '{}')],
])('two keys, one %s: no client sees it, the key is asked once, and no message is served twice', async (_what, answer) => {
  await using first = await startAnswering(answer);
  await using second = await startAnswering();
  await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin]), { routing: { cool_down: [600, 600] } });
  const statuses = await sendAll(gateway);
  expect(withStatus(statuses, 200)).toBe(REQUESTS);
  expect(first.requests).toHaveLength(1);
  expect([idsAt(second).length, new Set(idsAt(second)).size]).toEqual([REQUESTS, REQUESTS]);
});

test('two keys, the host of one dead: no client sees it', async () => {
  await using second = await startAnswering();
  await using gateway = await startGroupGateway(entriesFor([`http://127.0.0.1:${await freePort()}`, second.origin]), { routing: { cool_down: [600, 600] } });
  expect(withStatus(await sendAll(gateway), 200)).toBe(REQUESTS);
  expect(new Set(idsAt(second)).size).toBe(REQUESTS);
  expect(await gateway.series('penstock_failovers_total{from="a",to="b",reason="not_sent"}')).toBe(1);
});

test('two keys, one slow: a message that may have run there has one clear error and is not sent again; all others are served by the other one', async () => {
  const taken: string[] = [];
  await using silent = await startScriptedUpstream(async (connection) => {
    const request = await connection.nextRequest(60_000);
    taken.push((JSON.parse(request.body.toString()) as { metadata: { user_id: string } }).metadata.user_id);
    await connection.closed();
  });
  await using second = await startAnswering();
  await using gateway = await startGroupGateway(entriesFor([silent.origin, second.origin], [{ timeouts: { message_headers: 0.2 } }, {}]), { routing: { cool_down: [600, 600] } });
  const statuses = await sendAll(gateway);
  const failed = [...statuses].filter(([, status]) => status === 504).map(([id]) => id);
  expect([failed, taken]).toEqual([['0'], ['0']]);
  expect(withStatus(statuses, 200)).toBe(REQUESTS - 1);
  expect(idsAt(second).toSorted((one, other) => Number(one) - Number(other))).toEqual(Array.from({ length: REQUESTS - 1 }, (_, index) => String(index + 1)));
});

test('two keys, one near the end of its quota by its own answers: sessions leave it before it refuses them', async () => {
  await using first = await startAnswering(jsonAnswer(200, '{}', ['anthropic-ratelimit-requests-limit', '1000', 'anthropic-ratelimit-requests-remaining', '5', 'anthropic-ratelimit-requests-reset', new Date(Date.now() + 3_000_000).toISOString()]));
  await using second = await startAnswering();
  await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin]));
  expect(withStatus(await sendAll(gateway), 200)).toBe(REQUESTS);
  expect([first.requests.length, second.requests.length]).toEqual([1, REQUESTS - 1]);
  expect(await gateway.sum('penstock_failovers_total{}')).toBe(0);
});

test('two keys, one overloaded for a while: it is asked by one probe at a time, and serves new sessions once it is well; those that moved stay', async () => {
  await using first = await startAnswering(OVERLOADED);
  await using second = await startAnswering();
  // With room for all at once, so that none is spilled.
  await using gateway = await startGroupGateway(entriesFor([first.origin, second.origin]), { pool: { max_connections: 100 }, routing: { cool_down: [0.001, 0.001] } });
  for (let round = 0; round < 5; round += 1) expect(withStatus(await sendAll(gateway, round * REQUESTS), 200)).toBe(REQUESTS);
  const refused = first.requests.length;
  expect(await gateway.series('penstock_failovers_total{from="a",to="b",reason="status_529"}')).toBe(refused);
  first.answer = SERVED;
  // Whichever request finds out first is a probe.
  await expect.poll(async () => {
    await sendAll(gateway, 1_000 * REQUESTS);
    return gateway.upstreams()[0]?.member?.state;
  }, { timeout: 60_000 }).toBe('well');
  const before = [first.requests.length, second.requests.length];
  expect(withStatus(await sendAll(gateway, 2_000 * REQUESTS), 200)).toBe(REQUESTS);
  expect([first.requests.length, second.requests.length]).toEqual([(before[0] ?? 0) + REQUESTS, before[1]]);
  expect(withStatus(await sendAll(gateway), 200)).toBe(REQUESTS);
  const stayed = second.requests.length - (before[1] ?? 0);
  expect(stayed).toBeGreaterThan(0);
});

test('a reload gives upstreams other weights while a stream is open: it ends whole, and new sessions follow the new weights', async () => {
  const finish = Promise.withResolvers<void>();
  await using streaming = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest(60_000);
    connection.send('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegun\r\n');
    await finish.promise;
    connection.send('6\r\n ended\r\n0\r\n\r\n');
  });
  await using second = await startAnswering();
  const entries = (first: number, other: number): readonly object[] => entriesFor([streaming.origin, second.origin], [{ tier: 0, weight: first }, { tier: 0, weight: other }]);
  await using gateway = await startGroupGateway(entries(1_000, 0.000_001));
  const open = await ask(gateway, { session: 'open' });
  gateway.update(gatewayConfigSchema.parse({ server: { port: 0 }, anthropic_native: { upstreams: entries(0.000_001, 1_000) } }));
  expect(withStatus(await sendAll(gateway), 200)).toBe(REQUESTS);
  expect(second.requests).toHaveLength(REQUESTS);
  finish.resolve();
  expect(await open.text()).toBe('begun ended');
});
