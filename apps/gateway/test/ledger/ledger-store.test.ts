import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteThread, type SqlDatabase } from '@penstock/claude-code-gateway/store';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLedger, type LedgerOptions } from '../../src/ledger/create-ledger.ts';
import { clientScope, ORGANIZATION, utcDayOf } from '../../src/ledger/ledger-entry.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { MOST_NANO_DOLLARS } from '../../src/cost/dollars.ts';
import { madeEntry, NOON } from './made-entries.ts';
import { shaky } from './shaky-database.ts';

const TODAY = utcDayOf(NOON);
const ALICE = clientScope('alice');
const FAST = { flushMs: 20, exchangeMs: 10, retryMs: 10 };
const WAIT = { timeout: 60_000, interval: 5 };

let folder: string;
let database: SqlDatabase;
const open: Ledger[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-ledger-'));
  database = await openSqliteThread(join(folder, 'ledger.db'));
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((ledger) => ledger.close()));
  await database.close();
  await rm(folder, { recursive: true });
});

async function start(options: LedgerOptions = {}): Promise<Ledger> {
  const ledger = createLedger({ database, now: () => NOON, timing: FAST, ...options });
  open.push(ledger);
  await ledger.ready();
  return ledger;
}

const stored = async (scope: string): Promise<unknown> => {
  const [rows] = await database.run([{ sql: 'SELECT requests, CAST(nano_dollars AS TEXT) AS nano_dollars FROM ledger_spend WHERE scope = ?', values: [scope] }]);
  return rows;
};

