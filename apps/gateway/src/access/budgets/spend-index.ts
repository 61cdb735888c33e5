import type { SpendScope } from '../../ledger/ledger-entry.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { BUDGET_PERIODS, type BudgetPeriod } from '../../config/sections/budgets-section.ts';
import { spansOf, type UtcDay } from './calendar.ts';

/** Where budgets read what was spent, and whether that is all that was. */
export type SpendSource = Pick<Ledger, 'spentOn' | 'onSpend' | 'failure' | 'settle' | 'unsettled'>;

/** Scopes whose sums are remembered, 3 MB; with one more, the one that is known longest is forgotten and added up again when it is asked for: some microseconds. */
export const MOST_SUMMED_SCOPES = 10_000;

interface PeriodSums extends Record<BudgetPeriod, bigint> {
  /** The day for which they were added up; `NaN` where they have to be added up again. */
  day: number;
  /**
   * What was spent on that day since, which belongs to each of its periods: a number, exact below 2^53, for a charge comes with each request, and one addition of
   * numbers is less than three of bigints.
   */
  since: number;
}

/** The amounts between which what was read of a scope stays true for its reader. */
export interface SpendSpan {
  /** Whether the amount of the period is in the span still, on that day. */
  holds(day: UtcDay): boolean;
}

/** The spending of scopes in the current periods. A change is added to the sums, so that a decision adds nothing up. */
export interface SpendIndex {
  /** Nano-dollars that a scope spent in the period of a day. */
  read(scope: SpendScope, period: BudgetPeriod, day: UtcDay): bigint;
  /** The span from an amount up to another, which is outside, around what `read` has just returned. */
  spanOf(scope: SpendScope, period: BudgetPeriod, day: UtcDay, from: bigint, below: bigint): SpendSpan;
  /** Scopes that are remembered. */
  readonly size: number;
}

/** Makes an index of a source. */
export function createSpendIndex(source: Omit<SpendSource, 'failure'>, mostScopes: number = MOST_SUMMED_SCOPES): SpendIndex {
  const sums = new Map<SpendScope, PeriodSums>();
  source.onSpend((scope, day, change) => {
    const known = sums.get(scope);
    if (known === undefined || Number.isNaN(known.day)) return;
    const since = change === undefined || day !== known.day ? Number.NaN : known.since + change;
    // Where nothing exact is known of the change, or it is of another day, the sums are made anew.
    if (Number.isSafeInteger(since)) known.since = since;
    else known.day = Number.NaN;
  });

  function forgetOne(): void {
    for (const [oldest, forgotten] of sums) {
      // Nothing is added to it any more, so that no span of it holds.
      forgotten.day = Number.NaN;
      sums.delete(oldest);
      return;
    }
  }

  function find(scope: SpendScope, day: UtcDay): PeriodSums {
    source.settle();
    const known = sums.get(scope);
    if (known?.day === day) return known;
    // Sums that are made anew are another object, so that no span of the ones before holds.
    if (known !== undefined) known.day = Number.NaN;
    else if (sums.size >= mostScopes) forgetOne();
    const spans = spansOf(day);
    const made: PeriodSums = { day, since: 0, daily: 0n, weekly: 0n, monthly: 0n };
    for (const each of BUDGET_PERIODS) made[each] = source.spentOn(scope, spans[each].fromDay);
    sums.set(scope, made);
    return made;
  }

  return {
    read(scope, period, day) {
      const known = find(scope, day);
      return known[period] + BigInt(known.since);
    },
    spanOf(scope, period, day, from, below) {
      const known = find(scope, day);
      const [least, end] = [Number(from - known[period]), Number(below - known[period])];
      const isWithin = (now: UtcDay, margin: number): boolean => known.day === now && known.since - margin >= least && known.since + margin < end;
      return {
        holds(now) {
          // What is not settled is not added up for it while it can change nothing.
          const margin = source.unsettled();
          if (isWithin(now, margin) || margin === 0) return isWithin(now, margin);
          source.settle();
          return isWithin(now, 0);
        },
      };
    },
    get size() {
      return sums.size;
    },
  };
}
