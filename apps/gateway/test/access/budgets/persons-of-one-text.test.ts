// A person who signed in may have a subject of the form of another issuer's caller: they are two, in the ledger, in budgets, in limits and in reports.
import { openSqliteDatabase } from '@penstock/claude-code-gateway/store';
import { expect, test } from 'vitest';
import { budgetsOfConfig, createBudgetBook } from '../../../src/access/budgets/budget-book.ts';
import { createBudgetGate } from '../../../src/access/budgets/budget-gate.ts';
import { readScope } from '../../../src/access/budgets/budget-scope.ts';
import { principalKey, type Person, type Principal } from '../../../src/access/identity/principal.ts';
import { principalId, readPrincipalId, userIdOf } from '../../../src/access/identity/principal-id.ts';
import { createListEffective } from '../../../src/access/spend-limits/effective-limits.ts';
import { readChange } from '../../../src/access/spend-limits/read-change.ts';
import { budgetsSection } from '../../../src/config/sections/budgets-section.ts';
import { createLedger } from '../../../src/ledger/create-ledger.ts';
import { createEntriesOfRequest, type SettledCost } from '../../../src/ledger/entries-of-request.ts';
import { utcDayOf } from '../../../src/ledger/ledger-entry.ts';
import { readUsage } from '../../../src/ledger/usage/read-usage.ts';
import { cents } from './spend-of-tests.ts';

const person = (issuer: string, subject: string): Person => ({ kind: 'person', issuer, subject, groups: [] });
const IDENTITY = { issuers: [{ name: 'ci' }] };
const WORKLOAD = person('ci', 'deploy');
const SIGNED_IN = person('sign_in', 'ci:deploy');
const COST: SettledCost['cost'] = {
  nanoDollars: cents(100), isEstimated: false, isPriceKnown: true, tokens: { input: 1, output: 1, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 }, webSearches: 0, model: 'claude-x', parts: undefined, batch: undefined,
};

test('persons of one text: each spends its own budget, has rows of its own, and limits that name it', async () => {
  const database = openSqliteDatabase(':memory:');
  const ledger = createLedger({ database, timing: { flushMs: 10 } });
  const users = ['ci:deploy', 'sign_in:ci:deploy'];
  const book = createBudgetBook(budgetsOfConfig(budgetsSection.parse(users.map((user, index) => ({ scope: { user }, share: 'each', amount_cents: 100 + index }))), IDENTITY));
  const gate = createBudgetGate({ spend: ledger, book, onFailure: 'open' });
  const entries = createEntriesOfRequest();
  const account = (of: Person) => gate.accountOf(principalKey(of), 'everyone', of) ?? expect.fail('no budget');
  for (const entry of entries({ cost: COST, client: 'everyone', person: SIGNED_IN }, Date.now())) ledger.record(entry);
  expect([WORKLOAD, SIGNED_IN].map((of) => gate.statesOf(account(of)).map(({ spent, budget }) => [spent, budget.nanoDollars]))).toEqual([[[0n, cents(100)]], [[cents(100), cents(101)]]]);
  expect(gate.findBlock(account(WORKLOAD))).toBeUndefined();
  for (const entry of entries({ cost: COST, client: 'everyone', person: WORKLOAD }, Date.now())) ledger.record(entry);
  expect(gate.findBlock(account(WORKLOAD))).toMatchObject({ kind: 'spent' });
  expect(gate.findBlock(account(SIGNED_IN))).toBeUndefined();
  await expect.poll(() => ledger.pending(), { timeout: 60_000 }).toBe(0);
  const today = utcDayOf(Date.now());
  const { rows } = await readUsage(database, { by: 'person', sinceDay: today - 1, untilDay: today });
  expect(rows.map(({ name, requests }) => [name, requests])).toEqual([['ci:deploy', 1], ['sign_in:ci:deploy', 1]]);
  const { data } = await createListEffective({ database, gate, identity: () => IDENTITY, now: Date.now })(new URLSearchParams('period[]=monthly')) as { data: { actor: { user_id: string }; amount: string }[] };
  expect(data.map(({ actor, amount }) => [actor.user_id, amount])).toEqual([['ci:deploy', '100'], ['sign_in:ci:deploy', '101']]);
  await ledger.close();
  await database.close();
});

const DIGESTED = principalId(person('ci', 'n'.repeat(400)));
const DIFFERENT: readonly Principal[] = [
  WORKLOAD, SIGNED_IN, person('sign_in', 'sign_in:ci:deploy'), person('sign_in', 'deploy'), person('sign_in', 'client:deploy'), { kind: 'client', name: 'deploy' }, person('ci', 'sign_in:deploy'),
  person('ci', 'a\0b'), person('ci', 'a\u{FFFD}b'), person('ci', 'a\ud800b'), person('ci', 'a\ud801b'), person('ci', 'n'.repeat(400)), person('ci', `${'n'.repeat(400)}m`), person('ci', DIGESTED.slice('ci:'.length)),
];

test('principal ids: no two principals have one, whatever their subjects are, and stores take each', () => {
  const ids = DIFFERENT.map(principalId);
  expect(new Set(ids).size).toBe(DIFFERENT.length);
  for (const id of ids) expect([id.isWellFormed(), id.includes('\0'), id.length <= 256]).toEqual([true, false, true]);
  expect(DIFFERENT.slice(0, 7).map(principalId).map(readPrincipalId)).toEqual(DIFFERENT.slice(0, 7));
});

test('a user of a budget or a limit is written in either form, and is one person', () => {
  expect(['alice', 'sign_in:alice', 'sign_in:ci:deploy', 'ci:deploy'].map((text) => userIdOf(text, IDENTITY))).toEqual(['alice', 'alice', 'sign_in:ci:deploy', 'ci:deploy']);
  expect(readScope({ user: 'sign_in:alice' }, IDENTITY)).toEqual({ kind: 'user', name: 'alice' });
  expect(readChange('{"scope":{"type":"user","user_id":"sign_in:alice"},"amount":"1"}', IDENTITY)).toMatchObject({ change: { scopeType: 'user', scopeId: 'alice' } });
});
