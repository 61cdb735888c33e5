import type { SpendScope } from '../../ledger/ledger-entry.ts';
import type { LimitedBudget } from './budget-book.ts';
import type { SpendSpan } from './spend-index.ts';

/** What is remembered of a caller: not its token, of which there may be 50,000. */
export interface RememberedCaller {
  /** For people to read. */
  readonly name: string | undefined;
  /** Those of the token that was verified last. Equal lists are one. */
  readonly groups: readonly string[];
  /** When that token was used first, in Unix milliseconds. */
  readonly seenAt: number;
}

/** A caller whose budgets are known. */
export interface BudgetAccount {
  readonly principal: RememberedCaller;
  /** The scope of what the caller itself spends. */
  readonly own: SpendScope;
  readonly budgets: readonly LimitedBudget[];
  /** Whether one of them stops requests: what is spent later, out of sight, is then closed to the caller. */
  readonly isCapped: boolean;
  /** How it stood at its last answer; kept with it, for each request asks twice. */
  standing: BudgetStanding | undefined;
}

/** One budget of a caller at one moment. */
export interface BudgetState {
  readonly budget: LimitedBudget;
  /** Nano-dollars in the period. */
  readonly spent: bigint;
  /** Whole hundredths of the amount, rounded down; more than 100 where more was spent. */
  readonly percent: number;
  /** The largest threshold of `warn_at` that was passed. */
  readonly surpassed: number | undefined;
  /** Unix seconds. */
  readonly resetsAt: number;
}

/** What holds for a caller, and is written into its answers, until one of its budgets reaches another whole hundredth: the next amounts change nothing of it. */
export interface BudgetStanding {
  /** Whether one of the budgets that stop is spent. */
  readonly isSpent: boolean;
  /** Flat fields of an answer. */
  readonly fields: readonly string[];
  /** One for each budget. */
  readonly spans: readonly SpendSpan[];
}

/** Why a caller may not spend: a budget is spent, or what was spent is not known. */
export type BudgetBlock = { readonly kind: 'spent'; readonly state: BudgetState } | { readonly kind: 'unknown' };

/** The state of which most is spent, in proportion; `undefined` only for no states. */
export function fullest(states: readonly BudgetState[]): BudgetState | undefined {
  return states.reduce<BudgetState | undefined>((most, state) => (most === undefined || isFuller(state, most) ? state : most), undefined);
}

function isFuller(state: BudgetState, than: BudgetState): boolean {
  const [left, right] = [state.spent * than.budget.nanoDollars, than.spent * state.budget.nanoDollars];
  return left === right ? state.percent > than.percent : left > right;
}
