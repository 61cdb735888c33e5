// A budget of one dollar against 200 streams at once: with replicas that share a PostgreSQL server, and with workers that share an SQLite file.
import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { describe, expect, test } from 'vitest';
import { hashClientKey } from '../../../src/access/clients/client-key.ts';
import { runPenstock, type PenstockProcess } from '../../run-penstock.ts';
import { startPostgres, WHY_NO_POSTGRES } from '@penstock/test-support';

if (WHY_NO_POSTGRES !== undefined) process.stdout.write(`SKIPPED: a budget over replicas with PostgreSQL: ${WHY_NO_POSTGRES}\n`);

const KEYS = { capped: 'pen_the-key-of-the-client-with-a-budget-0123', free: 'pen_the-key-of-the-client-without-one-012345' };
type Client = keyof typeof KEYS;

const ADMIN_KEY = 'write-key-of-an-administrator-0123456789';
const STREAMS = 200;
const BUDGET_CENTS = 100;
/** Each answer costs one cent: 10 output tokens of 1,000 dollars a million. */
const OUTPUT_TOKENS = 10;
const PRICES = [{ model: 'claude-test-*', unit: 'usd_per_million_tokens', input: '0', output: '1000', cache_read: '0', cache_write_5m: '0', cache_write_1h: '0' }];
const [SHORTEST_MS, LONGEST_MS] = [400, 2_400];
/** How old the knowledge of a process may be. */
const STALE_MS = 2_000;
/** So many requests at a time of the client without a budget, over all processes. */
const LANES_OF_OTHERS = 6;

/** One answer of the upstream. Times of one clock, in milliseconds. */
interface Answer {
  readonly client: Client;
  readonly arrivedAt: number;
}

interface Upstream {
  readonly origin: string;
  readonly answers: readonly Answer[];
}

const event = (value: { readonly type: string }): string => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;

/** Answers each message with a stream of a length of its own, and remembers when it came. */
async function startStreams(stack: AsyncDisposableStack): Promise<Upstream> {
  const answers: Answer[] = [];
  const respond = (response: ServerResponse, client: Client): void => {
    answers.push({ client, arrivedAt: performance.now() });
    const model = `claude-test-${client}`;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(event({ type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model, content: [], stop_reason: null, usage: { input_tokens: 1, output_tokens: 1 } } } as never));
    // Lengths that are spread evenly, and the same in every run; those of the other client show how late the machine is.
    const lengthMs = client === 'free' ? SHORTEST_MS : SHORTEST_MS + ((answers.length * 617) % (LONGEST_MS - SHORTEST_MS));
    setTimeout(() => {
      response.write(event({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: OUTPUT_TOKENS } } as never));
      response.end(event({ type: 'message_stop' }));
    }, lengthMs);
  };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => { body += chunk.toString(); });
    request.on('end', () => respond(response, body.includes('claude-test-free') ? 'free' : 'capped'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => { server.closeAllConnections(); server.close(); });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, answers };
}

async function startGateway(stack: AsyncDisposableStack, upstream: Upstream, store: string, workers: number): Promise<PenstockProcess> {
  return stack.use(await runPenstock({
    flags: [],
    document: {
      server: { workers }, state: { store }, prices: PRICES, clients: Object.entries(KEYS).map(([name, key]) => ({ name, key_sha256: hashClientKey(key) })),
      budgets: [{ scope: { client: 'capped' }, share: 'each', period: 'monthly', amount_cents: BUDGET_CENTS }],
      anthropic_native: { base_url: upstream.origin, api_key: 'sk-ant-api03-of-the-gateway', pool: { max_connections: 500, max_keepalive_connections: 500, max_waiting: 500 } },
      openai_front_door: { enabled: false }, admin: { write_keys: [ADMIN_KEY] },
    },
  }));
}

interface Asked { readonly status: number; readonly text: string; readonly startedAt: number; readonly endedAt: number }

