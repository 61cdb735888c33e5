// What was charged of an open request before midnight is taken back of that day: the new day, week or month gets no credit.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { budgetsOfConfig, createBudgetBook } from '../../src/access/budgets/budget-book.ts';
import { createBudgetGate } from '../../src/access/budgets/budget-gate.ts';
import { budgetsSection } from '../../src/config/sections/budgets-section.ts';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import { clientScope, utcDayOf, type LedgerEntry } from '../../src/ledger/ledger-entry.ts';
import { createOpenCharges } from '../../src/ledger/open-charges.ts';
import { cents } from '../access/budgets/spend-of-tests.ts';
import { madeEntry } from './made-entries.ts';

/** A midnight with which a day, a week and a month begin: Monday, 1 June 2026. */
const MIDNIGHT = Date.UTC(2026, 5, 1);
const CI = clientScope('ci');
const SCOPES = madeEntry(0n, { client: 'ci' }).scopes;

beforeEach(() => { vi.useFakeTimers({ toFake: ['Date'], now: MIDNIGHT - 500 }); });
afterEach(() => { vi.useRealTimers(); });

function openWorld() {
  const entries: LedgerEntry[] = [];
  const ledger = createLedger();
  const budgets = budgetsSection.parse(['daily', 'weekly', 'monthly'].map((period) => ({ scope: { client: 'ci' }, share: 'each', period, amount_cents: 1_000 })));
  const gate = createBudgetGate({ spend: ledger, onFailure: 'open', book: createBudgetBook(budgetsOfConfig(budgets, { issuers: [] })) });
  const account = gate.accountOf('ci', 'ci', undefined) ?? expect.fail('no budget');
  const record = (entry: LedgerEntry): void => {
    entries.push(entry);
    ledger.record(entry);
  };
  const charges = createOpenCharges({ open: () => [], entryOf: () => undefined, isNeeded: () => true, onError: (error) => { throw error; }, record });
  const spender = { startedAt: 0 };
  return {
    ledger, record,
    book: (amount: number, model = 'claude-x') => charges.book(spender, madeEntry(cents(amount), { client: 'ci', at: Date.now(), scopes: SCOPES, model })),
    takeBack: () => charges.takeBack(spender),
    spent: () => gate.statesOf(account).map(({ spent }) => spent),
    of: (day: number): bigint => entries.filter(({ at }) => utcDayOf(at) === utcDayOf(MIDNIGHT) + day).reduce((sum, { nanoDollars }) => sum + nanoDollars, 0n),
    close: () => charges.close(),
  };
}

test('over midnight: a batch that is refused after it leaves nothing on either day, and no budget below zero', () => {
  const world = openWorld();
  world.book(990);
  expect(world.spent()).toEqual([cents(990), cents(990), cents(990)]);
  vi.setSystemTime(MIDNIGHT + 500);
  world.takeBack();
  expect(world.spent()).toEqual([0n, 0n, 0n]);
  expect([world.of(-1), world.of(0), world.ledger.spentOn(CI, utcDayOf(MIDNIGHT) - 1)]).toEqual([0n, 0n, 0n]);
  world.close();
});

test('over two midnights: a stream is charged on each day, and its end takes back of each day what it had', () => {
  const world = openWorld();
  world.book(100);
  world.book(150);
  vi.setSystemTime(MIDNIGHT + 500);
  world.book(400);
  world.book(500);
  expect([world.of(-1), world.of(0)]).toEqual([cents(150), cents(350)]);
  vi.setSystemTime(MIDNIGHT + 86_400_500);
  world.book(600);
  expect([world.of(-1), world.of(0), world.of(1)]).toEqual([cents(150), cents(350), cents(100)]);
  world.takeBack();
  expect([world.of(-1), world.of(0), world.of(1), world.spent()]).toEqual([0n, 0n, 0n, [0n, 0n, 0n]]);
  world.record(madeEntry(cents(610), { client: 'ci', at: Date.now(), scopes: SCOPES }));
  expect(world.spent()).toEqual([cents(610), cents(610), cents(610)]);
  world.close();
});

test('over midnight: another model of the same request leaves nothing of the first one on the day before', () => {
  const world = openWorld();
  world.book(100);
  vi.setSystemTime(MIDNIGHT + 500);
  world.book(300, 'claude-y');
  expect([world.of(-1), world.of(0), world.spent()]).toEqual([0n, cents(300), [cents(300), cents(300), cents(300)]]);
  world.close();
});
