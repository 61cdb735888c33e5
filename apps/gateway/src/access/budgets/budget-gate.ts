import type { StateFailurePolicy } from '../../config/sections/state-section.ts';
import type { Person } from '../identity/principal.ts';
import type { BudgetBook, LimitedBudget } from './budget-book.ts';
import { createBudgetAccounts } from './budget-accounts.ts';
import { fullest, type BudgetAccount, type BudgetBlock, type BudgetStanding, type BudgetState, type RememberedCaller } from './budget-state.ts';
import { countedScope } from './counted-scope.ts';
import { dayOf, spansOf, startOfDay, type UtcDay } from './calendar.ts';
import { amountOfPercent, percentOf } from './money.ts';
import type { SpendScope } from '../../ledger/ledger-entry.ts';
import { createSpendIndex, type SpendSource } from './spend-index.ts';
import { standingFields } from './unified-headers.ts';

/** Decides by budgets; a reload gives it another book. */
export interface BudgetGate {
  /** The account of a caller by the key of its counters; `undefined` where no budget holds for it. */
  accountOf(counterKey: string, name: string, person: Person | undefined): BudgetAccount | undefined;
  /** Why a caller may not spend now, or `more` nano-dollars at once; of several budgets that are spent the one that resets last. */
  findBlock(account: BudgetAccount, more?: bigint): BudgetBlock | undefined;
  /** The states of a caller's budgets. */
  statesOf(account: BudgetAccount): readonly BudgetState[];
  /** The fields of an answer to a caller, by the budget of which most is spent in proportion. */
  fieldsOf(account: BudgetAccount): readonly string[];
  /** Nano-dollars that a caller spent in the current period. */
  spentBy(scope: SpendScope, period: LimitedBudget['period']): bigint;
  /** What is remembered of a person by its scope; `undefined` of one that this process did not see, or not for long. */
  personOf(scope: SpendScope): RememberedCaller | undefined;
  /** Takes new budgets; `isComplete` is `false` while there may be others that are not known. */
  update(book: BudgetBook, onFailure: StateFailurePolicy, isComplete?: boolean): void;
  /** The budgets that decide now. */
  readonly book: BudgetBook;
  /** Accounts that are remembered. */
  readonly size: number;
}

/** What a gate is made of. */
export interface BudgetGateOptions {
  readonly spend: SpendSource;
  readonly book: BudgetBook;
  /** Whether callers with budgets are admitted while the ledger fails. */
  readonly onFailure: StateFailurePolicy;
  /** Unix milliseconds. @defaultValue Date.now */
  readonly now?: () => number;
  /** Persons, and as many clients, that are remembered; with one more, the one whose account is the oldest is forgotten. @defaultValue 50000 */
  readonly mostAccounts?: number;
  /** Accounts of which what the last answer had is remembered: those of the callers that were answered last. @defaultValue 5000 */
  readonly mostStandings?: number;
}

const MOST_ACCOUNTS = 50_000;
/** Of a caller it is more than all else that is remembered of it. */
const MOST_STANDINGS = 5_000;

