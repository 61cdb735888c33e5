// A budget that stops holds for message batches: for compressed ones, and for many at once.
import { Buffer } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import { openSqliteDatabase, type SqlDatabase } from '@penstock/claude-code-gateway/store';
import { startScriptedUpstream, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { utcDayOf } from '../../src/ledger/ledger-entry.ts';
import { readUsage, type UsageRow } from '../../src/ledger/usage/read-usage.ts';
import { CLIENTS, KEYS } from '../access/budgets/budget-world.ts';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

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
