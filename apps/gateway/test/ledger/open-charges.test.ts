// What flowed of a stream that is still open counts, and is replaced by the true amount at its end.
import { Buffer } from 'node:buffer';
import { openSqliteDatabase, type SqlDatabase } from '@penstock/claude-code-gateway/store';
import { startScriptedUpstream, type ScriptedConnection } from '@penstock/test-support';
import { expect, test, vi } from 'vitest';
import { createOpenCharges } from '../../src/ledger/open-charges.ts';
import { utcDayOf, type LedgerEntry } from '../../src/ledger/ledger-entry.ts';
import { readUsage, type UsageRow } from '../../src/ledger/usage/read-usage.ts';
import { CLIENTS, KEYS } from '../access/budgets/budget-world.ts';
import { startTestGateway } from '../start-test-gateway.ts';
import { madeEntry } from './made-entries.ts';

const WAIT = { timeout: 60_000, interval: 20 };
const MODEL = 'claude-haiku-4-5';
/** $1 and $5 a million tokens. */
const INPUT = 100;
const TEXT = 'word '.repeat(2_000);
const event = (name: string, data: object): string => {
  const frame = `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;
  return `${Buffer.byteLength(frame).toString(16)}\r\n${frame}\r\n`;
};
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const START = event('message_start', { message: { id: 'msg_1', type: 'message', role: 'assistant', model: MODEL, content: [], stop_reason: null, usage: { input_tokens: INPUT, output_tokens: 1 } } })
  + event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
const delta = (text: string): string => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
const end = (output: number): string => event('content_block_stop', { index: 0 }) + event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: output } }) + event('message_stop', {}) + '0\r\n\r\n';

async function clientRows(database: SqlDatabase): Promise<readonly Partial<UsageRow>[]> {
  const today = utcDayOf(Date.now());
  return (await readUsage(database, { by: 'client', sinceDay: today - 1, untilDay: today })).rows;
}

test.each([
  { side: 'native', path: '/anthropic/v1/messages' },
  { side: 'front_door', path: '/v1/chat/completions' },
  { side: 'front_door', path: '/v1/responses' },
])('$side, $path: a stream that passes a budget of one cent while it is open refuses the next request of its caller, and its end is charged exactly', async ({ path }) => {
  const connections: ScriptedConnection[] = [];
  await using upstream = await startScriptedUpstream(async (connection) => {
    await connection.nextRequest();
    connections.push(connection);
    connection.send(HEAD + START);
  });
  const database = openSqliteDatabase(':memory:');
  const gateway = await startTestGateway(upstream.origin, {
    clients: CLIENTS, budgets: [{ scope: { client: 'capped' }, share: 'each', period: 'monthly', amount_cents: 1 }],
  }, { database: { run: (statements) => database.run(statements), close: () => Promise.resolve() } });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEYS.capped}` };
  const ask = (): Promise<Response> => fetch(gateway.origin + path, {
    method: 'POST', headers, body: JSON.stringify({ model: MODEL, max_tokens: 32_000, stream: true, ...(path === '/v1/responses' ? { max_tokens: undefined, input: 'Hi' } : { messages: [{ role: 'user', content: 'Hi' }] }) }),
  });
  const spent = async (): Promise<number> => ((await (await fetch(`${gateway.anthropic}/api/oauth/usage`, { headers })).json()) as { extra_usage: { used_credits: number } }).extra_usage.used_credits;
  const opened = await ask();
  expect([opened.status, await spent()]).toEqual([200, 0]);
  const answer = opened.text();
  const [connection] = connections as [ScriptedConnection];
  // 10,000 bytes are 2,500 tokens of $5 a million: 1.25 cents.
  connection.send(delta(TEXT));
  await vi.waitUntil(async () => await spent() === 1, WAIT);
  const refused = await ask();
  expect([refused.status, connections.length, connection.end()]).toEqual([429, 1, 'open']);
  await refused.text();
  // What flowed is in the store, where other processes read it, although no request has ended.
  await vi.waitUntil(async () => (await clientRows(database))[0]?.cost_usd === '0.012600000', WAIT);
  expect(await clientRows(database)).toMatchObject([{ name: 'capped', requests: 0, output_tokens: 2_500 }]);
  connection.send(end(3_000));
  expect(await answer).toContain('word word');
  await gateway.drain();
  expect(await clientRows(database)).toMatchObject([{ name: 'capped', requests: 1, estimated_requests: 0, input_tokens: INPUT, output_tokens: 3_000, cost_usd: '0.015100000' }]);
});

