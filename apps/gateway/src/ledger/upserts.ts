import type { SqlStatement, SqlValue } from '@penstock/claude-code-gateway/store';

/** The parts of an insert of several rows that adds to the rows that exist. */
export interface UpsertSql {
  readonly insert: string;
  readonly row: string;
  readonly conflict: string;
}

/** Rows of the largest statement: few round trips, and far from the 32,766 values that SQLite takes. */
const MOST_ROWS = 128;

/** Statements for all rows, each for a power of two of them: whatever the number of rows is, there are eight texts, which stay prepared. */
export function upserts<Row>({ insert, row, conflict }: UpsertSql, rows: readonly Row[], valuesOf: (row: Row) => readonly SqlValue[]): readonly SqlStatement[] {
  const statements: SqlStatement[] = [];
  let done = 0;
  for (let size = MOST_ROWS; size >= 1; size /= 2) {
    while (rows.length - done >= size) {
      const part = rows.slice(done, done + size);
      statements.push({ sql: `${insert} ${part.map(() => row).join(', ')} ${conflict}`, values: part.flatMap(valuesOf) });
      done += size;
    }
  }
  return statements;
}
