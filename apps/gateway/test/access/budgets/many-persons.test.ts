// What is remembered of many persons with budgets is bounded by counts, and no token of theirs is part of it.
import { expect, it } from 'vitest';
import { budgetsOfConfig, createBudgetBook } from '../../../src/access/budgets/budget-book.ts';
import { createBudgetGate } from '../../../src/access/budgets/budget-gate.ts';
import type { BudgetAccount } from '../../../src/access/budgets/budget-state.ts';
import { createSpendIndex, MOST_SUMMED_SCOPES } from '../../../src/access/budgets/spend-index.ts';
import { dayOf } from '../../../src/access/budgets/calendar.ts';
import { principalKey, type Person } from '../../../src/access/identity/principal.ts';
import { budgetsSection } from '../../../src/config/sections/budgets-section.ts';
import { createLedger } from '../../../src/ledger/create-ledger.ts';
import { userScope } from '../../../src/ledger/ledger-entry.ts';
import { madeEntry, NOON } from '../../ledger/made-entries.ts';

const person = (subject: string): Person => ({ kind: 'person', issuer: 'sign_in', subject, email: `${subject}@x.example`, name: `Person ${subject}`, groups: ['eng'], signInId: `sid-${subject}` });
const BUDGETS = [{ scope: { user: true }, share: 'each', amount_cents: 1_000 }];

function gateOf(mostStandings: number) {
  const ledger = createLedger({ now: () => NOON });
  const gate = createBudgetGate({ spend: ledger, book: createBudgetBook(budgetsOfConfig(budgetsSection.parse(BUDGETS), { issuers: [] })), onFailure: 'open', now: () => NOON, mostStandings });
  const account = (of: Person): BudgetAccount => gate.accountOf(principalKey(of), 'everyone', of) ?? expect.fail('no budget');
  return { ledger, gate, account };
}

it('many persons: what the last answer had is kept of so many only, of those that were answered last, and all others are answered as well', () => {
  const { ledger, gate, account } = gateOf(10);
  const persons = Array.from({ length: 100 }, (_, index) => person(`p${index}`));
  const accounts = persons.map(account);
  for (const each of accounts) expect(gate.fieldsOf(each)).not.toEqual([]);
  expect(accounts.flatMap(({ standing }, index) => (standing === undefined ? [] : [index]))).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
  ledger.record(madeEntry(10_000_000_000n, { principal: 'p0', kind: 'person', scopes: [userScope('p0')] }));
  expect(accounts.slice(0, 2).map((each) => gate.findBlock(each)?.kind)).toEqual(['spent', undefined]);
  gate.fieldsOf(accounts[0] as BudgetAccount);
  expect(accounts.filter(({ standing }) => standing !== undefined)).toHaveLength(10);
  expect(accounts[90]?.standing).toBeUndefined();
});

it('many persons: an account keeps neither the token nor a list of groups of its own, and a name', () => {
  const { account } = gateOf(10);
  const [alice, bob] = [person('alice'), person('bob')];
  expect(account(alice).principal).toEqual({ name: 'Person alice', groups: ['eng'], seenAt: expect.any(Number) as number });
  expect(account(alice).principal.groups).toBe(account(bob).principal.groups);
  expect([Object.values(account(alice)), Object.values(account(bob))].flat()).not.toContain(alice);
  expect(account(alice)).toBe(account(alice));
});

it('many persons: after a change of budgets a person is known with its groups, and its account is made anew', () => {
  const { gate, account } = gateOf(10);
  const alice = person('alice');
  const before = account(alice);
  gate.update(createBudgetBook(budgetsOfConfig(budgetsSection.parse([{ scope: { user: true }, share: 'each', amount_cents: 5 }]), { issuers: [] })), 'open');
  expect(gate.personOf(userScope('alice'))).toMatchObject({ groups: ['eng'] });
  expect(account(alice).budgets).not.toBe(before.budgets);
  expect(account(alice).budgets.map(({ nanoDollars }) => nanoDollars)).toEqual([50_000_000n]);
});

it('many persons: sums of so many scopes are kept, and those of one more are added up again', () => {
  const ledger = createLedger({ now: () => NOON });
  const index = createSpendIndex(ledger);
  const day = dayOf(NOON);
  ledger.record(madeEntry(7n, { principal: 'first', kind: 'person', scopes: [userScope('first')] }));
  expect(index.read(userScope('first'), 'daily', day)).toBe(7n);
  for (let other = 0; other < MOST_SUMMED_SCOPES + 5; other += 1) index.read(userScope(`p${other}`), 'daily', day);
  expect(index.size).toBe(MOST_SUMMED_SCOPES);
  expect(index.read(userScope('first'), 'monthly', day)).toBe(7n);
});