/** Makes the gate. */
export function createBudgetGate({ spend, now = Date.now, mostAccounts = MOST_ACCOUNTS, mostStandings = MOST_STANDINGS, ...given }: BudgetGateOptions): BudgetGate {
  let { book, onFailure } = given;
  let isComplete = true;
  /** Whether each caller is refused, since a budget that is not known may hold for it. */
  const isClosed = (): boolean => onFailure === 'closed' && !isComplete;
  const index = createSpendIndex(spend);
  const accounts = createBudgetAccounts({
    mostAccounts, now, resolve: (principal) => book.resolve(principal), isCapped: (budgets) => isClosed() || budgets.some(({ stop }) => stop),
  });
  /** The accounts with a standing, as a ring: the next one takes the place of the one that has had its for the longest. */
  const standings: BudgetAccount[] = [];
  let nextStanding = 0;

  function setStanding(account: BudgetAccount, standing: BudgetStanding | undefined): void {
    if (account.standing === undefined && standing !== undefined) {
      const oldest = standings[nextStanding];
      if (oldest !== undefined) oldest.standing = undefined;
      standings[nextStanding] = account;
      nextStanding = (nextStanding + 1) % mostStandings;
    }
    account.standing = standing;
  }

  function stateOf(budget: LimitedBudget, own: SpendScope, day: UtcDay): BudgetState {
    const spent = index.read(countedScope(budget, own), budget.period, day);
    const { nanoDollars, warnAt } = budget;
    const percent = percentOf(spent, nanoDollars);
    return { budget, spent, percent, surpassed: warnAt.findLast((part) => percent >= part * 100), resetsAt: startOfDay(spansOf(day)[budget.period].resetDay) };
  }

  function holds(standing: BudgetStanding, day: UtcDay): boolean {
    for (const span of standing.spans) if (!span.holds(day)) return false;
    return true;
  }

  /** `undefined` where the next amount may change the fields within a hundredth: two budgets are equally full, and look different. */
  function standingOf(states: readonly BudgetState[], own: SpendScope, day: UtcDay): BudgetStanding | undefined {
    const shown = fullest(states);
    if (shown === undefined || states.some((state) => state.percent === shown.percent && !looksLike(state, shown))) return undefined;
    return {
      isSpent: states.some(({ budget, spent }) => budget.stop && spent >= budget.nanoDollars), fields: standingFields(shown),
      spans: states.map(({ budget, percent }) =>
        index.spanOf(countedScope(budget, own), budget.period, day, amountOfPercent(percent, budget.nanoDollars), amountOfPercent(percent + 1, budget.nanoDollars))),
    };
  }

  return {
    accountOf(counterKey, name, person) {
      if (book.isEmpty && !isClosed()) return undefined;
      const account = accounts.find(counterKey, name, person);
      return account.budgets.length === 0 && !isClosed() ? undefined : account;
    },
    findBlock({ budgets, own, isCapped, standing }, more = 0n) {
      if (!isCapped) return undefined;
      if (isClosed() || (onFailure === 'closed' && spend.failure() !== undefined)) return { kind: 'unknown' };
      const day = dayOf(now());
      if (more === 0n && standing?.isSpent === false && holds(standing, day)) return undefined;
      let last: LimitedBudget | undefined;
      for (const budget of budgets) {
        if (!budget.stop || index.read(countedScope(budget, own), budget.period, day) + more < budget.nanoDollars) continue;
        if (last === undefined || spansOf(day)[budget.period].resetDay > spansOf(day)[last.period].resetDay) last = budget;
      }
      return last === undefined ? undefined : { kind: 'spent', state: stateOf(last, own, day) };
    },
    statesOf({ budgets, own }) {
      const day = dayOf(now());
      return budgets.map((budget) => stateOf(budget, own, day));
    },
    fieldsOf(account) {
      const day = dayOf(now());
      const { standing, budgets, own } = account;
      if (standing !== undefined && holds(standing, day)) return standing.fields;
      const states = budgets.map((budget) => stateOf(budget, own, day));
      const shown = fullest(states);
      const made = standingOf(states, own, day);
      setStanding(account, made);
      return made?.fields ?? (shown === undefined ? [] : standingFields(shown));
    },
    personOf: (scope) => accounts.personOf(scope),
    spentBy: (scope, period) => index.read(scope, period, dayOf(now())),
    update(next, failurePolicy, knowsAll = true) {
      book = next;
      isComplete = knowsAll;
      onFailure = failurePolicy;
      // No caller is looked up while there are no budgets; whom others hold for is not forgotten with the old ones.
      if (book.isEmpty && !isClosed()) accounts.forget();
      else accounts.renew();
    },
    get book() {
      return book;
    },
    get size() {
      return accounts.size;
    },
  };
}

function looksLike({ surpassed, resetsAt }: BudgetState, other: BudgetState): boolean {
  return surpassed === other.surpassed && resetsAt === other.resetsAt;
}
