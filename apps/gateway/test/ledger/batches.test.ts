// Message batches are charged to the caller that made them, by an estimate, and corrected once by their results.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulator } from '@penstock/anthropic-simulator';
import { findPrice, priceUsage, PRICES, UNKNOWN_MODEL_PRICE } from '@penstock/anthropic-usage';
import { openSqliteDatabase, openSqliteThread, type SqlDatabase } from '@penstock/claude-code-gateway/store';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createBatchCorrections } from '../../src/ledger/batches/batch-corrections.ts';
import { createBatchStore, type BatchStore } from '../../src/ledger/batches/batch-store.ts';
import { readResult } from '../../src/ledger/batches/read-result.ts';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import { createLedgerStore } from '../../src/ledger/ledger-store.ts';
import { utcDayOf } from '../../src/ledger/ledger-entry.ts';
import { readUsage, type UsageRow } from '../../src/ledger/usage/read-usage.ts';
import { CLIENTS, KEYS } from '../access/budgets/budget-world.ts';
import { startTestGateway, type ConfigDocument, type TestGateway } from '../start-test-gateway.ts';
import { madeEntry, NOON } from './made-entries.ts';
import { shaky } from './shaky-database.ts';

const WAIT = { timeout: 60_000, interval: 20 };
const HAIKU = 'claude-haiku-4-5';
const OPUS = 'claude-opus-4-8';
const PATH = '/anthropic/v1/messages/batches';
const BOTH = CLIENTS.map((client) => ({ ...client, routes: ['messages', 'batches'] }));

interface Params {
  readonly model: string;
  readonly max_tokens: number;
  readonly messages: readonly object[];
}

const params = (model: string, maxTokens: number, content: string): Params => ({ model, max_tokens: maxTokens, messages: [{ role: 'user', content }] });
const PARAMS = [params(HAIKU, 400, 'one'), params(OPUS, 200, 'two'), params('sim-expired', 100, 'three'), params(HAIKU, 80, 'four')];
const BATCH = JSON.stringify({ requests: PARAMS.map((one, index) => ({ custom_id: `r${index}`, params: one })) });

/** Half of $1 and $5, or of $5 and $25, a million tokens; input by 4 bytes, output by a fourth of the bound; of each model the average. */
function estimated(): bigint {
  const costs = [[HAIKU, 1, 5], [OPUS, 5, 25], ['sim-expired', 5, 25]].map(([model, input, output]) => {
    const list = PARAMS.filter((one) => one.model === model);
    const sum = (read: (one: Params) => number): number => list.reduce((total, one) => total + read(one), 0);
    const inputTokens = Math.ceil(sum((one) => JSON.stringify(one).length) / 4 / list.length);
    const outputTokens = Math.ceil(sum((one) => one.max_tokens) / 4 / list.length);
    return list.length * Math.round((inputTokens * Number(input) + outputTokens * Number(output)) * 1_000 / 2);
  });
  return 4n * BigInt(Math.ceil(costs.reduce((total, cost) => total + cost, 0) / 4));
}

