import { chmodSync, closeSync, openSync } from 'node:fs';
import type { StatementSync } from 'node:sqlite';
import type { SqlDatabase, SqlRow, SqlStatement } from './sql-database.ts';

const MEMORY = ':memory:';
const PREPARED_STATEMENTS = 64;

/**
 * Opens an SQLite database in this thread; `:memory:` keeps it in memory. The file is created with mode 0600 and held exclusively, so that a
 * second process fails here with `database is locked` instead of sharing it. Calls block the thread for the time of a write to the disk.
 */
export function openSqliteDatabase(path: string): SqlDatabase {
  if (path !== MEMORY) closeSync(openSync(path, 'a', 0o600));
  // Loaded here: Node without SQLite could not even load a module that imports it.
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const database = new DatabaseSync(path);
  if (path !== MEMORY) {
    chmodSync(path, 0o600);
    // The lock of the first transaction is kept until the process ends: the lease of this gateway on the file.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT');
  }
  const prepared = new Map<string, StatementSync>();

  const prepare = (sql: string): StatementSync => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    if (prepared.size >= PREPARED_STATEMENTS) prepared.clear();
    const statement = database.prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };
  const runAll = (statements: readonly SqlStatement[]): ReadonlyArray<readonly SqlRow[]> => {
    database.exec('BEGIN IMMEDIATE');
    try {
      const rows = statements.map(({ sql, values }) => prepare(sql).all(...values) as SqlRow[]);
      database.exec('COMMIT');
      return rows;
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  };
  return {
    run: async (statements) => runAll(statements),
    async close() {
      if (database.isOpen) database.close();
    },
  };
}
