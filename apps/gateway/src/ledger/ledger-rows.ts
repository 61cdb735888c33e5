import type { SqlStatement, SqlValue } from '@penstock/claude-code-gateway/store';
import type { DayRow, SpendRow } from './batch-rows.ts';
import { upserts } from './upserts.ts';

/** The first statement of each transaction that writes amounts: such transactions are applied one after another, and never wait for each other in a circle. */
export const LOCK_REVISION: SqlStatement = Object.freeze({ sql: 'UPDATE ledger_revision SET revision = revision + 1 WHERE id = 1', values: [] });

const DAY_COLUMNS = [
  'day', 'principal', 'model', 'kind', 'email', 'requests', 'estimated_requests', 'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_5m_tokens',
  'cache_write_1h_tokens', 'web_searches', 'nano_dollars',
] as const;
const DAY_SUMS: ReadonlySet<string> = new Set(DAY_COLUMNS.slice(5));
const DAY_UPDATE = [...DAY_SUMS].map((column) => `${column} = ledger_days.${column} + excluded.${column}`).concat('email = COALESCE(excluded.email, ledger_days.email)').join(', ');
const DAYS_SQL = {
  insert: `INSERT INTO ledger_days (${DAY_COLUMNS.join(', ')}) VALUES`, row: `(${DAY_COLUMNS.map(() => '?').join(', ')})`,
  conflict: `ON CONFLICT (day, principal, model, kind) DO UPDATE SET ${DAY_UPDATE}`,
};
const SPEND_SQL = {
  insert: 'INSERT INTO ledger_spend (day, scope, requests, nano_dollars, revision) VALUES', row: '(?, ?, ?, ?, (SELECT revision FROM ledger_revision WHERE id = 1))',
  conflict: 'ON CONFLICT (day, scope) DO UPDATE SET requests = ledger_spend.requests + excluded.requests, nano_dollars = ledger_spend.nano_dollars + excluded.nano_dollars, revision = excluded.revision',
};

/** Statements that add rows to those of the store. */
export function dayStatements(rows: readonly DayRow[]): readonly SqlStatement[] {
  return upserts(DAYS_SQL, rows, dayValues);
}

/** Statements that add amounts of scopes to those of the store; `LOCK_REVISION` comes before them. */
export function spendStatements(rows: readonly SpendRow[]): readonly SqlStatement[] {
  return upserts(SPEND_SQL, rows, spendValues);
}

function dayValues(row: DayRow): readonly SqlValue[] {
  return [
    row.day, row.principal, row.model, row.kind, row.email ?? null, row.requests, row.estimatedRequests, row.input, row.output,
    row.cacheRead, row.cacheWrite5m, row.cacheWrite1h, row.webSearches, row.nanoDollars.total.toString(),
  ];
}

function spendValues({ day, scope, requests, nanoDollars }: SpendRow): readonly SqlValue[] {
  return [day, scope, requests, nanoDollars.total.toString()];
}
