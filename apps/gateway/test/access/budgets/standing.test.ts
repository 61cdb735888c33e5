// The fields of answers and the admission of requests are those that the states have at each moment, however much of them is remembered.
import { expect, test } from 'vitest';
import { budgetsOfConfig, createBudgetBook } from '../../../src/access/budgets/budget-book.ts';
import { createBudgetGate, type BudgetGate } from '../../../src/access/budgets/budget-gate.ts';
import { fullest, type BudgetAccount } from '../../../src/access/budgets/budget-state.ts';
import { standingFields } from '../../../src/access/budgets/unified-headers.ts';
import { budgetsSection } from '../../../src/config/sections/budgets-section.ts';
import { createLedger } from '../../../src/ledger/create-ledger.ts';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import { madeEntry, NOON } from '../../ledger/made-entries.ts';

const DAY = 86_400_000;
const CENT = 10_000_000;
const NAMES = ['c0', 'c1', 'c2'] as const;

interface World { readonly ledger: Ledger; readonly gate: BudgetGate; readonly accountOf: (client: string) => BudgetAccount; readonly pass: (ms: number) => void }

function worldOf(budgets: readonly object[]): World {
  let now = NOON;
  const ledger = createLedger({ now: () => now });
  const gate = createBudgetGate({ spend: ledger, book: createBudgetBook(budgetsOfConfig(budgetsSection.parse(budgets), { issuers: [] })), onFailure: 'open', now: () => now });
  return {
    ledger, gate,
    accountOf(client) {
      const found = gate.accountOf(client, client, undefined);
      if (found === undefined) throw new Error('no budget holds');
      return found;
    },
    pass: (ms) => { now += ms; },
  };
}

function check({ gate }: World, account: BudgetAccount): void {
  // First what may be answered without adding up what was recorded just now.
  const [fields, block] = [gate.fieldsOf(account), gate.findBlock(account)];
  const states = gate.statesOf(account);
  const shown = fullest(states);
  expect(fields).toEqual(shown === undefined ? [] : standingFields(shown));
  expect(block !== undefined).toBe(states.some(({ budget, spent }) => budget.stop && spent >= budget.nanoDollars));
}

test.each([
  ['of equal amounts, as the fields of both are the same', [{ scope: { client: true }, share: 'each', amount_cents: 100 }, { scope: { organization: true }, share: 'pooled', amount_cents: 100 }]],
  ['of several periods, which take each other over', [
    { scope: { client: true }, share: 'each', period: 'daily', amount_cents: 7 }, { scope: { client: true }, share: 'each', period: 'weekly', amount_cents: 50, warn_at: [0.5], stop: false },
    { scope: { organization: true }, share: 'pooled', amount_cents: 500 },
  ]],
  ['of nothing, and far beyond 2^53 nano-dollars', [{ scope: { client: 'c0' }, share: 'each', amount_cents: 0, stop: false }, { scope: { organization: true }, share: 'pooled', amount_cents: 90_000_000_000 }]],
])('standing: amounts, corrections, other days and their ends leave what the states are: budgets %s', (_name, budgets) => {
  const world = worldOf(budgets);
  let seed = 1;
  const random = (bound: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % bound;
  };
  let at = NOON;
  for (let step = 0; step < 3_000; step += 1) {
    const client = NAMES[random(3)] ?? 'c0';
    if (random(50) === 0) {
      const ms = random(3) === 0 ? random(9) * DAY : random(DAY);
      at += ms;
      world.pass(ms);
    }
    const amount = random(20) === 0 ? -random(CENT) : random(CENT / 5);
    const entry = madeEntry(BigInt(amount), { client, at: random(30) === 0 ? at - DAY : at });
    if (random(2) === 0) world.ledger.record(entry);
    else world.ledger.recordLater(Math.abs(amount), () => [entry]);
    check(world, world.accountOf(client));
  }
});

test('standing: an answer makes no fields anew before a hundredth is reached, and does at the nano-dollar that reaches it', () => {
  const { ledger, gate, accountOf } = worldOf([{ scope: { client: true }, share: 'each', amount_cents: 100, warn_at: [0.02] }]);
  const account = accountOf('c0');
  const spend = (nanoDollars: number): readonly string[] => {
    ledger.record(madeEntry(BigInt(nanoDollars), { client: 'c0' }));
    return gate.fieldsOf(account);
  };
  const first = spend(1);
  const second = spend(1);
  // The first amount of a day is one of which the sums are made anew.
  expect(second).toEqual(first);
  expect(spend(CENT - 3)).toBe(second);
  const reached = spend(1);
  expect([second, reached].map((fields) => fields[7])).toEqual(['0.00', '0.01']);
  expect(spend(CENT - 1)).toBe(reached);
  expect(spend(1)).toContain('allowed_warning');
});
