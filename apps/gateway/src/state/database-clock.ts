import { CLOCK_COLUMN, readClock, type SqlRow, type SqlStatement } from '@penstock/claude-code-gateway/store';

/** Asks a database for its time. */
export const CLOCK: SqlStatement = { sql: `SELECT ${CLOCK_COLUMN}`, values: [] };

const MS_A_DAY = 86_400_000;

/**
 * The start of the database's day in UTC, in Unix milliseconds: all processes share this clock, so that none with a wrong one of its own decides what is old.
 * PostgreSQL prints its time in the time zone of the session, whose date may be another one. `NaN` where it cannot be read.
 */
export function startOfDatabaseDay(rows: readonly SqlRow[] | undefined): number {
  return Math.floor(readClock(rows?.[0]) / MS_A_DAY) * MS_A_DAY;
}