describe('ledger in a store', () => {
  test('the amounts of one process arrive in another one, and add to its own', async () => {
    const [one, other] = [await start(), await start()];
    const heard = vi.fn();
    other.onSpend(heard);
    one.record(madeEntry(5n));
    other.record(madeEntry(7n));
    await vi.waitFor(() => { for (const ledger of [one, other]) expect(ledger.spentOn(ALICE, TODAY)).toBe(12n); }, WAIT);
    expect(heard.mock.lastCall).toEqual([ORGANIZATION, TODAY, 5]);
    expect([one.state(), other.state()]).toEqual(['ok', 'ok']);
  });

  test('an end writes what waits, and the next process begins with it', async () => {
    const first = await start({ timing: { ...FAST, flushMs: 60_000 } });
    for (let count = 0; count < 1_000; count += 1) first.record(madeEntry(MOST_NANO_DOLLARS));
    first.record(madeEntry(1n, { at: NOON - 39 * 86_400_000 }));
    await first.close();
    const second = await start();
    expect(second.spentOn(ALICE, TODAY)).toBe(1_000n * MOST_NANO_DOLLARS);
    expect(second.spentOn(ALICE, 0)).toBe(1_000n * MOST_NANO_DOLLARS + 1n);
    expect([first.lost(), second.state()]).toEqual([{ requests: 0, nanoDollars: 0n }, 'ok']);
  });

  test('every kind of token, the requests and their cost add up for each principal, model and day', async () => {
    const ledger = await start();
    ledger.record(madeEntry(5n, { email: 'a@x.example' }));
    ledger.record(madeEntry(6n, { isEstimated: true }));
    ledger.record(madeEntry(7n, { model: 'claude-y' }));
    await ledger.close();
    const [rows] = await database.run([{ sql: 'SELECT * FROM ledger_days ORDER BY model', values: [] }]);
    const sums = { day: TODAY, principal: 'client:alice', kind: 'client' };
    expect(rows).toEqual([
      { ...sums, model: 'claude-x', email: 'a@x.example', requests: 2, estimated_requests: 1, input_tokens: 20, output_tokens: 40, cache_read_tokens: 6, cache_write_5m_tokens: 8, cache_write_1h_tokens: 10, web_searches: 2, nano_dollars: 11 },
      { ...sums, model: 'claude-y', email: null, requests: 1, estimated_requests: 0, input_tokens: 10, output_tokens: 20, cache_read_tokens: 3, cache_write_5m_tokens: 4, cache_write_1h_tokens: 5, web_searches: 1, nano_dollars: 7 },
    ]);
  });

  test('an entry of any amount and counts is stored within bounds, and what comes after it too', async () => {
    const ledger = await start();
    ledger.record(madeEntry(2n ** 80n, { tokens: { input: 1.5, output: Number.MAX_SAFE_INTEGER, cacheRead: Number.NaN, cacheWrite5m: Number.POSITIVE_INFINITY, cacheWrite1h: 5 } }));
    ledger.record(madeEntry(-(2n ** 80n), { client: 'bob' }));
    ledger.record(madeEntry(1n, { tokens: { input: 1, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 } }));
    await ledger.close();
    expect([ledger.lost().requests, await stored(ALICE), await stored(ORGANIZATION)]).toEqual([0, [{ requests: 2, nano_dollars: '100000000000001' }], [{ requests: 3, nano_dollars: '1' }]]);
    const [rows] = await database.run([{ sql: "SELECT * FROM ledger_days WHERE principal = 'client:alice'", values: [] }]);
    expect(rows).toMatchObject([{ input_tokens: 2, output_tokens: 1_000_000_000, cache_read_tokens: 0, cache_write_5m_tokens: 1_000_000_000, cache_write_1h_tokens: 5 }]);
  });

  test('requests of one principal, model and day share a row, and one transaction writes the rows of an interval', async () => {
    const way = shaky(database);
    const ledger = await start({ database: way, timing: { ...FAST, flushMs: 60_000 } });
    const before = way.transactions.length;
    for (let count = 0; count < 1_000; count += 1) ledger.record(madeEntry(1n, { client: `c${count % 10}` }));
    await ledger.close();
    const writing = way.transactions.slice(before).filter(([first]) => first?.sql.startsWith('UPDATE ledger_revision'));
    expect(writing).toHaveLength(1);
    // Revision, batch and its predecessors; ten days as 8 and 2; eleven scopes as 8, 2 and 1; the changes.
    expect(writing[0]).toHaveLength(3 + 2 + 3 + 1);
    expect(await stored(ORGANIZATION)).toEqual([{ requests: 1_000, nano_dollars: '1000' }]);
  });

  test('a batch whose answer was lost is not written twice', async () => {
    const way = shaky(database);
    const ledger = await start({ database: way });
    way.cut = 'behind';
    ledger.record(madeEntry(5n));
    await vi.waitFor(async () => { expect(await stored(ALICE)).toEqual([{ requests: 1, nano_dollars: '5' }]); }, WAIT);
    ledger.record(madeEntry(6n));
    expect(ledger.spentOn(ALICE, TODAY)).toBe(11n);
    way.cut = 'no';
    await vi.waitFor(async () => { expect(await stored(ALICE)).toEqual([{ requests: 2, nano_dollars: '11' }]); }, WAIT);
    await vi.waitFor(() => { expect(ledger.pending()).toBe(0); }, WAIT);
    expect(ledger.spentOn(ALICE, TODAY)).toBe(11n);
  });

  test('a batch that is applied while its process asks for it is refused whole', async () => {
    await start();
    const { createLedgerStore, FIRST_CURSOR } = await import('../../src/ledger/ledger-store.ts');
    const { PendingRows } = await import('../../src/ledger/pending-rows.ts');
    const [store, pending] = [createLedgerStore(database, 'boot'), new PendingRows()];
    pending.add(madeEntry(5n), TODAY);
    const batch = { sequence: 1, days: [], spend: [], made: [], persons: new Map(), ...pending.take() };
    await store.write(batch, FIRST_CURSOR, 0);
    await expect(store.write(batch, FIRST_CURSOR, 0)).rejects.toThrow(/UNIQUE/);
    expect([await store.has(1), await store.has(2)]).toEqual([true, false]);
    expect(await stored(ALICE)).toEqual([{ requests: 1, nano_dollars: '5' }]);
  });

  test('a store that is down: entries wait, count at once, and are written when it is back', async () => {
    const way = shaky(database);
    const onStore = vi.fn();
    const ledger = await start({ database: way, onStore, timing: { ...FAST, behindAfterMs: 50 } });
    way.cut = 'before';
    for (let count = 0; count < 100; count += 1) ledger.record(madeEntry(3n));
    await vi.waitFor(() => { expect([ledger.state(), ledger.failure()?.reason]).toEqual(['behind', 'connect ECONNREFUSED']); }, WAIT);
    expect([ledger.spentOn(ALICE, TODAY), ledger.pending()]).toEqual([300n, 100]);
    way.cut = 'no';
    await vi.waitFor(async () => { expect(await stored(ALICE)).toEqual([{ requests: 100, nano_dollars: '300' }]); }, WAIT);
    await vi.waitFor(() => { expect(onStore).toHaveBeenLastCalledWith(undefined); }, WAIT);
    expect([ledger.lost().requests, ledger.spentOn(ALICE, TODAY)]).toEqual([0, 300n]);
  });

  test('a store that is down at the start keeps no ledger from starting, and its amounts come later', async () => {
    const earlier = await start();
    earlier.record(madeEntry(9n));
    await earlier.close();
    const way = shaky(database);
    way.cut = 'before';
    const ledger = createLedger({ database: way, now: () => NOON, timing: { ...FAST, readyMs: 1 } });
    open.push(ledger);
    await ledger.ready();
    expect(ledger.state()).toBe('behind');
    ledger.record(madeEntry(1n));
    way.cut = 'no';
    await vi.waitFor(() => { expect(ledger.spentOn(ALICE, TODAY)).toBe(10n); }, WAIT);
  });

  test('more rows than may wait: further requests are lost for the store, counted, and still count in this process', async () => {
    const way = shaky(database);
    const ledger = await start({ database: way, limits: { mostBatchRows: 4, mostPendingRows: 8 } });
    way.cut = 'before';
    for (let count = 0; count < 10; count += 1) ledger.record(madeEntry(2n, { client: `c${count}` }));
    expect(ledger.state()).toBe('failed');
    const lost = ledger.lost().requests;
    expect(lost).toBeGreaterThan(0);
    expect([ledger.pending() + lost, ledger.lost().nanoDollars, ledger.spentOn(ORGANIZATION, TODAY)]).toEqual([10, BigInt(lost) * 2n, 20n]);
    way.cut = 'no';
    await vi.waitFor(async () => { expect(await stored(ORGANIZATION)).toEqual([{ requests: 10 - lost, nano_dollars: String((10 - lost) * 2) }]); }, WAIT);
    await vi.waitFor(() => { expect(ledger.state()).toBe('ok'); }, WAIT);
  });

  test('an end without its store is over in time, and counts what it could not write', async () => {
    const way = shaky(database);
    const ledger = await start({ database: way, timing: { ...FAST, closeMs: 50 } });
    way.cut = 'before';
    ledger.record(madeEntry(4n));
    await ledger.close();
    await ledger.close();
    expect(ledger.lost()).toEqual({ requests: 1, nanoDollars: 4n });
  });

  test('a disk without space: entries wait, and are written once there is some', async () => {
    const reasons: string[] = [];
    const ledger = await start({ onStore: (error) => reasons.push(String(error)) });
    const bound = async (pages: number): Promise<unknown> => database.run([{ sql: `PRAGMA max_page_count = ${pages}`, values: [] }]);
    await bound(1);
    const clients = Array.from({ length: 500 }, (_, index) => `${index}`.padStart(200, 'n'));
    for (const client of clients) ledger.record(madeEntry(1n, { client }));
    await vi.waitFor(() => { expect(reasons.some((reason) => /full/.test(reason))).toBe(true); }, WAIT);
    expect(await stored(ORGANIZATION)).toEqual([]);
    await bound(100_000);
    await vi.waitFor(async () => { expect(await stored(ORGANIZATION)).toEqual([{ requests: 500, nano_dollars: '500' }]); }, WAIT);
  });

  test('more amounts than one answer holds are read in several', async () => {
    const first = await start();
    for (let count = 0; count < 12_000; count += 1) first.record(madeEntry(1n, { client: `c${count}` }));
    await first.close();
    const second = await start();
    await vi.waitFor(() => { expect(second.state()).toBe('ok'); }, WAIT);
    expect(second.spentOn(ORGANIZATION, TODAY)).toBe(12_000n);
    expect(second.spentOn(clientScope('c11999'), TODAY)).toBe(1n);
    expect(second.spentOn(clientScope('c0'), TODAY)).toBe(1n);
  });

  test('a store of a newer release is left alone, and the reason is shown', async () => {
    await (await start()).close();
    await database.run([{ sql: 'INSERT INTO penstock_migrations (name, applied_at) VALUES (?, ?)', values: ['ledger_9999', 1] }]);
    const ledger = await start({ timing: { ...FAST, readyMs: 50, closeMs: 50 } });
    ledger.record(madeEntry(5n));
    await vi.waitFor(() => { expect(ledger.failure()?.reason).toMatch(/newer release.*ledger_9999/); }, WAIT);
    expect([ledger.state(), ledger.spentOn(ALICE, TODAY), await stored(ALICE)]).toEqual(['behind', 5n, []]);
  });

  test('a migration that was interrupted leaves nothing behind, and is done by the next start', async () => {
    const { LEDGER_MIGRATIONS } = await import('../../src/ledger/ledger-migrations.ts');
    const { migrate } = await import('@penstock/claude-code-gateway/store');
    for (const [version, { name, statements }] of LEDGER_MIGRATIONS.entries()) {
      const earlier = LEDGER_MIGRATIONS.slice(0, version);
      for (let length = 1; length <= statements.length; length += 1) {
        const broken = [...earlier, { name, statements: [...statements.slice(0, length), 'NO SQL'] }];
        await expect(migrate(database, broken, 'ledger_')).rejects.toThrow(/syntax/);
      }
    }
    const ledger = await start();
    ledger.record(madeEntry(5n));
    await ledger.close();
    expect(await stored(ALICE)).toEqual([{ requests: 1, nano_dollars: '5' }]);
  });

  test('a store of any earlier release keeps its amounts, and a batch that has no labels of metrics is corrected', async () => {
    const { LEDGER_MIGRATIONS } = await import('../../src/ledger/ledger-migrations.ts');
    const { migrate, openSqliteDatabase } = await import('@penstock/claude-code-gateway/store');
    const { createBatchStore } = await import('../../src/ledger/batches/batch-store.ts');
    for (let version = 1; version < LEDGER_MIGRATIONS.length; version += 1) {
      const earlier = openSqliteDatabase(':memory:');
      await migrate(earlier, LEDGER_MIGRATIONS.slice(0, version), 'ledger_');
      await earlier.run([{ sql: 'INSERT INTO ledger_spend (day, scope, requests, nano_dollars, revision) VALUES (?, ?, 2, 10, 1)', values: [TODAY, ALICE] }]);
      if (version > 1) await earlier.run([{
        sql: `INSERT INTO ledger_message_batches (batch_id, day, principal, model, kind, email, scopes, made_at, requests, corrected, input_tokens, output_tokens, nano_dollars)
          VALUES ('b', ?, 'client:alice', 'm', 'client', NULL, ?, ?, 2, 0, 1, 1, 5)`, values: [TODAY, JSON.stringify([ALICE]), NOON],
      }]);
      await (await start({ database: earlier })).close();
      const [batches, spent] = [createBatchStore(earlier), async () => await earlier.run([{ sql: 'SELECT requests, nano_dollars FROM ledger_spend WHERE scope = ?', values: [ALICE] }])];
      expect(await spent()).toEqual([[{ requests: 2, nano_dollars: 10 }]]);
      const batch = await batches.find('b');
      expect([batch?.record.requests, batch?.record.client, batch?.record.upstream]).toEqual([version > 1 ? 2 : undefined, undefined, undefined]);
      if (batch !== undefined) {
        await batches.correct(batch.record, [{ key: 'k', nanoDollars: 1n, tokens: { input: 1, output: 1, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 }, webSearches: 0, model: 'm' }], 1);
        expect(await spent()).toEqual([[{ requests: 2, nano_dollars: 6 }]]);
      }
      await earlier.close();
    }
  });

  test('a clock that is set back finds the amounts of its days again', async () => {
    let now = NOON;
    const ledger = await start({ now: () => now });
    ledger.record(madeEntry(5n));
    await vi.waitFor(() => { expect(ledger.pending()).toBe(0); }, WAIT);
    now += 48 * 86_400_000;
    ledger.record(madeEntry(6n, { at: now }));
    await vi.waitFor(() => { expect(ledger.pending()).toBe(0); }, WAIT);
    now = NOON;
    await vi.waitFor(() => { expect(ledger.spentOn(ALICE, TODAY)).toBe(5n); }, WAIT);
  });
});
