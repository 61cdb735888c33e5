// Sums that changes are added to are those that are made anew.
import { expect, test } from 'vitest';
import { dayOf, spansOf } from '../../../src/access/budgets/calendar.ts';
import { createSpendIndex, type SpendIndex } from '../../../src/access/budgets/spend-index.ts';
import { BUDGET_PERIODS } from '../../../src/config/sections/budgets-section.ts';
import { createLedger } from '../../../src/ledger/create-ledger.ts';
import { userScope, type SpendScope } from '../../../src/ledger/ledger-entry.ts';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import { madeEntry, NOON } from '../../ledger/made-entries.ts';

const DAY = 86_400_000;

function check(index: SpendIndex, ledger: Ledger, scope: SpendScope, now: number): void {
  const day = dayOf(now);
  for (const period of BUDGET_PERIODS) expect([period, index.read(scope, period, day)]).toEqual([period, ledger.spentOn(scope, spansOf(day)[period].fromDay)]);
}

test('spend index: charges and corrections of any day, over the ends of days, weeks and months, leave the sums that are made anew', () => {
  let now = NOON;
  let seed = 1;
  const random = (bound: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % bound;
  };
  const ledger = createLedger({ now: () => now });
  const index = createSpendIndex(ledger);
  for (let step = 0; step < 3_000; step += 1) {
    if (random(10) === 0) now += random(3) === 0 ? random(9) * DAY : random(DAY);
    if (random(200) === 0) now -= DAY;
    const client = `c${random(3)}`;
    ledger.record(madeEntry(BigInt(random(1_000) - 300), { client, at: now - random(20) * DAY }));
    if (random(2) === 0) check(index, ledger, `client:${client}`, now);
    check(index, ledger, 'organization', now);
  }
});

test('spend index: a person that was forgotten and spends again has no amount twice', () => {
  const ledger = createLedger({ now: () => NOON, limits: { mostScopes: 2 } });
  const index = createSpendIndex(ledger);
  const spend = (person: string, amount: bigint): void => { ledger.record(madeEntry(amount, { principal: person, kind: 'person', scopes: [userScope(person)] })); };
  spend('first', 5n);
  spend('first', 6n);
  check(index, ledger, 'user:first', NOON);
  expect(index.read('user:first', 'daily', dayOf(NOON))).toBe(11n);
  spend('second', 1n);
  spend('third', 1n);
  spend('first', 7n);
  check(index, ledger, 'user:first', NOON);
  expect(index.read('user:first', 'daily', dayOf(NOON))).toBe(7n);
});
