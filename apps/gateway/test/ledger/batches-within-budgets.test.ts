// A budget that stops holds for message batches: for compressed ones, and for many at once.
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { openSqliteDatabase, type SqlDatabase } from '@penstock/claude-code-gateway/store';
import { startScriptedUpstream, wholeResponse, type ScriptedConnection, type ScriptedUpstream } from '@penstock/test-support';
import { expect, test, vi } from 'vitest';
import { utcDayOf } from '../../src/ledger/ledger-entry.ts';
import { readUsage, type UsageRow } from '../../src/ledger/usage/read-usage.ts';
import { CLIENTS, KEYS } from '../access/budgets/budget-world.ts';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

const WAIT = { timeout: 60_000, interval: 20 };
const PATH = '/anthropic/v1/messages/batches';
const BUDGETS = [{ scope: { client: 'capped' }, share: 'each', period: 'monthly', amount_cents: 100 }];

const batchOf = (requests: number, maxTokens: number, content: string): string => JSON.stringify({
  requests: Array.from({ length: requests }, (_, index) => ({ custom_id: `r${index}`, params: { model: 'claude-haiku-4-5', max_tokens: maxTokens, messages: [{ role: 'user', content }] } })),
});
const madeAnswer = (requests: number): Buffer => wholeResponse(200, ['content-type', 'application/json'], JSON.stringify({ id: 'msgbatch_1', type: 'message_batch', request_counts: { processing: requests, succeeded: 0 } }));

async function startGateway(upstream: ScriptedUpstream, database: SqlDatabase): Promise<TestGateway> {
  return startTestGateway(upstream.origin, { clients: CLIENTS.map((client) => ({ ...client, routes: ['messages', 'batches'] })), budgets: BUDGETS, state: { flush_interval: 0.1 } }, {
    database: { run: (statements) => database.run(statements), close: () => Promise.resolve() },
  });
}

function ask(gateway: TestGateway, client: keyof typeof KEYS, body: RequestInit['body'], headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(gateway.origin + PATH, { method: 'POST', body: body ?? null, headers: { authorization: `Bearer ${KEYS[client]}`, 'content-type': 'application/json', ...headers } });
}

async function clientRows(database: SqlDatabase): Promise<readonly Partial<UsageRow>[]> {
  const today = utcDayOf(Date.now());
  return (await readUsage(database, { by: 'client', sinceDay: today - 1, untilDay: today })).rows;
}

test('a compressed batch of a caller with a budget that stops is refused before anything is sent, and one of another caller keeps its estimate', async () => {
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connection.send(madeAnswer(100));
  });
  const database = openSqliteDatabase(':memory:');
  const gateway = await startGateway(upstream, database);
  const plain = batchOf(100, 32_000, 'x'.repeat(400));
  const small = gzipSync(plain);
  const refused = await ask(gateway, 'capped', small, { 'content-encoding': 'gzip' });
  expect([refused.status, refused.headers.get('accept-encoding'), await refused.json()]).toMatchObject([415, 'identity', { type: 'error', error: { type: 'invalid_request_error' } }]);
  const whole = await ask(gateway, 'capped', plain);
  expect([whole.status, await whole.json()]).toMatchObject([429, { error: { type: 'billing_error' } }]);
  expect(upstream.requests).toEqual([]);
  const free = await ask(gateway, 'free', small, { 'content-encoding': 'gzip' });
  expect([free.status, await free.json()]).toMatchObject([200, { id: 'msgbatch_1' }]);
  await gateway.drain();
  expect(await clientRows(database)).toMatchObject([{ name: 'free', requests: 1, estimated_requests: 1 }]);
});

/** Sends a batch of which the last byte waits, and resolves to the status. */
async function upload(gateway: TestGateway, body: string, isChunked: boolean, allSent: Promise<void>): Promise<number> {
  const framing = isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length };
  const sent = request(gateway.origin + PATH, { method: 'POST', agent: false, headers: { authorization: `Bearer ${KEYS.capped}`, 'content-type': 'application/json', ...framing } });
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  // A refusal may come before the last byte was sent.
  sent.on('error', () => undefined);
  sent.write(body.slice(0, -1));
  await allSent;
  sent.end(body.slice(-1));
  const [response] = await answered;
  response.resume();
  return response.statusCode ?? 0;
}

