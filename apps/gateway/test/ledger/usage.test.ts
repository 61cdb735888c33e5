import { openSqliteDatabase, type SqlDatabase } from '@penstock/claude-code-gateway/store';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runUsage, type UsageCommandOptions } from '../../src/commands/usage/run-usage.ts';
import { openBudgets, type OpenedBudgets } from '../../src/access/spend-limits/open-budgets.ts';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import { groupScope, ORGANIZATION, userScope, utcDayOf, type LedgerEntry } from '../../src/ledger/ledger-entry.ts';
import { formatNanoDollars, readUsage, type UsageReport } from '../../src/ledger/usage/read-usage.ts';
import { createServeUsage, MOST_USAGE_REPORTS } from '../../src/ledger/usage/serve-usage.ts';
import { dateOfDay, readUsageQuery, USAGE_KEYS, type UsageKey } from '../../src/ledger/usage/usage-query.ts';
import type { OperationsServer } from '../../src/process/operations-server.ts';
import { startTestOperations } from '../release/start-test-operations.ts';
import { madeEntry, NOON } from './made-entries.ts';

const TODAY = utcDayOf(NOON);
const KEY = 'a-key-that-may-read-0123456789abcdef';
const WRITE_KEY = 'a-key-that-may-write-0123456789abcd';
const DAY_MS = 86_400_000;

const ofPerson = (subject: string, nanoDollars: bigint, changes: Partial<LedgerEntry> = {}): LedgerEntry =>
  madeEntry(nanoDollars, { principal: subject, kind: 'person', email: `${subject}@x.example`, scopes: [userScope(subject), groupScope('eng'), ORGANIZATION], ...changes });

let database: SqlDatabase;
let opened: OpenedBudgets;
let operations: OperationsServer;
let isDown: boolean;

/** The administration of a gateway with some keys. */
async function administer(admin: object): Promise<OpenedBudgets> {
  const config = gatewayConfigSchema.parse({ admin });
  const way: SqlDatabase = { run: (statements) => (isDown ? Promise.reject(new Error('down')) : database.run(statements)), close: () => Promise.resolve() };
  return openBudgets({ config, database: way, spend: createLedger(), registry: new Registry(), auditLog: { write: () => undefined } });
}

beforeEach(async () => {
  isDown = false;
  database = openSqliteDatabase(':memory:');
  const ledger = createLedger({ database, now: () => NOON });
  for (const entry of [
    madeEntry(1_500_000_000n), madeEntry(2n, { model: 'claude-y', at: NOON - DAY_MS, isEstimated: true }), madeEntry(7n, { client: 'bob', at: NOON - 10 * DAY_MS }),
    ofPerson('=cmd', 2_000_000_000n), ofPerson('u2', 10_000_000n),
  ]) ledger.record(entry);
  await ledger.close();
  opened = await administer({ read_keys: [KEY], write_keys: [WRITE_KEY] });
  operations = await startTestOperations({ administer: opened.administer });
});

afterEach(async () => {
  await operations.close();
  opened.close();
  await database.close();
});

const report = (by: UsageKey, sinceDay = TODAY - 1): Promise<UsageReport> => readUsage(database, { by, sinceDay, untilDay: TODAY });
const ask = async (query = '', headers: Record<string, string> = { 'x-api-key': KEY }): Promise<{ status: number; json: unknown }> => {
  const response = await fetch(`http://127.0.0.1:${operations.port}/v1/usage${query}`, { headers });
  return { status: response.status, json: await response.json() };
};

