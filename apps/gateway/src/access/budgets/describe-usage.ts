import { BUDGET_PERIODS, type BudgetPeriod } from '../../config/sections/budgets-section.ts';
import { fullest, type BudgetState } from './budget-state.ts';
import { centsOf } from './money.ts';

/** Spending without a limit. Cents. */
interface UnlimitedSpending {
  readonly limit: null;
  readonly used_credits: number;
  readonly utilization: null;
}

/** What `/usage` of Claude Code reads of `GET /api/oauth/usage`. Amounts in whole cents, whatever the period; utilization in whole hundredths. */
export interface UsageDocument {
  readonly extra_usage: {
    readonly is_enabled: true;
    readonly monthly_limit: number | null;
    readonly used_credits: number;
    readonly utilization: number | null;
    readonly currency: 'USD';
  };
  readonly limits: readonly {
    readonly kind: 'spend';
    readonly group: BudgetPeriod;
    readonly percent: number;
    /** ISO 8601, to the second that the header fields of answers name. */
    readonly resets_at: string;
    readonly severity: 'normal' | 'warning' | 'critical';
    readonly is_active: boolean;
  }[];
  readonly daily?: UnlimitedSpending;
  readonly weekly?: UnlimitedSpending;
}

const WHOLE = 100;

/** Describes the budgets of a caller: of each period the fullest, and the dollars of the fullest of all. Without budgets, what was spent. */
export function describeUsage(states: readonly BudgetState[], spentIn: (period: BudgetPeriod) => bigint): UsageDocument {
  const shown = fullest(states);
  if (shown === undefined) {
    const unlimited = (period: BudgetPeriod): UnlimitedSpending => ({ limit: null, used_credits: centsOf(spentIn(period)), utilization: null });
    return {
      extra_usage: { is_enabled: true, monthly_limit: null, used_credits: centsOf(spentIn('monthly')), utilization: null, currency: 'USD' },
      limits: [], daily: unlimited('daily'), weekly: unlimited('weekly'),
    };
  }
  return {
    extra_usage: { is_enabled: true, monthly_limit: centsOf(shown.budget.nanoDollars), used_credits: centsOf(shown.spent), utilization: percentShown(shown), currency: 'USD' },
    limits: BUDGET_PERIODS.flatMap((period) => {
      const state = fullest(states.filter(({ budget }) => budget.period === period));
      return state === undefined ? [] : [{
        kind: 'spend' as const, group: period, percent: percentShown(state), resets_at: new Date(state.resetsAt * 1_000).toISOString(), severity: severityOf(state), is_active: state === shown,
      }];
    }),
  };
}

function percentShown({ percent }: BudgetState): number {
  return Math.min(percent, WHOLE);
}

function severityOf({ percent, surpassed }: BudgetState): 'normal' | 'warning' | 'critical' {
  if (percent >= WHOLE) return 'critical';
  return surpassed === undefined ? 'normal' : 'warning';
}
