// More persons than a process holds: what a person spent who was forgotten is known again when it returns.
import { openSqliteDatabase, type SqlDatabase } from '@penstock/claude-code-gateway/store';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLedger, type LedgerOptions } from '../../src/ledger/create-ledger.ts';
import { ORGANIZATION, userScope, utcDayOf, type LedgerEntry } from '../../src/ledger/ledger-entry.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { madeEntry, NOON } from './made-entries.ts';

const TODAY = utcDayOf(NOON);
const WAIT = { timeout: 60_000, interval: 5 };
const PERSONS = ['a', 'b', 'c', 'd', 'e'];

let database: SqlDatabase;
const open: Ledger[] = [];

beforeEach(() => { database = openSqliteDatabase(':memory:'); });

afterEach(async () => {
  await Promise.all(open.splice(0).map((ledger) => ledger.close()));
  await database.close();
});

async function start(options: LedgerOptions = {}): Promise<Ledger> {
  const ledger = createLedger({ database, now: () => NOON, timing: { flushMs: 20, exchangeMs: 10, retryMs: 10 }, limits: { mostScopes: 2 }, ...options });
  open.push(ledger);
  await ledger.ready();
  return ledger;
}

const ofPerson = (name: string, nanoDollars: bigint, back = 0): LedgerEntry =>
  madeEntry(nanoDollars, { principal: name, kind: 'person', scopes: [userScope(name), ORGANIZATION], at: NOON - back * 86_400_000 });

const becomes = (ledger: Ledger, person: string, nanoDollars: bigint): Promise<void> =>
  vi.waitFor(() => { expect(ledger.spentOn(userScope(person), TODAY - 30)).toBe(nanoDollars); }, WAIT);

test('a person that was forgotten goes on with all its days when it spends again', async () => {
  const ledger = await start();
  const heard = vi.fn();
  for (const person of PERSONS) for (const back of [0, 1, 9]) ledger.record(ofPerson(person, 10n, back));
  await vi.waitFor(() => { expect(ledger.pending()).toBe(0); }, WAIT);
  ledger.onSpend(heard);
  ledger.record(ofPerson('a', 1n));
  await vi.waitFor(() => { expect(heard).toHaveBeenCalledWith(userScope('a'), TODAY - 9, undefined); }, WAIT);
  await becomes(ledger, 'a', 31n);
  expect(ledger.spentOn(ORGANIZATION, TODAY - 30)).toBe(151n);
});

test('a start with more persons than are held knows each one when it is asked for, and what others spend meanwhile', async () => {
  const first = await start();
  for (const person of PERSONS) for (const back of [0, 3]) first.record(ofPerson(person, 10n, back));
  await first.close();
  const second = await start();
  for (const person of PERSONS) await becomes(second, person, 20n);
  const other = await start();
  other.record(ofPerson('a', 5n));
  await vi.waitFor(() => { expect(other.pending()).toBe(0); }, WAIT);
  await becomes(second, 'a', 25n);
  await becomes(second, 'b', 20n);
});

test('a person is recalled although the store was down when it returned', async () => {
  let isDown = false;
  const way: SqlDatabase = { run: (statements) => (isDown ? Promise.reject(new Error('connect ECONNREFUSED')) : database.run(statements)), close: () => Promise.resolve() };
  const ledger = await start({ database: way });
  for (const person of PERSONS) ledger.record(ofPerson(person, 10n));
  await vi.waitFor(() => { expect(ledger.pending()).toBe(0); }, WAIT);
  isDown = true;
  ledger.record(ofPerson('a', 1n));
  expect(ledger.spentOn(userScope('a'), TODAY)).toBe(1n);
  isDown = false;
  await becomes(ledger, 'a', 11n);
});
