import { describe, expect, it } from 'vitest';
import { budgetsOfConfig, createBudgetBook } from '../../../src/access/budgets/budget-book.ts';
import { createBudgetGate, type BudgetGate } from '../../../src/access/budgets/budget-gate.ts';
import { fullest, type BudgetAccount } from '../../../src/access/budgets/budget-state.ts';
import { dayOf } from '../../../src/access/budgets/calendar.ts';
import type { Person } from '../../../src/access/identity/principal.ts';
import { budgetsSection } from '../../../src/config/sections/budgets-section.ts';
import { cents, createTestSpend, type TestSpend } from './spend-of-tests.ts';

const bob: Person = { kind: 'person', issuer: 'sign_in', subject: 'bob', groups: ['eng'] };
const at = (time: string): number => Date.parse(time);
const day = (time: string): number => dayOf(at(time));

interface World { readonly gate: BudgetGate; readonly spend: TestSpend; readonly setTime: (time: string) => void; readonly account: (person?: Person) => BudgetAccount }

function worldOf(budgets: readonly object[], options: { onFailure?: 'open' | 'closed'; mostAccounts?: number } = {}): World {
  const spend = createTestSpend();
  let now = at('2026-11-29T12:00:00Z');
  const gate = createBudgetGate({ spend, book: createBudgetBook(budgetsOfConfig(budgetsSection.parse(budgets), { issuers: [] })), onFailure: options.onFailure ?? 'open', now: () => now, ...options });
  return {
    gate, spend,
    setTime: (time) => { now = at(time); },
    account: (person = bob) => {
      const found = gate.accountOf(`key of ${person.subject}`, 'policy', person);
      if (found === undefined) throw new Error('no budget holds');
      return found;
    },
  };
}

const monthly = { scope: { user: 'bob' }, share: 'each', amount_cents: 100 };

