import type { SqlRow, SqlStatement } from '@penstock/claude-code-gateway/store';

/** Asks a database for its time, in the form that SQLite and PostgreSQL share: `2026-11-29 23:06:56`, of which both begin with the date. */
export const CLOCK: SqlStatement = { sql: 'SELECT CAST(CURRENT_TIMESTAMP AS TEXT) AS clock', values: [] };

const DATE_LENGTH = '2026-11-29'.length;

/**
 * The start of the database's day in Unix milliseconds: all processes share this clock, so that none with a wrong one of its own decides what is old.
 * `NaN` where it cannot be read.
 */
export function startOfDatabaseDay(rows: readonly SqlRow[] | undefined): number {
  return Date.parse(String(rows?.[0]?.['clock']).slice(0, DATE_LENGTH));
}
