import type { SqlDatabase } from '@penstock/claude-code-gateway/store';
import { BUDGET_PERIODS, type BudgetPeriod, type BudgetScopeKind } from '../../config/sections/budgets-section.ts';
import { AdminError } from '../admin/admin-exchange.ts';
import type { Budget } from '../budgets/budget-book.ts';
import { ownScope } from '../budgets/counted-scope.ts';
import type { BudgetGate } from '../budgets/budget-gate.ts';
import { dayOf, spansOf } from '../budgets/calendar.ts';
import { centsOf, centsText } from '../budgets/money.ts';
import { principalText, type Principal } from '../identity/principal.ts';
import { readCount } from './serve-spend-limits.ts';
import { amountText, describeScope, type SpendLimitScopeType } from './spend-limit.ts';

/** What the rows are read from. */
export interface EffectiveSources {
  readonly database: SqlDatabase;
  readonly gate: BudgetGate;
  readonly now: () => number;
}

const DEFAULT_PAGE = 20;
const MOST_PAGE = 1_000;
const MOST_USERS = 1_000;
const SCOPE_TYPES: Readonly<Record<BudgetScopeKind, SpendLimitScopeType>> = { client: 'client', user: 'user', group: 'rbac_group', organization: 'organization' };

interface Spender {
  readonly principal: Principal;
  readonly email: string | undefined;
}

interface Row extends Spender {
  readonly period: BudgetPeriod;
  readonly budget: Budget | undefined;
  readonly spent: bigint;
}

/** What holds for each caller and what it spent: `GET …/effective`. Callers without spending are shown only where they are asked for. */
export async function listEffective(sources: EffectiveSources, query: URLSearchParams): Promise<object> {
  const periods = readPeriods(query);
  const limit = readCount(query, 'limit', DEFAULT_PAGE, MOST_PAGE);
  const start = query.get('page') === null ? 0 : readCount(query, 'page', 0, Number.MAX_SAFE_INTEGER);
  const bySpend = query.get('sort') === 'spend_desc';
  if (query.get('sort') !== null && !bySpend) throw new AdminError(400, 'sort must be spend_desc.');
  if (bySpend && periods.length !== 1) throw new AdminError(400, 'sort needs exactly one period[].');
  const asked = query.getAll('user_ids[]');
  if (asked.length > MOST_USERS) throw new AdminError(400, `user_ids[] must be at most ${MOST_USERS}.`);
  const spenders = await readSpenders(sources, asked, periods);
  const rows = spenders.filter(matcher(query.get('q'))).flatMap((spender) => periods.map((period) => rowOf(sources.gate, spender, period)));
  const sorted = bySpend ? rows.toSorted((one, other) => (one.spent === other.spent ? 0 : one.spent < other.spent ? 1 : -1)) : rows;
  const shown = asked.length > 0 ? sorted : sorted.filter(({ spent }) => spent > 0n);
  return { data: shown.slice(start, start + limit).map(describeRow), next_page: shown.length > start + limit ? String(start + limit) : null };
}

function readPeriods(query: URLSearchParams): readonly BudgetPeriod[] {
  const given = query.getAll('period[]');
  const wrong = given.find((period) => !BUDGET_PERIODS.some((known) => known === period));
  if (wrong !== undefined) throw new AdminError(400, `period[] must be one of ${BUDGET_PERIODS.join(', ')}.`);
  return given.length === 0 ? BUDGET_PERIODS : BUDGET_PERIODS.filter((period) => given.includes(period));
}

/** Those who spent something in the longest period that is asked for, by the ledger; groups are those of the latest token that this process saw. */
async function readSpenders({ database, gate, now }: EffectiveSources, asked: readonly string[], periods: readonly BudgetPeriod[]): Promise<readonly Spender[]> {
  const spans = spansOf(dayOf(now()));
  const fromDay = Math.min(...periods.map((period) => spans[period].fromDay));
  const [rows = []] = await database.run([{ sql: 'SELECT principal, kind, MAX(email) AS email FROM ledger_days WHERE day >= ? GROUP BY principal, kind ORDER BY principal', values: [fromDay] }]);
  const known = new Map(gate.principals().map((principal) => [`${principal.kind} ${principalText(principal)}`, principal]));
  const spenderOf = (kind: Principal['kind'], text: string, email: string | undefined): Spender => {
    const name = kind === 'client' ? text.replace(/^client:/, '') : text;
    const principal = known.get(`${kind} ${text}`) ?? (kind === 'client' ? { kind, name } : { kind, issuer: 'sign_in', subject: name, groups: [] });
    return { principal, email: email ?? (principal.kind === 'person' ? principal.email : undefined) };
  };
  const spenders = rows.map((row) => spenderOf(row['kind'] === 'client' ? 'client' : 'person', String(row['principal']), typeof row['email'] === 'string' ? row['email'] : undefined));
  if (asked.length === 0) return spenders;
  return asked.map((text) => spenders.find(({ principal }) => principal.kind === 'person' && principalText(principal) === text) ?? spenderOf('person', text, undefined));
}

function matcher(wanted: string | null): (spender: Spender) => boolean {
  const text = wanted?.toLowerCase() ?? '';
  return ({ principal, email }) => text === '' || `${principalText(principal)} ${email ?? ''} ${principal.name ?? ''}`.toLowerCase().includes(text);
}

function rowOf(gate: BudgetGate, spender: Spender, period: BudgetPeriod): Row {
  return { ...spender, period, budget: gate.book.eachOf(spender.principal, period), spent: gate.spentBy(ownScope(spender.principal), period) };
}

function describeRow({ principal, email, period, budget, spent }: Row): object {
  const isPerson = principal.kind === 'person';
  const id = isPerson ? principalText(principal) : principal.name;
  return {
    scope: describeScope({ scopeType: isPerson ? 'user' : 'client', scopeId: id }),
    groups: isPerson ? principal.groups : [],
    actor: { type: isPerson ? 'user_actor' : 'client_actor', [isPerson ? 'user_id' : 'client_id']: id, name: principal.name ?? null, email_address: email ?? null, deleted: false },
    amount: amountText(budget?.nanoDollars === undefined ? undefined : centsOf(budget.nanoDollars)), currency: 'USD', period,
    source: budget === undefined ? null : SCOPE_TYPES[budget.kind], spend_limit_id: budget?.source ?? null,
    period_to_date_spend: centsText(spent),
  };
}