/** $0.625 for a quarter of the bound, and its input: the half of $1 and $5 a million tokens. */
const BOUND = 1_000_000;
const costOf = (content: string): string => {
  const { params } = (JSON.parse(batchOf(1, BOUND, content)) as { requests: [{ params: object }] }).requests[0];
  return `0.${Math.ceil(JSON.stringify(params).length / 4) * 500 + 625_000_000}`;
};

/** An upstream that keeps the first batch waiting, and makes each later one. */
async function startWaitingUpstream(): Promise<{ readonly upstream: ScriptedUpstream; readonly refuse: () => void }> {
  let first: ScriptedConnection | undefined;
  const upstream = await startScriptedUpstream(async (connection) => {
    for (;;) {
      if (!(await connection.nextRequest(600_000)).complete) return;
      if (first === undefined) first = connection;
      else connection.send(madeAnswer(1));
    }
  });
  const body = JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message: 'no' } });
  return { upstream, refuse: () => { first?.send(wholeResponse(400, ['content-type', 'application/json'], body)); } };
}

test.each([
  { how: 'small', content: 'x', isChunked: false, isStreamed: false },
  { how: 'with a length', content: 'x'.repeat(100_000), isChunked: false, isStreamed: true },
  { how: 'chunked', content: 'x'.repeat(100_000), isChunked: true, isStreamed: true },
])('$how: of ten batches that end at once only the one passes that the budget has room for, and one that is not made costs nothing', async ({ content, isChunked, isStreamed }) => {
  const { upstream, refuse } = await startWaitingUpstream();
  const database = openSqliteDatabase(':memory:');
  const gateway = await startGateway(upstream, database);
  const body = batchOf(1, BOUND, content);
  const statuses: number[] = [];
  // A body that is gathered reaches the upstream when it is whole.
  const allSent = isStreamed ? vi.waitUntil(() => gateway.metrics.openRequests.native.size === 10, WAIT).then(() => undefined) : Promise.resolve();
  const asked = Array.from({ length: 10 }, async () => statuses.push(await upload(gateway, body, isChunked, allSent)));
  await vi.waitUntil(() => statuses.length + upstream.requests.length >= 10 || upstream.requests.length > 1, WAIT);
  expect([statuses, upstream.requests.length]).toEqual([Array.from({ length: 9 }, () => 429), 1]);
  refuse();
  await Promise.all(asked);
  expect(statuses.at(-1)).toBe(400);
  await vi.waitUntil(() => gateway.logged.filter(({ msg }) => msg === 'request').length === 10, WAIT);
  const later: number[] = [];
  for (let made = 0; made < 2; made += 1) {
    later.push(await upload(gateway, body, isChunked, Promise.resolve()));
    await vi.waitUntil(() => gateway.logged.filter(({ msg }) => msg === 'request').length === 11 + made, WAIT);
  }
  expect(later).toEqual([200, 429]);
  await gateway.drain();
  expect(await clientRows(database)).toMatchObject([{ name: 'capped', requests: 1, estimated_requests: 1, cost_usd: costOf(content) }]);
  await upstream.close();
});

test('a batch that is being made counts in another process, and no longer when none was made', async () => {
  const { upstream, refuse } = await startWaitingUpstream();
  const database = openSqliteDatabase(':memory:');
  const [gateway, other] = [await startGateway(upstream, database), await startGateway(upstream, database)];
  const spent = async (): Promise<number> => {
    const answer = await fetch(`${other.anthropic}/api/oauth/usage`, { headers: { authorization: `Bearer ${KEYS.capped}` } });
    return ((await answer.json()) as { extra_usage: { used_credits: number } }).extra_usage.used_credits;
  };
  const body = batchOf(1, BOUND, 'x');
  const first = ask(gateway, 'capped', body);
  await vi.waitUntil(async () => await spent() > 60, WAIT);
  expect((await ask(other, 'capped', body)).status).toBe(429);
  refuse();
  expect((await first).status).toBe(400);
  await vi.waitUntil(async () => await spent() === 0, WAIT);
  expect((await ask(other, 'capped', body)).status).toBe(200);
  await Promise.all([gateway.drain(), other.drain()]);
  expect(await clientRows(database)).toMatchObject([{ name: 'capped', requests: 1, estimated_requests: 1, cost_usd: costOf('x') }]);
  await upstream.close();
});
