/** A value that a statement carries or a row holds. */
export type SqlValue = string | number | null;

/** One row, by column name. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** One statement; `?` stands for each of its values, in order. */
export interface SqlStatement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/**
 * The port behind which the state lives. SQLite and PostgreSQL both take the statements of this package: `TEXT` and `BIGINT` columns,
 * `ON CONFLICT`, `RETURNING`.
 */
export interface SqlDatabase {
  /** Runs the statements in order, in one transaction, and resolves with the rows of each. Rejects if any fails; then none has an effect. */
  run(statements: readonly SqlStatement[]): Promise<ReadonlyArray<readonly SqlRow[]>>;
  close(): Promise<void>;
}

/** Reads a text column that is never null. */
export function textOf(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`column ${column} must hold a text`);
  return value;
}

/** Reads a text column that may be null. */
export function optionalTextOf(row: SqlRow, column: string): string | undefined {
  const value = row[column];
  return typeof value === 'string' ? value : undefined;
}

/** Reads a number column that is never null. PostgreSQL prints a `BIGINT` as text. */
export function numberOf(row: SqlRow, column: string): number {
  const value = Number(row[column] ?? Number.NaN);
  if (!Number.isSafeInteger(value)) throw new TypeError(`column ${column} must hold an integer`);
  return value;
}