const SCOPES = madeEntry(0n).scopes;

/** Charges of open requests that a test changes by hand. */
function made(intervalMs = 1): { readonly entries: LedgerEntry[]; readonly spender: { startedAt: number }; set(amount: bigint | undefined, model?: string): void; readonly charges: ReturnType<typeof createOpenCharges>; asked(): number; need(isNeeded: boolean): void } {
  const entries: LedgerEntry[] = [];
  const spender = { startedAt: -1_000_000 };
  let entry: LedgerEntry | undefined;
  let [asked, isNeeded] = [0, true];
  const charges = createOpenCharges({
    open: () => [spender], isNeeded: () => isNeeded, onError: (error) => { throw error; }, record: (one) => { entries.push(one); }, intervalMs,
    entryOf() {
      asked += 1;
      return entry;
    },
  });
  return { entries, spender, charges, asked: () => asked, need: (value) => { isNeeded = value; }, set(amount, model = 'claude-x') { entry = amount === undefined ? undefined : madeEntry(amount, { model, scopes: SCOPES }); } };
}

const sumOf = (entries: readonly LedgerEntry[]): bigint => entries.reduce((sum, { nanoDollars }) => sum + nanoDollars, 0n);

test('open charges: each look adds the difference alone, another model takes the place of the first, and the end takes back all of it', async () => {
  const world = made();
  world.set(100n);
  await vi.waitUntil(() => sumOf(world.entries) === 100n, WAIT);
  world.set(250n);
  await vi.waitUntil(() => sumOf(world.entries) === 250n, WAIT);
  world.set(300n, 'claude-y');
  await vi.waitUntil(() => sumOf(world.entries) === 300n, WAIT);
  const looks = world.asked();
  await vi.waitUntil(() => world.asked() > looks + 3, WAIT);
  expect(world.entries.map(({ nanoDollars, model, requests }) => [nanoDollars, model, requests])).toEqual([[100n, 'claude-x', 0], [150n, 'claude-x', 0], [-250n, 'claude-x', 0], [300n, 'claude-y', 0]]);
  world.charges.close();
  world.charges.takeBack(world.spender);
  world.charges.takeBack(world.spender);
  expect(sumOf(world.entries)).toBe(0n);
  for (const kind of ['input', 'output', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h'] as const) expect(world.entries.reduce((sum, { tokens }) => sum + tokens[kind], 0)).toBe(0);
});

test('open charges: without budgets no request is looked at', async () => {
  const world = made();
  world.need(false);
  world.set(5n);
  let turns = 0;
  await vi.waitUntil(() => (turns += 1) > 3, WAIT);
  expect(world.asked()).toBe(0);
  world.need(true);
  await vi.waitUntil(() => world.entries.length === 1, WAIT);
  world.charges.close();
});

test('open charges: a request that ends while the list is gone through is not charged again behind its end', async () => {
  const entries: LedgerEntry[] = [];
  const spenders = Array.from({ length: 1_000 }, () => ({ startedAt: -1_000_000 }));
  const last = spenders.at(-1) as { startedAt: number };
  let looked = 0;
  const charges = createOpenCharges({
    open: () => spenders, isNeeded: () => looked === 0, onError: (error) => { throw error; }, intervalMs: 1,
    record: (entry) => { entries.push(entry); },
    entryOf() {
      looked += 1;
      // In an earlier turn than the one in which the last is looked at.
      if (looked === 1) charges.takeBack(last);
      return madeEntry(1n);
    },
  });
  await vi.waitUntil(() => looked === 999, WAIT);
  await new Promise((resolve) => { setImmediate(resolve); });
  expect([entries.length, looked]).toEqual([999, 999]);
  charges.close();
});
