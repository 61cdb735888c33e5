import type { SpendScope } from '../../../src/ledger/ledger-entry.ts';
import type { SpendSource } from '../../../src/access/budgets/spend-index.ts';

/** A ledger that a test fills by hand. */
export interface TestSpend extends SpendSource {
  spend(scope: SpendScope, day: number, nanoDollars: bigint): void;
  fail(since: number | undefined): void;
  /** How often sums were asked for. */
  readonly asked: number;
}

/** Nano-dollars of whole cents. */
export const cents = (amount: number): bigint => BigInt(amount) * 10_000_000n;

/** Makes one. */
export function createTestSpend(): TestSpend {
  const days = new Map<SpendScope, Map<number, bigint>>();
  const listeners: Parameters<SpendSource['onSpend']>[0][] = [];
  let failing: number | undefined;
  let asked = 0;
  return {
    spentOn(scope, fromDay) {
      asked += 1;
      return [...days.get(scope) ?? []].reduce((sum, [day, amount]) => (day >= fromDay ? sum + amount : sum), 0n);
    },
    onSpend(listener) {
      listeners.push(listener);
      return () => undefined;
    },
    settle: () => undefined,
    unsettled: () => 0,
    failure: () => (failing === undefined ? undefined : { since: failing, reason: 'a test' }),
    spend(scope, day, nanoDollars) {
      const known = days.get(scope) ?? new Map<number, bigint>();
      known.set(day, (known.get(day) ?? 0n) + nanoDollars);
      days.set(scope, known);
      for (const listener of listeners) listener(scope, day);
    },
    fail(since) {
      failing = since;
    },
    get asked() {
      return asked;
    },
  };
}
