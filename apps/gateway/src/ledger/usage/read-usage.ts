import type { SqlDatabase, SqlRow } from '@penstock/claude-code-gateway/store';
import { dateOfDay, type UsageKey, type UsageQuery } from './usage-query.ts';

/** What one client, person, group, model or day used. Counts that a report by group does not have are absent. */
export interface UsageRow {
  /** The client's name, the person's principal, the group, the model, or the date. */
  readonly name: string;
  readonly email?: string | undefined;
  readonly requests: number;
  readonly estimated_requests?: number | undefined;
  readonly input_tokens?: number | undefined;
  readonly output_tokens?: number | undefined;
  readonly cache_read_tokens?: number | undefined;
  readonly cache_write_5m_tokens?: number | undefined;
  readonly cache_write_1h_tokens?: number | undefined;
  readonly web_searches?: number | undefined;
  /** US dollars with nine decimals, exact. */
  readonly cost_usd: string;
}

/** The answer of `GET /v1/usage`. */
export interface UsageReport {
  readonly version: 1;
  readonly by: UsageKey;
  /** The first day, such as `2026-11-01`. */
  readonly since: string;
  /** The last day, included. */
  readonly until: string;
  /** Most expensive first; days in their order. */
  readonly rows: readonly UsageRow[];
  /** Whether there are more rows than `MOST_USAGE_ROWS`. */
  readonly is_cut: boolean;
}

/** Rows of a report at most. */
export const MOST_USAGE_ROWS = 10_000;

const COUNTS = [
  'requests', 'estimated_requests', 'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens', 'web_searches',
] as const;
// As text: a sum is a decimal in PostgreSQL, and may be too large for a number of SQLite's driver.
const sum = (column: string): string => `CAST(SUM(${column}) AS TEXT) AS ${column}`;
const SUMS = [...COUNTS, 'nano_dollars'].map(sum).join(', ');
const END = `ORDER BY SUM(nano_dollars) DESC, name LIMIT ${MOST_USAGE_ROWS + 1}`;
const DAYS = 'FROM ledger_days WHERE day >= ? AND day <= ?';

const STATEMENTS: Readonly<Record<UsageKey, string>> = {
  client: `SELECT principal AS name, ${SUMS} ${DAYS} AND kind = 'client' GROUP BY principal ${END}`,
  person: `SELECT principal AS name, MAX(email) AS email, ${SUMS} ${DAYS} AND kind = 'person' GROUP BY principal ${END}`,
  model: `SELECT model AS name, ${SUMS} ${DAYS} GROUP BY model ${END}`,
  day: `SELECT day AS name, ${SUMS} ${DAYS} GROUP BY day ORDER BY day LIMIT ${MOST_USAGE_ROWS + 1}`,
  group: `SELECT scope AS name, ${sum('requests')}, ${sum('nano_dollars')} FROM ledger_spend WHERE day >= ? AND day <= ? AND scope LIKE 'group:%' GROUP BY scope ${END}`,
};
/** What the names of principals and scopes begin with, which a report by them does not repeat. */
const PREFIXES: Readonly<Partial<Record<UsageKey, string>>> = { client: 'client:', group: 'group:' };

/** Adds up what the store has. Rejects where it fails. */
export async function readUsage(database: SqlDatabase, { by, sinceDay, untilDay }: UsageQuery): Promise<UsageReport> {
  const [rows = []] = await database.run([{ sql: STATEMENTS[by], values: [sinceDay, untilDay] }]);
  return {
    version: 1, by, since: dateOfDay(sinceDay), until: dateOfDay(untilDay),
    rows: rows.slice(0, MOST_USAGE_ROWS).map((row) => readRow(row, by)), is_cut: rows.length > MOST_USAGE_ROWS,
  };
}

function readRow(row: SqlRow, by: UsageKey): UsageRow {
  const { name, email, nano_dollars: nanoDollars } = row;
  const text = by === 'day' ? dateOfDay(Number(name)) : String(name);
  const prefix = PREFIXES[by] ?? '';
  return {
    name: text.startsWith(prefix) ? text.slice(prefix.length) : text,
    ...(typeof email === 'string' ? { email } : {}),
    requests: Number(row['requests']),
    ...Object.fromEntries(COUNTS.slice(1).filter((column) => row[column] !== undefined).map((column) => [column, Number(row[column])])),
    cost_usd: formatNanoDollars(BigInt(String(nanoDollars))),
  };
}

/** US dollars with nine decimals: `-0.000000001`. */
export function formatNanoDollars(nanoDollars: bigint): string {
  const digits = (nanoDollars < 0n ? -nanoDollars : nanoDollars).toString().padStart(10, '0');
  return `${nanoDollars < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
