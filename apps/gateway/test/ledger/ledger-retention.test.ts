// What is removed from the store, and that no process with a wrong clock removes what is not old.
import { openSqliteDatabase, type SqlDatabase } from '@penstock/claude-code-gateway/store';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLedger, type LedgerOptions } from '../../src/ledger/create-ledger.ts';
import { ORGANIZATION, utcDayOf } from '../../src/ledger/ledger-entry.ts';
import { createLedgerStore, FIRST_CURSOR, MOST_PRUNED_ROWS } from '../../src/ledger/ledger-store.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { PendingRows } from '../../src/ledger/pending-rows.ts';
import { madeEntry } from './made-entries.ts';

const DAY_MS = 86_400_000;
const FAST = { flushMs: 20, exchangeMs: 10, retryMs: 10 };
const WAIT = { timeout: 60_000, interval: 5 };
/** Noon of the day, so that no test lasts from one day to the next by chance. */
const NOW = utcDayOf(Date.now()) * DAY_MS + DAY_MS / 2;
const TODAY = utcDayOf(NOW);

let database: SqlDatabase;
const open: Ledger[] = [];

beforeEach(() => { database = openSqliteDatabase(':memory:'); });

afterEach(async () => {
  await Promise.all(open.splice(0).map((ledger) => ledger.close()));
  await database.close();
});

async function start(options: LedgerOptions = {}): Promise<Ledger> {
  const ledger = createLedger({ database, now: () => NOW, timing: FAST, ...options });
  open.push(ledger);
  await ledger.ready();
  return ledger;
}

/** Writes days, counted back from today, with as many clients in each. */
async function fill(days: readonly number[], clients = 1): Promise<void> {
  const ledger = await start();
  for (const back of days) for (let client = 0; client < clients; client += 1) ledger.record(madeEntry(1n, { client: `c${client}`, at: NOW - back * DAY_MS }));
  await ledger.close();
}

const daysOf = async (table: string): Promise<readonly number[]> => {
  const [rows = []] = await database.run([{ sql: `SELECT DISTINCT day FROM ${table} ORDER BY day DESC`, values: [] }]);
  return rows.map(({ day }) => TODAY - Number(day));
};

describe('old days', () => {
  test('are removed from the start on, those of more than 400 days before the last three with spending', async () => {
    await fill([0, 1, 2, 402, 403, 404]);
    await start();
    for (const table of ['ledger_days', 'ledger_spend']) await vi.waitFor(async () => { expect(await daysOf(table)).toEqual([0, 1, 2, 402]); }, WAIT);
  });

  test('are removed in portions', async () => {
    await fill([0, 1, 2]);
    await fill([500], MOST_PRUNED_ROWS + 5);
    const store = createLedgerStore(database, 'boot');
    // The organization has a row in one of the tables besides.
    expect([await store.prune(TODAY), await daysOf('ledger_days')]).toEqual([true, [0, 1, 2, 500]]);
    expect([await store.prune(TODAY), await daysOf('ledger_days'), await daysOf('ledger_spend')]).toEqual([false, [0, 1, 2], [0, 1, 2]]);
  });

  test('are none for a process whose clock is years ahead, whether it starts so, passes midnight, or has written', async () => {
    await fill([0, 1, 2, 3, 300]);
    let now = NOW + 5 * 365 * DAY_MS;
    const wrong = await start({ now: () => now });
    for (let turn = 0; turn < 4; turn += 1) {
      wrong.record(madeEntry(1n, { at: now }));
      await vi.waitFor(() => { expect(wrong.pending()).toBe(0); }, WAIT);
      now += DAY_MS;
    }
    await wrong.close();
    const store = createLedgerStore(database, 'boot');
    await store.prune(utcDayOf(now));
    expect((await daysOf('ledger_days')).filter((back) => back >= 0)).toEqual([0, 1, 2, 3, 300]);
  });

  test('are none for a machine whose clock was set years ahead, until it had spending on three days', async () => {
    await fill([0, 1, 2]);
    const years = 1_826;
    const later: SqlDatabase = {
      run: (statements) => database.run(statements.map((statement) => (/CURRENT_TIMESTAMP/.test(statement.sql) ? { sql: `SELECT datetime('now', '+${years} days') AS clock`, values: [] } : statement))),
      close: () => Promise.resolve(),
    };
    const store = createLedgerStore(later, 'boot');
    for (const [turn, left] of [[0, [0, 1, 2]], [1, [0, 1, 2]], [2, []]] as const) {
      await fill([turn - years]);
      await store.prune(TODAY + years);
      expect((await daysOf('ledger_days')).filter((back) => back >= 0)).toEqual(left);
    }
  });

  test('that cannot be removed stop no writing, and are reported', async () => {
    const broken: SqlDatabase = { run: (statements) => (statements.some(({ sql }) => sql.startsWith('DELETE FROM ledger_days')) ? Promise.reject(new Error('statement timeout')) : database.run(statements)), close: () => Promise.resolve() };
    await fill([0, 1, 2]);
    const [onPruneFailure, onStore] = [vi.fn(), vi.fn()];
    let now = NOW;
    const ledger = await start({ database: broken, now: () => now, onPruneFailure, onStore });
    await vi.waitFor(() => { expect(onPruneFailure).toHaveBeenCalledTimes(1); }, WAIT);
    now += DAY_MS;
    ledger.record(madeEntry(1n, { at: now }));
    await vi.waitFor(() => { expect(onPruneFailure).toHaveBeenCalledTimes(2); }, WAIT);
    await vi.waitFor(() => { expect(ledger.pending()).toBe(0); }, WAIT);
    expect([ledger.failure(), onStore.mock.calls, ledger.spentOn(ORGANIZATION, TODAY + 1)]).toEqual([undefined, [], 1n]);
  });
});

describe('batches of other processes', () => {
  test('are remembered for 30 days by the clock of the database', async () => {
    const [early, late] = [createLedgerStore(database, 'early'), createLedgerStore(database, 'late')];
    await late.prepare();
    const pending = new PendingRows();
    pending.add(madeEntry(1n, { at: NOW }), TODAY);
    await early.write({ sequence: 1, days: [], spend: [], made: [], persons: new Map(), ...pending.take() }, FIRST_CURSOR, 0);
    await late.prune(TODAY + 3_650);
    expect(await early.has(1)).toBe(true);
    await database.run([{ sql: 'UPDATE ledger_batches SET applied_at = ?', values: [NOW - 32 * DAY_MS] }]);
    await late.prune(TODAY);
    expect(await early.has(1)).toBe(false);
  });
});

describe('rows', () => {
  test('are as many as there are principals, kinds and models, however these are called', async () => {
    const ledger = await start();
    ledger.record(madeEntry(1n, { at: NOW, model: 'a', principal: 'b c' }));
    ledger.record(madeEntry(2n, { at: NOW, model: 'a b', principal: 'c' }));
    ledger.record(madeEntry(4n, { at: NOW, model: 'm', principal: 'client:ci', kind: 'client' }));
    ledger.record(madeEntry(8n, { at: NOW, model: 'm', principal: 'client:ci', kind: 'person' }));
    await ledger.close();
    const [rows = []] = await database.run([{ sql: 'SELECT principal, kind, nano_dollars FROM ledger_days ORDER BY nano_dollars', values: [] }]);
    expect(rows.map((row) => [row['principal'], row['kind'], row['nano_dollars']])).toEqual([['b c', 'client', 1], ['c', 'client', 2], ['client:ci', 'client', 4], ['client:ci', 'person', 8]]);
  });
});
