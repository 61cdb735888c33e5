// What 50,000 persons take in memory who each spent something and were answered: amounts, names, and what budgets remember.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { budgetsOfConfig, createBudgetBook } from '../../../src/access/budgets/budget-book.ts';
import { createBudgetGate } from '../../../src/access/budgets/budget-gate.ts';
import { principalKey, type Person } from '../../../src/access/identity/principal.ts';
import { budgetsSection } from '../../../src/config/sections/budgets-section.ts';
import { createEntriesOfRequest } from '../../../src/ledger/entries-of-request.ts';
import { createLedger } from '../../../src/ledger/create-ledger.ts';
import { ORGANIZATION } from '../../../src/ledger/ledger-entry.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const PERSONS = 50_000;
const MOST_BYTES = 50_000_000;
const BUDGETS = [
  { scope: { user: true }, share: 'each', period: 'daily', amount_cents: 1_000 }, { scope: { user: true }, share: 'each', amount_cents: 10_000 },
  { scope: { group: 'eng' }, share: 'pooled', amount_cents: 100_000_000 },
];
const COST = { nanoDollars: 7_000_000n, isEstimated: false, isPriceKnown: true, model: 'claude-x', tokens: { input: 10, output: 20, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 }, webSearches: 0 };

function heldBytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A person as each of its tokens makes it: texts of its own. */
const personOf = (index: number): Person => ({
  kind: 'person', issuer: 'sign_in', subject: `subject-${index}-0123456789abcdef`, email: `person.${index}@company.example`, name: `Person Number ${index}`, groups: ['eng'], signInId: `sid-${index}`,
});

test('50,000 persons with budgets take less than 50 MB', { timeout: 60_000 }, async () => {
  const before = heldBytes();
  const ledger = createLedger();
  const gate = createBudgetGate({ spend: ledger, book: createBudgetBook(budgetsOfConfig(budgetsSection.parse(BUDGETS), { issuers: [] })), onFailure: 'open' });
  const entriesOf = createEntriesOfRequest();
  for (let index = 0; index < PERSONS; index += 1) {
    const person = personOf(index);
    const account = gate.accountOf(principalKey(person), 'everyone', person) ?? expect.fail('no budget holds');
    for (const entry of entriesOf({ cost: COST, client: 'everyone', person }, Date.now())) ledger.record(entry);
    expect(gate.fieldsOf(account)).not.toEqual([]);
  }
  // What is held for a token ends with the turn that read it.
  await new Promise((resolve) => { setImmediate(resolve); });
  const held = heldBytes() - before;
  expect(ledger.spentOn(ORGANIZATION, 0)).toBe(BigInt(PERSONS) * COST.nanoDollars);
  expect(gate.size).toBe(PERSONS);
  console.log(`${PERSONS} persons take ${(held / 1_000_000).toFixed(1)} MB`);
  expect(held).toBeLessThan(MOST_BYTES);
  await ledger.close();
});
