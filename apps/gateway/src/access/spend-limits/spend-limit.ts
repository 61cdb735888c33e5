import type { BudgetPeriod } from '../../config/sections/budgets-section.ts';
import type { Budget } from '../budgets/budget-book.ts';
import { nanoDollarsOfCents } from '../budgets/money.ts';

/** Whose limit, as the API names scopes. `client` is the gateway's own. */
export type SpendLimitScopeType = 'user' | 'rbac_group' | 'organization' | 'client';

/** A limit that was set over HTTP. */
export interface SpendLimit {
  /** `spl_…`. */
  readonly id: string;
  readonly scopeType: SpendLimitScopeType;
  /** A person's id, a group or a client; empty for the organization. */
  readonly scopeId: string;
  readonly period: BudgetPeriod;
  /** Cents for each caller of the scope; `undefined`: unlimited. */
  readonly cents: number | undefined;
  /** Cents that a group has together. */
  readonly pooled: { readonly cents: number | undefined; readonly paused: boolean } | undefined;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Changes with each write. */
  readonly revision: string;
}

/** What is set: a limit without what the store adds. */
export type SpendLimitChange = Pick<SpendLimit, 'scopeType' | 'scopeId' | 'period' | 'cents' | 'pooled'>;

const KINDS: Readonly<Record<SpendLimitScopeType, Budget['kind']>> = { user: 'user', rbac_group: 'group', organization: 'organization', client: 'client' };
/** Limits that are set over HTTP warn where the API's do. */
const WARN_AT: readonly number[] = Object.freeze([0.75, 0.95]);

/** The budgets that a limit stands for. One that is paused holds back nothing. */
export function budgetsOfLimit({ id, period, cents, pooled, ...scope }: Pick<SpendLimit, 'id' | keyof SpendLimitChange>): readonly Budget[] {
  const shared = { source: id, ...scopeOfLimit(scope), period, warnAt: WARN_AT, stop: true };
  const each: Budget = { ...shared, share: 'each', nanoDollars: cents === undefined ? undefined : nanoDollarsOfCents(cents) };
  return pooled === undefined || pooled.paused || pooled.cents === undefined ? [each] : [each, { ...shared, share: 'pooled', nanoDollars: nanoDollarsOfCents(pooled.cents) }];
}

function scopeOfLimit({ scopeType, scopeId }: Pick<SpendLimit, 'scopeType' | 'scopeId'>): Pick<Budget, 'kind' | 'name'> {
  const kind = KINDS[scopeType];
  return { kind, name: kind === 'organization' ? true : scopeId };
}

/** A limit as the API shows it. */
export function describeLimit({ id, createdAt, updatedAt, cents, period, pooled, ...scope }: SpendLimit): Readonly<Record<string, unknown>> {
  return {
    type: 'spend_limit', id, created_at: new Date(createdAt).toISOString(), updated_at: new Date(updatedAt).toISOString(), scope: describeScope(scope),
    amount: amountText(cents), currency: 'USD', period,
    ...(pooled === undefined ? {} : { pooled_budget: { amount: amountText(pooled.cents), paused: pooled.paused } }),
  };
}

/** A scope as the API shows it. */
export function describeScope({ scopeType, scopeId }: Pick<SpendLimit, 'scopeType' | 'scopeId'>): Readonly<Record<string, string>> {
  const names: Readonly<Record<SpendLimitScopeType, string | undefined>> = { user: 'user_id', rbac_group: 'rbac_group_id', organization: undefined, client: 'client_id' };
  const name = names[scopeType];
  return { type: scopeType, ...(name === undefined ? {} : { [name]: scopeId }) };
}

/** Cents as the API writes amounts. */
export function amountText(cents: number | undefined): string | null {
  return cents === undefined ? null : String(cents);
}
