import { textOf, type SqlDatabase, type SqlStatement } from './sql-database.ts';

/** One step of a schema. Its name never changes once it was released. */
export interface Migration {
  readonly name: string;
  readonly statements: readonly string[];
}

const TABLE = 'CREATE TABLE IF NOT EXISTS penstock_migrations (name TEXT PRIMARY KEY, applied_at BIGINT NOT NULL)';
const NAMES: SqlStatement = { sql: 'SELECT name FROM penstock_migrations', values: [] };

/**
 * Applies the migrations that are missing, each in one transaction and exactly once, however many processes start at the same time: the name is
 * inserted first, and the transaction of the second process fails on it. `prefix` is what the names of these migrations begin with: a name
 * with it that is not known here was written by a newer release, and stops the start.
 */
export async function migrate(database: SqlDatabase, migrations: readonly Migration[], prefix: string): Promise<void> {
  // PostgreSQL may refuse the table to the second of two processes that create it at once, although it says IF NOT EXISTS.
  await database.run([{ sql: TABLE, values: [] }]).catch(() => database.run([{ sql: TABLE, values: [] }]));
  const applied = await readNames(database);
  const newer = [...applied].filter((name) => name.startsWith(prefix) && !migrations.some((migration) => migration.name === name));
  if (newer.length > 0) throw new Error(`the store was written by a newer release: it has the migration ${newer.join(', ')}`);
  for (const { name, statements } of migrations) {
    if (applied.has(name)) continue;
    const insert: SqlStatement = { sql: 'INSERT INTO penstock_migrations (name, applied_at) VALUES (?, ?)', values: [name, Date.now()] };
    try {
      await database.run([insert, ...statements.map((sql) => ({ sql, values: [] }))]);
    } catch (error) {
      if (!(await readNames(database)).has(name)) throw error;
    }
  }
}

async function readNames(database: SqlDatabase): Promise<ReadonlySet<string>> {
  const [rows = []] = await database.run([NAMES]);
  return new Set(rows.map((row) => textOf(row, 'name')));
}
