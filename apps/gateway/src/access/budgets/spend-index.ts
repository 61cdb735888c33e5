import type { SpendScope } from '../../ledger/ledger-entry.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { BUDGET_PERIODS, type BudgetPeriod } from '../../config/sections/budgets-section.ts';
import { spansOf, type UtcDay } from './calendar.ts';

/** Where budgets read what was spent, and whether that is all that was. */
export type SpendSource = Pick<Ledger, 'spentOn' | 'onSpend' | 'failure'>;

/** Scopes whose sums are remembered; with one more, the one that is known longest is forgotten and added up again when it is asked for. */
const MOST_SCOPES = 100_000;

interface PeriodSums extends Record<BudgetPeriod, bigint> {
  /** The day for which they were added up; `NaN` where the scope spent something since. */
  day: number;
}

/** The spending of scopes in the current periods. A change is added to the sums, so that a decision adds nothing up. */
export interface SpendIndex {
  /** Nano-dollars that a scope spent in the period of a day. */
  read(scope: SpendScope, period: BudgetPeriod, day: UtcDay): bigint;
  /** Scopes that are remembered. */
  readonly size: number;
}

/** Makes an index of a source. */
export function createSpendIndex(source: Pick<SpendSource, 'spentOn' | 'onSpend'>, mostScopes: number = MOST_SCOPES): SpendIndex {
  const sums = new Map<SpendScope, PeriodSums>();
  source.onSpend((scope, day, _total, change) => {
    const known = sums.get(scope);
    if (known === undefined || Number.isNaN(known.day)) return;
    if (change === undefined) known.day = Number.NaN;
    else add(known, day, change);
  });

  function open(scope: SpendScope): PeriodSums {
    if (sums.size >= mostScopes) for (const oldest of sums.keys()) {
      sums.delete(oldest);
      break;
    }
    const opened: PeriodSums = { day: Number.NaN, daily: 0n, weekly: 0n, monthly: 0n };
    sums.set(scope, opened);
    return opened;
  }

  function add(known: PeriodSums, day: UtcDay, change: bigint): void {
    const spans = spansOf(known.day);
    for (const period of BUDGET_PERIODS) if (day >= spans[period].fromDay) known[period] += change;
  }

  return {
    read(scope, period, day) {
      const known = sums.get(scope) ?? open(scope);
      if (known.day !== day) {
        const spans = spansOf(day);
        for (const each of BUDGET_PERIODS) known[each] = source.spentOn(scope, spans[each].fromDay);
        known.day = day;
      }
      return known[period];
    },
    get size() {
      return sums.size;
    },
  };
}
