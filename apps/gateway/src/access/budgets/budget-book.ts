import { BUDGET_PERIODS, type BudgetConfig, type BudgetPeriod, type BudgetScopeKind, type BudgetShare } from '../../config/sections/budgets-section.ts';
import type { Principal } from '../identity/principal.ts';
import { principalId, type NamedIssuers } from '../identity/principal-id.ts';
import { readScope, type BudgetScope } from './budget-scope.ts';
import { nanoDollarsOfCents } from './money.ts';

/** What may be spent in a period, from the configuration or the store. */
export interface Budget extends BudgetScope {
  /** Its path in the configuration, or the id of a live one. */
  readonly source: string;
  readonly share: BudgetShare;
  readonly period: BudgetPeriod;
  /** `undefined`: unlimited. */
  readonly nanoDollars: bigint | undefined;
  /** Ascending. */
  readonly warnAt: readonly number[];
  readonly stop: boolean;
}

/** A budget with an amount: one that can hold. */
export interface LimitedBudget extends Budget {
  readonly nanoDollars: bigint;
}

/** The budgets of one configuration and one reading of the store. */
export interface BudgetBook {
  /** Whether there are none, so that nothing has to be decided. */
  readonly isEmpty: boolean;
  readonly budgets: readonly Budget[];
  /** The budgets that hold for a caller, in the order of periods; equal results are one list. */
  resolve(principal: Principal): readonly LimitedBudget[];
  /** The budget of a period that each caller has for itself, by this caller; without an amount where it is unlimited. */
  eachOf(principal: Principal, period: BudgetPeriod): Budget | undefined;
  /** Whether the groups of a caller decide what `eachOf` is. */
  dependsOnGroups(principal: Principal, period: BudgetPeriod): boolean;
  /** The groups that budgets name. */
  readonly groups: ReadonlySet<string>;
}

/** The budgets of a configuration. */
export function budgetsOfConfig(budgets: readonly BudgetConfig[], identity: NamedIssuers): readonly Budget[] {
  return budgets.map(({ scope, share, period, amount_cents: cents, warn_at: warnAt, stop }, index) => ({
    source: `budgets[${index}]`, ...readScope(scope, identity), share, period, nanoDollars: nanoDollarsOfCents(cents), warnAt: warnAt.toSorted((a, b) => a - b), stop,
  }));
}

/** What must not stand twice: two budgets of one key are one. */
export function budgetKey({ kind, name, share, period }: Pick<Budget, 'kind' | 'name' | 'share' | 'period'>): string {
  return JSON.stringify([kind, name, share, period]);
}

/** Reads budgets; of two with the same scope, share and period the first one counts. */
export function createBudgetBook(all: readonly Budget[]): BudgetBook {
  const byKey = new Map<string, Budget>();
  for (const budget of all) if (!byKey.has(budgetKey(budget))) byKey.set(budgetKey(budget), budget);
  const budgets = [...byKey.values()];
  const lists = new Map<string, readonly LimitedBudget[]>();
  const find = (kind: BudgetScopeKind, name: string | true, share: BudgetShare, period: BudgetPeriod): Budget | undefined => byKey.get(budgetKey({ kind, name, share, period }));

  /** Of a period: the caller's own, or that of all of its kind. */
  function findOwn(principal: Principal, period: BudgetPeriod): Budget | undefined {
    const [kind, name]: [BudgetScopeKind, string] = principal.kind === 'client' ? ['client', principal.name] : ['user', principalId(principal)];
    return find(kind, name, 'each', period) ?? find(kind, true, 'each', period);
  }

  /** Of a period: the caller's own, else the strictest of its groups, else the organization's. */
  function findEach(principal: Principal, period: BudgetPeriod): Budget | undefined {
    return findOwn(principal, period)
      ?? strictest(groupsOf(principal).flatMap((group) => find('group', group, 'each', period) ?? [])) ?? find('organization', true, 'each', period);
  }

  function findPooled(principal: Principal, period: BudgetPeriod): readonly Budget[] {
    return [...groupsOf(principal).flatMap((group) => find('group', group, 'pooled', period) ?? []), ...[find('organization', true, 'pooled', period) ?? []].flat()];
  }

  return {
    isEmpty: budgets.length === 0,
    budgets,
    eachOf: findEach,
    dependsOnGroups: (principal, period) => principal.kind === 'person' && findOwn(principal, period) === undefined
      && budgets.some((budget) => budget.kind === 'group' && budget.share === 'each' && budget.period === period),
    groups: new Set(budgets.flatMap(({ kind, name }) => (kind === 'group' && name !== true ? [name] : []))),
    resolve(principal) {
      const found = BUDGET_PERIODS.flatMap((period) => [findEach(principal, period), ...findPooled(principal, period)]).filter(isLimited);
      const key = found.map(({ source }) => source).join('\n');
      const known = lists.get(key) ?? found;
      lists.set(key, known);
      return known;
    },
  };
}

function groupsOf(principal: Principal): readonly string[] {
  return principal.kind === 'person' ? principal.groups : [];
}

function isLimited(budget: Budget | undefined): budget is LimitedBudget {
  return budget?.nanoDollars !== undefined;
}

/** The one with the least amount; one without an amount is looser than all others. */
function strictest(budgets: readonly Budget[]): Budget | undefined {
  const [first, ...others] = budgets;
  return others.reduce((least, other) => (isLooser(least, other) ? other : least), first);
}

function isLooser(budget: Budget | undefined, than: Budget): boolean {
  if (than.nanoDollars === undefined) return false;
  return budget?.nanoDollars === undefined || budget.nanoDollars > than.nanoDollars;
}
