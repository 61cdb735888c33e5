import { setImmediate } from 'node:timers/promises';
import type { SqlDatabase, SqlRow } from '@penstock/claude-code-gateway/store';
import { BUDGET_PERIODS, type BudgetPeriod, type BudgetScopeKind } from '../../config/sections/budgets-section.ts';
import { AdminError } from '../admin/admin-exchange.ts';
import type { Budget, BudgetBook } from '../budgets/budget-book.ts';
import type { BudgetGate } from '../budgets/budget-gate.ts';
import type { RememberedCaller } from '../budgets/budget-state.ts';
import { dayOf, spansOf } from '../budgets/calendar.ts';
import { clientScope, userScope, type SpendScope } from '../../ledger/ledger-entry.ts';
import { centsOf, centsText } from '../budgets/money.ts';
import type { Principal } from '../identity/principal.ts';
import { readSeenPersons, SEEN_COLUMNS, seenOf, type StoredPerson } from '../../ledger/persons/person-rows.ts';
import { readPrincipalId, userIdOf, type NamedIssuers } from '../identity/principal-id.ts';
import { readCount } from './serve-spend-limits.ts';
import { amountText, describeScope, type SpendLimitScopeType } from './spend-limit.ts';

/** What the rows are read from. */
export interface EffectiveSources {
  readonly database: SqlDatabase;
  readonly gate: BudgetGate;
  /** The issuers of the configuration. */
  readonly identity: () => NamedIssuers;
  readonly now: () => number;
}

const DEFAULT_PAGE = 20;
const MOST_PAGE = 1_000;
const MOST_USERS = 1_000;
const SCOPE_TYPES: Readonly<Record<BudgetScopeKind, SpendLimitScopeType>> = { client: 'client', user: 'user', group: 'rbac_group', organization: 'organization' };

/** Those who spent, with what the store knows of persons. */
const SPENDERS_SQL = `SELECT days.principal, days.kind, MAX(days.email) AS email, ${SEEN_COLUMNS} FROM ledger_days days LEFT JOIN ledger_persons ON ledger_persons.principal = days.principal
  WHERE days.day >= ? GROUP BY days.principal, days.kind, ${SEEN_COLUMNS} ORDER BY days.principal`;

interface Spender {
  readonly id: string;
  readonly principal: Principal;
  readonly email: string | undefined;
  /** Whether the groups are known, from a token that the person used at this process or, with a charge, at another. */
  readonly hasKnownGroups: boolean;
}

interface Row extends Spender {
  readonly period: BudgetPeriod;
  readonly spent: bigint;
}

/** Lists that one process makes at once; one more is refused. */
export const MOST_EFFECTIVE_LISTS = 4;
/** Callers that are looked at before other work has its turn: there may be 50,000. */
const CALLERS_A_TURN = 1_000;

/** What holds for each caller and what it spent: `GET …/effective`. Callers without spending are shown only where they are asked for. */
export function createListEffective(sources: EffectiveSources): (query: URLSearchParams) => Promise<object> {
  let open = 0;
  return async (query) => {
    if (open >= MOST_EFFECTIVE_LISTS) throw new AdminError(429, 'Too many lists are made at the moment.');
    open += 1;
    try {
      return await listEffective(sources, query);
    } finally {
      open -= 1;
    }
  };
}

async function listEffective(sources: EffectiveSources, query: URLSearchParams): Promise<object> {
  const periods = readPeriods(query);
  const limit = readCount(query, 'limit', DEFAULT_PAGE, MOST_PAGE);
  const start = query.get('page') === null ? 0 : readCount(query, 'page', 0, Number.MAX_SAFE_INTEGER);
  const bySpend = query.get('sort') === 'spend_desc';
  if (query.get('sort') !== null && !bySpend) throw new AdminError(400, 'sort must be spend_desc.');
  if (bySpend && periods.length !== 1) throw new AdminError(400, 'sort needs exactly one period[].');
  const asked = query.getAll('user_ids[]');
  if (asked.length > MOST_USERS) throw new AdminError(400, `user_ids[] must be at most ${MOST_USERS}.`);
  const matches = matcher(query.get('q'));
  const shown: Row[] = [];
  let seen = 0;
  for (const spender of await readSpenders(sources, asked, periods)) {
    seen += 1;
    if (seen % CALLERS_A_TURN === 0) await setImmediate();
    if (!matches(spender)) continue;
    const own: SpendScope = spender.principal.kind === 'person' ? userScope(spender.id) : clientScope(spender.principal.name);
    for (const period of periods) {
      const spent = sources.gate.spentBy(own, period);
      if (asked.length > 0 || spent > 0n) shown.push({ ...spender, period, spent });
    }
  }
  if (bySpend) shown.sort((one, other) => (one.spent === other.spent ? 0 : one.spent < other.spent ? 1 : -1));
  const page = shown.slice(start, start + limit).map((row) => describeRow(row, findBudget(sources.gate.book, row)));
  return { data: page, next_page: shown.length > start + limit ? String(start + limit) : null };
}