async function ask(origin: string, client: Client): Promise<Asked> {
  const startedAt = performance.now();
  const answer = await fetch(`${origin}/anthropic/v1/messages`, {
    method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${KEYS[client]}` },
    body: JSON.stringify({ model: `claude-test-${client}`, max_tokens: 100, stream: true, messages: [{ role: 'user', content: 'Hi' }] }),
  });
  const text = await answer.text();
  return { status: answer.status, text, startedAt, endedAt: performance.now() };
}

/** Asks again and again until the budget is spent; the answers in order. */
async function spendAll(origins: readonly string[], first: number): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  for (let turn = first; ; turn += 1) {
    const answer = await ask(origins[turn % origins.length] ?? '', 'capped');
    asked.push(answer);
    if (answer.status !== 200) return asked;
  }
}

async function usedCredits(origin: string): Promise<number> {
  const answer = await fetch(`${origin}/anthropic/api/oauth/usage`, { headers: { authorization: `Bearer ${KEYS.capped}` } });
  return ((await answer.json()) as { readonly extra_usage: { readonly used_credits: number } }).extra_usage.used_credits;
}

/** Runs the streams, prints the overshoot, and checks every promise of a budget that several processes share. */
async function checkOvershoot(name: string, upstream: Upstream, origins: readonly string[]): Promise<void> {
  const others = new AbortController();
  const free = Promise.all(Array.from({ length: LANES_OF_OTHERS }, async (_, lane): Promise<readonly Asked[]> => {
    const asked: Asked[] = [];
    while (!others.signal.aborted) asked.push(await ask(origins[lane % origins.length] ?? '', 'free'));
    return asked;
  }));
  const all = (await Promise.all(Array.from({ length: STREAMS }, (_, index) => spendAll(origins, index)))).flat();
  others.abort();
  const ofOthers = (await free).flat();
  // A process that does not get its turn acts as late by what it knows as it does everything else.
  const lateMs = Math.max(...ofOthers.map(({ startedAt, endedAt }) => endedAt - startedAt - SHORTEST_MS));
  const staleMs = STALE_MS + lateMs;

  const ended = all.filter(({ status }) => status === 200).toSorted((one, other) => one.endedAt - other.endedAt);
  const crossedAt = ended[BUDGET_CENTS - 1]?.endedAt ?? Number.NaN;
  const mine = upstream.answers.filter(({ client }) => client === 'capped');
  // Of those that had come by then as many as the budget pays for have ended.
  const open = mine.filter(({ arrivedAt }) => arrivedAt <= crossedAt).length - BUDGET_CENTS;
  const admitted = mine.filter(({ arrivedAt }) => arrivedAt > crossedAt && arrivedAt <= crossedAt + staleMs).length;
  const late = mine.filter(({ arrivedAt }) => arrivedAt > crossedAt + staleMs);
  const overshoot = mine.length - BUDGET_CENTS;
  process.stdout.write(`${name}: $1.00 of budget, ${STREAMS} streams at once; spent $${(mine.length / 100).toFixed(2)}, over by ${overshoot} answers of 1 cent: ${open} were open at the crossing, ${admitted} came within ${STALE_MS / 1_000} s and the ${Math.round(lateMs)} ms that this machine was late, the last of them ${Math.round(Math.max(...mine.map(({ arrivedAt }) => arrivedAt)) - crossedAt)} ms after it\n`);

  // None was admitted later, so that no more was spent than what was open and what came within the time.
  expect(late).toEqual([]);
  // What was admitted ended whole, and the rest read the sentence.
  expect(ended).toHaveLength(mine.length);
  expect(ended.every(({ text }) => text.includes('message_stop'))).toBe(true);
  const refused = all.filter(({ status }) => status !== 200);
  expect(refused).toHaveLength(STREAMS);
  expect(refused.every(({ status, text }) => status === 429 && text.includes('Your monthly budget of $1.00'))).toBe(true);
  expect(ofOthers.length).toBeGreaterThan(0);
  expect(new Set(ofOthers.map(({ status }) => status))).toEqual(new Set([200]));
  // By the ledger of every process no more and no less was spent in the end than the budget, what was open at its crossing, and what came within the time.
  for (const origin of origins) await expect.poll(async () => (await usedCredits(origin)) - BUDGET_CENTS, { timeout: 60_000 }).toBe(open + admitted);
}

describe.skipIf(WHY_NO_POSTGRES !== undefined)('three replicas with PostgreSQL', () => {
  test('spend no more than a budget, what was open at its crossing, and what came within two seconds', async () => {
    await using stack = new AsyncDisposableStack();
    const postgres = await startPostgres(stack);
    const upstream = await startStreams(stack);
    const replicas = await Promise.all([1, 2, 3].map(() => startGateway(stack, upstream, postgres.url, 1)));
    await checkOvershoot('3 replicas, PostgreSQL', upstream, replicas.map(({ origin }) => origin));
  });
});

describe('two workers with SQLite', () => {
  test('spend no more than a budget, what was open at its crossing, and what came within two seconds', async () => {
    await using stack = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), 'penstock-budget-'));
    stack.defer(() => { rmSync(folder, { recursive: true, force: true }); });
    const upstream = await startStreams(stack);
    const { origin, operations } = await startGateway(stack, upstream, `sqlite:${join(folder, 'state.db')}`, 2);
    await checkOvershoot('2 workers, SQLite', upstream, [origin]);
    // A limit that is set at the primary's listener holds in every worker.
    const set = await fetch(`${operations}/v1/organizations/spend_limits`, { method: 'POST', headers: { 'x-api-key': ADMIN_KEY }, body: '{"scope":{"type":"client","client_id":"free"},"amount":"0"}' });
    expect([set.status, await set.json()]).toMatchObject([200, { type: 'spend_limit', amount: '0' }]);
    await expect.poll(async () => (await Promise.all(Array.from({ length: 8 }, async () => (await ask(origin, 'free')).status))).every((status) => status === 429), { timeout: 60_000 }).toBe(true);
  });
});