describe('usage', () => {
  test('a report has a row for each client, person, group, model or day, most expensive first', async () => {
    const found = await Promise.all(USAGE_KEYS.map(async (by) => [by, (await report(by)).rows.map(({ name, requests, cost_usd: cost }) => [name, requests, cost])] as const));
    expect(Object.fromEntries(found)).toEqual({
      client: [['alice', 2, '1.500000002']],
      person: [['=cmd', 1, '2.000000000'], ['u2', 1, '0.010000000']],
      group: [['eng', 2, '2.010000000']],
      model: [['claude-x', 3, '3.510000000'], ['claude-y', 1, '0.000000002']],
      day: [[dateOfDay(TODAY - 1), 1, '0.000000002'], [dateOfDay(TODAY), 3, '3.510000000']],
    });
  });

  test('a row has every kind of token, and of a person the e-mail address', async () => {
    expect((await report('person')).rows[1]).toEqual({
      name: 'u2', email: 'u2@x.example', requests: 1, estimated_requests: 0, input_tokens: 10, output_tokens: 20, cache_read_tokens: 3, cache_write_5m_tokens: 4, cache_write_1h_tokens: 5,
      web_searches: 1, cost_usd: '0.010000000',
    });
  });

  test.each([
    ['', { by: 'client', sinceDay: utcDayOf(Date.UTC(2026, 4, 1)), untilDay: TODAY }],
    ['by=day&since=2026-02-28&until=2026-03-01', { by: 'day', sinceDay: utcDayOf(Date.UTC(2026, 1, 28)), untilDay: utcDayOf(Date.UTC(2026, 2, 1)) }],
    ['since=30d&until=1d', { by: 'client', sinceDay: TODAY - 30, untilDay: TODAY - 1 }],
    ['by=key', 'by must be one of client, person, group, model, day.'],
    ['since=2026-02-30', 'since and until must be dates such as 2026-11-30, or numbers of days back such as 7d.'],
    ['since=2026-05-14', 'since must not be later than until.'],
    ['from=1', 'Unknown parameter from: there are by, since, until.'],
  ])('the query "%s" is read', (query, expected) => {
    expect(readUsageQuery(new URLSearchParams(query), NOON)).toEqual(expected);
  });

  test.each([[0n, '0.000000000'], [1n, '0.000000001'], [-1n, '-0.000000001'], [12_345_678_901_234_567_890n, '12345678901.234567890']])('%s nano-dollars are %s dollars', (amount, text) => {
    expect(formatNanoDollars(amount)).toBe(text);
  });

  test('the operations listener gives reports to keys of admin alone, on this machine too', async () => {
    expect((await ask('', {})).status).toBe(401);
    expect((await ask('', { 'x-api-key': `${KEY}x` })).status).toBe(401);
    expect((await ask('', { authorization: `Bearer ${KEY}` })).status).toBe(401);
    expect(await ask('?by=key')).toMatchObject({ status: 400 });
    expect(await ask('?by=person&since=2026-05-12&until=2026-05-13')).toEqual({ status: 200, json: await report('person') });
    expect((await ask('?since=2026-05-01&until=2026-05-13', { 'x-api-key': WRITE_KEY })).status).toBe(200);
  });

  test('a gateway without keys or without a store has no reports', async () => {
    const keyless = await administer({});
    for (const administration of [undefined, keyless.administer]) {
      const closed = await startTestOperations({ administer: administration });
      expect((await fetch(`http://127.0.0.1:${closed.port}/v1/usage`, { headers: { 'x-api-key': KEY } })).status).toBe(404);
      await closed.close();
    }
    keyless.close();
  });

  test('a store that fails is a 500 that names it', async () => {
    isDown = true;
    expect(await ask('?since=2026-05-01&until=2026-05-13')).toMatchObject({ status: 500, json: { error: { type: 'api_error', message: 'The store of this gateway cannot be used at the moment.' } } });
  });

  test('another method, and one report more than are made at once, are refused', async () => {
    let goOn: () => void = () => undefined;
    const held = new Promise<void>((resolve) => { goOn = resolve; });
    const serve = createServeUsage({ run: async (statements) => { await held; return database.run(statements); }, close: () => Promise.resolve() });
    const reports = Array.from({ length: MOST_USAGE_REPORTS }, () => serve({ method: 'GET', query: '' }));
    await expect(serve({ method: 'GET', query: '' })).rejects.toMatchObject({ status: 429 });
    await expect(serve({ method: 'POST', query: '' })).rejects.toMatchObject({ status: 405, allow: 'GET, HEAD' });
    goOn();
    await Promise.all(reports);
    await serve({ method: 'HEAD', query: '' });
  });
});

describe('penstock usage', () => {
  async function run(options: Partial<UsageCommandOptions>, environment: Readonly<Record<string, string>> = { PENSTOCK_ADMIN_KEY: KEY }): Promise<{ code: number; stdout: string; stderr: string }> {
    let [stdout, stderr] = ['', ''];
    const code = await runUsage({
      url: `http://127.0.0.1:${operations.port}`, by: 'client', since: '2026-05-12', until: '2026-05-13', format: 'table', argv: {}, environment, workingDirectory: '/', ...options,
    }, { stdout: { write: (text: string) => { stdout += text; } }, stderr: { write: (text: string) => { stderr += text; } } });
    return { code, stdout, stderr };
  }

  test('prints a table with the sums', async () => {
    expect(await run({ by: 'person' })).toEqual({
      code: 0, stderr: '',
      stdout: ['From 2026-05-12 to 2026-05-13 (UTC)', '',
        'person          requests  input  output  cache read     cost',
        '=cmd@x.example         1     10      20           3  $2.0000',
        'u2@x.example           1     10      20           3  $0.0100',
        'total                  2     20      40           6  $2.0100', ''].join('\n'),
    });
  });

  test('prints CSV with exact costs, in which no name is a formula to a spreadsheet', async () => {
    const { stdout } = await run({ by: 'person', format: 'csv' });
    expect(stdout.split('\r\n').slice(0, 2)).toEqual([
      'person,email,requests,estimated_requests,input_tokens,output_tokens,cache_read_tokens,cache_write_5m_tokens,cache_write_1h_tokens,web_searches,cost_usd',
      '\'=cmd,\'=cmd@x.example,1,0,10,20,3,4,5,1,2.000000000',
    ]);
  });

  test('prints the document', async () => {
    const { stdout } = await run({ by: 'day', format: 'json' });
    expect(JSON.parse(stdout)).toEqual(await report('day'));
  });

  test('names the remedy where there is no key, a wrong one, a wrong query, or no gateway', async () => {
    expect(await run({}, {})).toMatchObject({ code: 1, stderr: expect.stringMatching(/admin\.read_keys.*PENSTOCK_ADMIN_KEY/) as string });
    expect(await run({}, { PENSTOCK_ADMIN_KEY: 'wrong' })).toMatchObject({ code: 1, stderr: expect.stringMatching(/refuses the key/) as string });
    expect(await run({ since: 'yestrday' }, {})).toMatchObject({ code: 1, stderr: expect.stringMatching(/^since and until must be dates/) as string });
    expect(await run({ since: 'never' })).toMatchObject({ code: 1, stderr: expect.stringMatching(/answered 400: since and until must be dates/) as string });
    expect(await run({ url: 'http://127.0.0.1:9' })).toMatchObject({ code: 1, stderr: expect.stringMatching(/does not answer/) as string });
  });
});
