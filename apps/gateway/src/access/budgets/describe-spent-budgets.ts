import { clientScope, ORGANIZATION } from '../../ledger/ledger-entry.ts';
import type { PartConditions } from '../../observe/causes.ts';
import type { Budget, LimitedBudget } from './budget-book.ts';
import { countedScope } from './counted-scope.ts';
import type { BudgetGate } from './budget-gate.ts';
import { dollarsText } from './money.ts';

/** What the names of these conditions begin with. */
const PART = 'budget_';
const MOST_SHOWN = 20;

/** The budgets that are spent, of clients, groups and the organization. Those of persons are none of the page's business. */
export function describeSpentBudgets({ book, spentBy }: Pick<BudgetGate, 'book' | 'spentBy'>): PartConditions {
  const spent = book.budgets.filter((budget): budget is LimitedBudget => {
    const scope = sharedScope(budget);
    return budget.stop && budget.nanoDollars !== undefined && scope !== undefined && spentBy(scope, budget.period) >= budget.nanoDollars;
  });
  return Object.fromEntries(spent.slice(0, MOST_SHOWN).map((budget) => [`${PART}${partyOf(budget)}_${budget.period}`, {
    cause: 'budget_spent', party: partyOf(budget), detail: `the ${budget.period} ${dollarsText(budget.nanoDollars)}`,
  }]));
}

/** The scope of a budget whose spending is one number for all whom it holds for. */
function sharedScope(budget: Budget): ReturnType<typeof countedScope> | undefined {
  if (budget.share === 'pooled') return countedScope(budget, ORGANIZATION);
  return budget.kind === 'client' && budget.name !== true ? clientScope(budget.name) : undefined;
}

function partyOf({ kind, name }: Budget): string {
  return name === true ? kind : `${kind} ${name}`;
}