describe('budget gate', () => {
  it('a caller is blocked from the nano-dollar on that spends its budget, until the period ends', () => {
    const { gate, spend, account, setTime } = worldOf([monthly]);
    spend.spend('user:bob', day('2026-11-01'), cents(100) - 1n);
    expect(gate.findBlock(account())).toBeUndefined();
    spend.spend('user:bob', day('2026-11-29'), 1n);
    expect(gate.findBlock(account())).toMatchObject({ kind: 'spent', state: { spent: cents(100), percent: 100, resetsAt: at('2026-12-01') / 1_000 } });
    setTime('2026-11-30T23:59:59.999Z');
    expect(gate.findBlock(account())).toBeDefined();
    setTime('2026-12-01T00:00:00Z');
    expect(gate.findBlock(account())).toBeUndefined();
  });

  it('a clock that is set back over the boundary blocks again', () => {
    const { gate, spend, account, setTime } = worldOf([monthly]);
    spend.spend('user:bob', day('2026-11-29'), cents(100));
    setTime('2026-12-01T00:00:01Z');
    expect(gate.findBlock(account())).toBeUndefined();
    setTime('2026-11-30T23:59:58Z');
    expect(gate.findBlock(account())).toBeDefined();
  });

  it('of several that are spent the one that resets last is the reason, and any one blocks', () => {
    const { gate, spend, account } = worldOf([{ ...monthly, period: 'daily' }, { ...monthly, period: 'weekly', amount_cents: 1_000 }, { scope: { group: 'eng' }, share: 'pooled', period: 'monthly', amount_cents: 500 }]);
    spend.spend('user:bob', day('2026-11-29'), cents(100));
    expect(gate.findBlock(account())).toMatchObject({ state: { budget: { period: 'daily' } } });
    spend.spend('group:eng', day('2026-11-02'), cents(500));
    expect(gate.findBlock(account())).toMatchObject({ state: { budget: { period: 'monthly', share: 'pooled' } } });
    expect(gate.findBlock(account({ ...bob, subject: 'carol' }))).toMatchObject({ state: { budget: { share: 'pooled' } } });
    expect(gate.accountOf('key of dora', 'policy', { ...bob, subject: 'dora', groups: [] })).toBeUndefined();
  });

  it('a budget that only warns never blocks, and its caller is not capped; one of nothing always does', () => {
    const warning = worldOf([{ ...monthly, stop: false }]);
    warning.spend.spend('user:bob', day('2026-11-29'), cents(500));
    expect(warning.gate.findBlock(warning.account())).toBeUndefined();
    expect(warning.account().isCapped).toBe(false);
    expect(warning.gate.statesOf(warning.account())).toMatchObject([{ percent: 500, surpassed: 0.95 }]);
    const none = worldOf([{ ...monthly, amount_cents: 0 }]);
    expect(none.gate.findBlock(none.account())).toMatchObject({ state: { percent: 100 } });
  });

  it('thresholds are passed at their part of the amount', () => {
    const { gate, spend, account } = worldOf([{ ...monthly, warn_at: [0.95, 0.75] }]);
    const surpassed = (): unknown => gate.statesOf(account())[0]?.surpassed;
    spend.spend('user:bob', day('2026-11-29'), cents(75) - 1n);
    expect(surpassed()).toBeUndefined();
    spend.spend('user:bob', day('2026-11-29'), 1n);
    expect(surpassed()).toBe(0.75);
    spend.spend('user:bob', day('2026-11-29'), cents(20));
    expect(surpassed()).toBe(0.95);
  });

  it('the fullest is the one of which most is spent in proportion', () => {
    const { gate, spend, account } = worldOf([{ ...monthly, period: 'daily', amount_cents: 10 }, monthly]);
    spend.spend('user:bob', day('2026-11-28'), cents(60));
    spend.spend('user:bob', day('2026-11-29'), cents(5));
    expect(fullest(gate.statesOf(account()))?.budget.period).toBe('monthly');
    spend.spend('user:bob', day('2026-11-29'), cents(3));
    expect(fullest(gate.statesOf(account()))?.budget.period).toBe('daily');
    expect(fullest([])).toBeUndefined();
  });

  it('while the ledger fails callers with a budget that stops are refused if that is configured', () => {
    const open = worldOf([monthly]);
    open.spend.fail(1);
    expect(open.gate.findBlock(open.account())).toBeUndefined();
    const closed = worldOf([monthly], { onFailure: 'closed' });
    closed.spend.fail(1);
    expect(closed.gate.findBlock(closed.account())).toEqual({ kind: 'unknown' });
    closed.spend.fail(undefined);
    expect(closed.gate.findBlock(closed.account())).toBeUndefined();
  });

  it('a decision adds nothing up unless something was spent or a day began', () => {
    const { gate, spend, account, setTime } = worldOf([monthly, { ...monthly, period: 'daily' }]);
    gate.findBlock(account());
    const first = spend.asked;
    for (let index = 0; index < 100; index += 1) gate.findBlock(account());
    expect(spend.asked).toBe(first);
    spend.spend('user:carol', day('2026-11-29'), 1n);
    gate.findBlock(account());
    expect(spend.asked).toBe(first);
    spend.spend('user:bob', day('2026-11-29'), 1n);
    gate.findBlock(account());
    expect(spend.asked).toBe(first * 2);
    setTime('2026-11-30T00:00:00Z');
    gate.findBlock(account());
    expect(spend.asked).toBe(first * 3);
  });

  it('accounts are bounded, made anew for a newer token, and dropped with the budgets', () => {
    const { gate, account } = worldOf([{ ...monthly, scope: { user: true } }], { mostAccounts: 2 });
    for (const subject of ['a', 'b', 'c', 'd']) account({ ...bob, subject });
    expect(gate.size).toBe(2);
    expect(account()).toBe(account());
    expect(account({ ...bob, groups: ['other'] }).principal).toMatchObject({ groups: ['other'] });
    gate.update(createBudgetBook([]), 'open');
    expect(gate.size).toBe(0);
    expect(gate.accountOf('key of bob', 'policy', bob)).toBeUndefined();
  });
});