const kept = (database: SqlDatabase): SqlDatabase => ({ run: (statements) => database.run(statements), close: () => Promise.resolve() });
const ask = (gateway: TestGateway, client: keyof typeof KEYS, path: string, body?: string): Promise<Response> =>
  fetch(gateway.origin + path, { method: body === undefined ? 'GET' : 'POST', headers: { authorization: `Bearer ${KEYS[client]}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body }) });

async function rows(database: SqlDatabase, by: 'client' | 'model' = 'client'): Promise<readonly UsageRow[]> {
  const today = utcDayOf(Date.now());
  return (await readUsage(database, { by, sinceDay: today - 1, untilDay: today })).rows;
}

const dollars = (nano: bigint): string => `${nano / 1_000_000_000n}.${(nano % 1_000_000_000n).toString().padStart(9, '0')}`;

interface ResultLine {
  readonly result: { readonly type: string; readonly message?: { readonly model: string; readonly usage: Readonly<Record<'input_tokens' | 'output_tokens', number>> } };
}

function trueCost(lines: string): bigint {
  return lines.trimEnd().split('\n').map((line) => JSON.parse(line) as ResultLine).reduce((sum, { result: { message } }) => (message === undefined ? sum : sum + priceUsage({
    input: message.usage.input_tokens, output: message.usage.output_tokens, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, serviceTier: 'batch',
  }, () => findPrice(message.model, PRICES) ?? UNKNOWN_MODEL_PRICE).nanoDollars), 0n);
}

async function startGateway(origin: string, database: SqlDatabase, document: ConfigDocument = {}): Promise<TestGateway> {
  return startTestGateway(origin, { clients: BOTH, state: { flush_interval: 0.1 }, ...document }, { database: kept(database) });
}

test('a batch is charged to its creator by the rule, and to the nano-dollar by its results, read by several callers, several times, in two replicas and after a restart', async () => {
  await using simulator = await startSimulator();
  const database = openSqliteDatabase(':memory:');
  const gateway = await startGateway(simulator.origin, database, { budgets: [{ scope: { client: 'capped' }, share: 'each', period: 'monthly', amount_cents: 10_000 }] });
  // The first estimate is an increase, as its correction will be.
  expect(await gateway.metrics.registry.metrics()).toContain('penstock_cost_dollars_total{side="native",upstream="native",model="other",client="capped"} 0\n');
  const made = await ask(gateway, 'capped', PATH, BATCH);
  expect(made.status).toBe(200);
  const { id } = await made.json() as { id: string };
  // It counts from when it is sent, but as a request when that ends.
  await vi.waitUntil(async () => (await rows(database))[0]?.requests === 1, WAIT);
  expect(await rows(database)).toMatchObject([{ name: 'capped', requests: 1, estimated_requests: 1, cost_usd: dollars(estimated()) }]);
  expect((await gateway.recorded(1))[0]).toMatchObject({ route: PATH, client: 'capped', cost_estimated: true, requested_model: HAIKU, batch: { id } });
  const correctionsIn = (one: TestGateway): Promise<readonly number[]> =>
    Promise.all(['estimate', 'result'].map((kind) => one.series(`penstock_cost_corrections_dollars_total{side="native",upstream="native",model="other",client="capped",kind="${kind}"}`)));
  expect(await correctionsIn(gateway)).toEqual([0, 0]);

  await (await ask(gateway, 'free', `${PATH}/${id}`)).text();
  const lines = await (await ask(gateway, 'free', `${PATH}/${id}/results`)).text();
  expect(lines.split('\n').filter((line) => line !== '').map((line) => (JSON.parse(line) as ResultLine).result.type)).toContain('expired');
  const cost = dollars(trueCost(lines));
  await vi.waitUntil(async () => (await rows(database))[0]?.cost_usd === cost, WAIT);
  const results = lines.trimEnd().split('\n').length;
  const read = (await gateway.recorded(3)).find(({ route }) => String(route).endsWith('/results'));
  expect(read).toMatchObject({ client: 'free', batch: { id, results, results_dollars: Number(cost) } });
  const replaced = [Number(dollars(estimated())), Number(cost)];
  expect(await gateway.series('penstock_cost_dollars_total{side="native",upstream="native",model="other",client="capped"}')).toBe(replaced[0]);
  await vi.waitUntil(async () => (await correctionsIn(gateway))[0] !== 0, WAIT);
  expect(await correctionsIn(gateway)).toEqual(replaced);
  const corrected = await rows(database);
  const byModel = await rows(database, 'model');
  expect(corrected).toMatchObject([{ name: 'capped', requests: 1, cost_usd: cost }]);
  expect(byModel.map(({ name, cost_usd: usd }) => [name, usd === '0.000000000'])).toEqual(expect.arrayContaining([[OPUS, false]]));

  const replica = await startGateway(simulator.origin, database);
  for (const [reader, client] of [[gateway, 'capped'], [replica, 'free'], [replica, 'capped']] as const) expect(await (await ask(reader, client, `${PATH}/${id}/results`)).text()).toBe(lines);
  const counted = await Promise.all([correctionsIn(gateway), correctionsIn(replica)]);
  expect(counted).toEqual([replaced, [0, 0]]);
  await Promise.all([gateway.drain(), replica.drain()]);
  const later = await startGateway(simulator.origin, database);
  expect(await (await ask(later, 'free', `${PATH}/${id}/results`)).text()).toBe(lines);
  await later.drain();
  expect([await rows(database), await rows(database, 'model')]).toEqual([corrected, byModel]);
  const [left] = await database.run([{ sql: 'SELECT result FROM ledger_batch_results', values: [] }]);
  expect(left).toEqual([]);
});

test('a batch with one model that has no price names that model, and not its first one', async () => {
  await using simulator = await startSimulator();
  await using gateway = await startGateway(simulator.origin, openSqliteDatabase(':memory:'));
  expect((await ask(gateway, 'free', PATH, BATCH)).status).toBe(200);
  await gateway.recorded(1);
  expect(gateway.logged.filter((line) => line['msg'] === 'a model has no price')).toMatchObject([{ model: 'sim-expired', upstream: 'native' }]);
  // A label is never a text of the client's.
  expect(await gateway.series('penstock_unpriced_requests_total{side="native",upstream="native",model="other"}')).toBe(1);
});

test('a batch of another gateway costs nothing when its results are read, and what was made and cancelled is taken back', async () => {
  await using simulator = await startSimulator({ batchPolls: 100 });
  const [elsewhere, database] = [openSqliteDatabase(':memory:'), openSqliteDatabase(':memory:')];
  const other = await startGateway(simulator.origin, elsewhere);
  const gateway = await startGateway(simulator.origin, database);
  const { id: foreign } = await (await ask(other, 'free', PATH, BATCH.replaceAll(/"r(?=\d)/g, '"f'))).json() as { id: string };
  const { id } = await (await ask(gateway, 'capped', PATH, BATCH)).json() as { id: string };
  for (const each of [foreign, id]) {
    await (await ask(gateway, 'capped', `${PATH}/${each}/cancel`, '')).text();
    await (await ask(gateway, 'capped', `${PATH}/${each}`)).text();
    expect(await (await ask(gateway, 'capped', `${PATH}/${each}/results`)).text()).toContain('canceled');
  }
  await Promise.all([gateway.drain(), other.drain()]);
  expect(await rows(database)).toMatchObject([{ name: 'capped', requests: 1, cost_usd: '0.000000000', input_tokens: 0, output_tokens: 0 }]);
  expect(await rows(elsewhere)).toMatchObject([{ name: 'free', cost_usd: dollars(estimated()) }]);
  expect(foreign).not.toBe(id);
});

test('a batch that would cost more than what is left is refused while it is uploaded, and the upstream makes none', async () => {
  await using simulator = await startSimulator();
  const database = openSqliteDatabase(':memory:');
  const gateway = await startGateway(simulator.origin, database, { budgets: [{ scope: { client: 'capped' }, share: 'each', period: 'monthly', amount_cents: 50 }] });
  const small = await ask(gateway, 'capped', PATH, JSON.stringify({ requests: [{ custom_id: 'a', params: params(OPUS, 300_000, 'small, but with a high bound') }] }));
  expect([small.status, await small.json()]).toMatchObject([429, { error: { type: 'billing_error' } }]);
  const upload = request(`${gateway.origin}${PATH}`, { method: 'POST', headers: { authorization: `Bearer ${KEYS.capped}`, 'content-type': 'application/json', 'transfer-encoding': 'chunked' } });
  upload.on('error', () => undefined);
  upload.write('{"requests":[');
  const answered = once(upload, 'response') as Promise<[{ statusCode: number; resume(): void }]>;
  let entries = 0;
  const feed = setInterval(() => {
    entries += 1;
    upload.write(`${entries === 1 ? '' : ','}${JSON.stringify({ custom_id: `r${entries}`, params: params(OPUS, 4_000, 'x'.repeat(50_000)) })}`);
  }, 1);
  const [response] = await answered;
  clearInterval(feed);
  response.resume();
  upload.destroy();
  expect(response.statusCode).toBe(429);
  expect(await (await ask(gateway, 'capped', PATH)).json()).toMatchObject({ data: [] });
  await gateway.drain();
  expect(await rows(database)).toEqual([]);
});

let folder: string;
let database: SqlDatabase;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-batches-'));
  database = await openSqliteThread(join(folder, 'ledger.db'));
  counted = { estimate: 0n, cost: 0n };
});

afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

const RESULTS = 2_500;
const EACH = { nanoDollars: 1_000n, input: 10, output: 5 };
const resultOf = (index: number): ReturnType<typeof readResult> => readResult({ batchId: 'b', customId: `id-${index}`, cost: {
  nanoDollars: BigInt(index), isEstimated: false, isPriceKnown: true, model: HAIKU, tokens: { input: index, output: 1, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 }, webSearches: 0,
} });
const SUM = BigInt(RESULTS * (RESULTS - 1) / 2);

async function makeBatch(): Promise<void> {
  const ledger = createLedger({ database, now: () => NOON });
  ledger.record(madeEntry(EACH.nanoDollars * BigInt(RESULTS), {
    tokens: { input: EACH.input * RESULTS, output: EACH.output * RESULTS, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 }, webSearches: 0, batch: { id: 'b', requests: RESULTS, each: EACH },
  }));
  await ledger.ready();
  await ledger.close();
}

async function stored(): Promise<readonly [string, number]> {
  const [[spend] = [], [tokens] = []] = await database.run([
    { sql: 'SELECT CAST(nano_dollars AS TEXT) AS nano_dollars FROM ledger_spend WHERE scope = ?', values: ['client:alice'] }, { sql: 'SELECT SUM(input_tokens) AS input FROM ledger_days', values: [] },
  ]);
  return [String(spend?.['nano_dollars']), Number(tokens?.['input'])];
}

/** What all corrections of a test reported. */
let counted: { estimate: bigint; cost: bigint };
const correct = (store: BatchStore = createBatchStore(database), mostWaiting?: number): ReturnType<typeof createBatchCorrections> =>
  createBatchCorrections({
    store, beginMs: 0, retryMs: 1, onError: () => undefined, ...(mostWaiting === undefined ? {} : { mostWaiting }),
    onCorrected: ({ estimate, cost }) => { counted = { estimate: counted.estimate + estimate, cost: counted.cost + cost }; },
  });

test('results in pieces, twice, and in three processes at once are corrected once each', async () => {
  await makeBatch();
  expect(await stored()).toEqual(['2500000', 25_000]);
  const first = correct();
  for (let index = 0; index < 700; index += 1) first.add('b', resultOf(index));
  await first.close(performance.now() + 60_000);
  const partial = BigInt(700 * 699 / 2) + 1_800n * 1_000n;
  expect((await stored())[0]).toBe(String(partial));
  const readers = [correct(), correct(), correct()];
  for (let index = 0; index < RESULTS; index += 1) for (const [at, reader] of readers.entries()) reader.add('b', resultOf(at === 0 ? index : RESULTS - 1 - index));
  await vi.waitUntil(() => readers.every((reader) => reader.waiting() === 0), WAIT);
  expect(await stored()).toEqual([String(SUM), Number(SUM)]);
  const last = correct();
  for (let index = 0; index < RESULTS + 10; index += 1) last.add('b', resultOf(index));
  await last.close(performance.now() + 60_000);
  expect([await stored(), last.waiting()]).toEqual([[String(SUM), Number(SUM)], 0]);
  expect(counted).toEqual({ estimate: EACH.nanoDollars * BigInt(RESULTS), cost: SUM });
});

test('corrections whose answers are lost are counted once each: the last ones of a batch too, and none that another process made', async () => {
  await makeBatch();
  let [isLosing, lost] = [true, 0];
  const corrections = correct(createBatchStore({
    async run(statements) {
      const isCorrection = statements.some(({ sql }) => sql.startsWith('UPDATE ledger_message_batches'));
      // Before the first correction arrives another process makes a part of it, so that the store refuses it.
      if (isCorrection && lost === 0) {
        lost += 1;
        const other = correct();
        for (let index = 0; index < 10; index += 1) other.add('b', resultOf(index));
        await other.close(performance.now() + 60_000);
      }
      const answer = await database.run(statements);
      if (isCorrection && isLosing) throw new Error(`the answer was lost ${lost += 1} times`);
      return answer;
    },
    close: () => Promise.resolve(),
  }));
  for (let index = 0; index < RESULTS; index += 1) corrections.add('b', resultOf(index));
  await vi.waitUntil(() => corrections.waiting() === 0, WAIT);
  isLosing = false;
  await corrections.close(performance.now() + 60_000);
  expect([await stored(), lost > 3, counted]).toEqual([[String(SUM), Number(SUM)], true, { estimate: EACH.nanoDollars * BigInt(RESULTS), cost: SUM }]);
});

test('a store that loses answers or is down has each correction once when it is back', async () => {
  await makeBatch();
  const way = shaky(database);
  let [isLosing, lost] = [false, 0];
  const corrections = correct(createBatchStore({
    async run(statements) {
      const answer = await way.run(statements);
      // Of transactions that write: they were committed.
      if (isLosing && statements.length > 1) throw new Error(`the answer was lost ${lost += 1} times`);
      return answer;
    },
    close: () => Promise.resolve(),
  }));
  way.cut = 'before';
  for (let index = 0; index < RESULTS; index += 1) corrections.add('b', resultOf(index));
  await vi.waitUntil(() => way.cut === 'before' && corrections.waiting() === RESULTS, WAIT);
  expect((await stored())[0]).toBe('2500000');
  [way.cut, isLosing] = ['no', true];
  await vi.waitUntil(() => lost > 0, WAIT);
  isLosing = false;
  await vi.waitUntil(() => corrections.waiting() === 0, WAIT);
  expect(await stored()).toEqual([String(SUM), Number(SUM)]);
  expect(counted).toEqual({ estimate: EACH.nanoDollars * BigInt(RESULTS), cost: SUM });
});

test('results beyond the bound of what waits are dropped and counted, and corrected when they are read once more', async () => {
  await makeBatch();
  const corrections = correct(createBatchStore(database), 1_000);
  for (let index = 0; index < RESULTS; index += 1) corrections.add('b', resultOf(index));
  expect([corrections.waiting(), corrections.dropped()]).toEqual([1_000, 1_500]);
  await vi.waitUntil(() => corrections.waiting() === 0, WAIT);
  for (const from of [0, 1_000, 2_000]) {
    for (let index = from; index < Math.min(RESULTS, from + 1_000); index += 1) corrections.add('b', resultOf(index));
    await vi.waitUntil(() => corrections.waiting() === 0, WAIT);
  }
  expect(await stored()).toEqual([String(SUM), Number(SUM)]);
});

test('a batch and its results are forgotten a month after it was made', async () => {
  await makeBatch();
  const corrections = correct();
  corrections.add('b', resultOf(1));
  await corrections.close(performance.now() + 60_000);
  const store = createLedgerStore(database, 'pruner');
  const today = utcDayOf(NOON);
  const counts = async (): Promise<readonly unknown[]> => (await database.run(['ledger_message_batches', 'ledger_batch_results'].map((table) => ({ sql: `SELECT COUNT(*) AS n FROM ${table}`, values: [] })))).map(([row]) => row?.['n']);
  await store.prune(today + 31);
  expect(await counts()).toEqual([1, 1]);
  await store.prune(today + 33);
  expect(await counts()).toEqual([0, 0]);
});