function readPeriods(query: URLSearchParams): readonly BudgetPeriod[] {
  const given = query.getAll('period[]');
  const wrong = given.find((period) => !BUDGET_PERIODS.some((known) => known === period));
  if (wrong !== undefined) throw new AdminError(400, `period[] must be one of ${BUDGET_PERIODS.join(', ')}.`);
  return given.length === 0 ? BUDGET_PERIODS : BUDGET_PERIODS.filter((period) => given.includes(period));
}

/** Those who spent something in the longest period that is asked for, by the ledger; groups are those of the latest token that was seen, by this process or by the one that charged the person. */
async function readSpenders({ database, gate, identity, now }: EffectiveSources, asked: readonly string[], periods: readonly BudgetPeriod[]): Promise<Iterable<Spender>> {
  const spans = spansOf(dayOf(now()));
  const fromDay = Math.min(...periods.map((period) => spans[period].fromDay));
  const [rows = []] = await database.run([{ sql: SPENDERS_SQL, values: [fromDay] }]);
  const spenderOf = (id: string, email: string | undefined, stored: StoredPerson | undefined): Spender => {
    const principal = readPrincipalId(id);
    if (principal.kind === 'client') return { id, principal, email, hasKnownGroups: true };
    const known = latest(gate.personOf(userScope(id)), stored);
    return { id, principal: known === undefined ? principal : { ...principal, name: known.name, groups: known.groups }, email, hasKnownGroups: known !== undefined };
  };
  const emailOf = (row: SqlRow | undefined): string | undefined => (typeof row?.['email'] === 'string' ? row['email'] : undefined);
  /** Made one by one, as they are looked at. */
  function* all(): Generator<Spender> {
    for (const row of rows) yield spenderOf(String(row['principal']), emailOf(row), seenOf(row));
  }
  if (asked.length === 0) return all();
  const persons = new Map(rows.filter((row) => row['kind'] !== 'client').map((row) => [String(row['principal']), row]));
  const ids = asked.map((text) => (readPrincipalId(text).kind === 'client' ? text : userIdOf(text, identity())));
  const stored = await readSeenPersons(database, ids);
  return ids.map((id) => spenderOf(id, emailOf(persons.get(id)), stored.get(id)));
}

/** What was seen later: a person may have been at another process since. */
function latest(one: RememberedCaller | undefined, other: StoredPerson | undefined): RememberedCaller | StoredPerson | undefined {
  return one === undefined || (other !== undefined && other.seenAt > one.seenAt) ? other : one;
}

function matcher(wanted: string | null): (spender: Spender) => boolean {
  const text = wanted?.toLowerCase() ?? '';
  return ({ id, principal, email }) => text === '' || `${id} ${email ?? ''} ${principal.name ?? ''}`.toLowerCase().includes(text);
}

/** The budget of a row; `unknown` where groups decide that are not known. */
function findBudget(book: BudgetBook, { principal, period, hasKnownGroups }: Row): Budget | 'unknown' | undefined {
  return !hasKnownGroups && book.dependsOnGroups(principal, period) ? 'unknown' : book.eachOf(principal, period);
}

function describeRow({ id: spender, principal, email, period, spent, hasKnownGroups }: Row, found: Budget | 'unknown' | undefined): object {
  const budget = found === 'unknown' ? undefined : found;
  const isPerson = principal.kind === 'person';
  const id = isPerson ? spender : principal.name;
  return {
    scope: describeScope({ scopeType: isPerson ? 'user' : 'client', scopeId: id }),
    groups: !isPerson ? [] : hasKnownGroups ? principal.groups : null,
    actor: { type: isPerson ? 'user_actor' : 'client_actor', [isPerson ? 'user_id' : 'client_id']: id, name: principal.name ?? null, email_address: email ?? null, deleted: false },
    amount: amountText(budget?.nanoDollars === undefined ? undefined : centsOf(budget.nanoDollars)), currency: 'USD', period,
    source: found === 'unknown' ? 'unknown' : budget === undefined ? null : SCOPE_TYPES[budget.kind], spend_limit_id: budget?.source ?? null,
    period_to_date_spend: centsText(spent),
  };
}
