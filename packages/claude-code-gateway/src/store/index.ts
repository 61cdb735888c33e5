/** The SQL databases alone, without what speaks OpenID Connect: `@penstock/claude-code-gateway/store`. */
import '@penstock/option-names/supported-node';
export { CLOCK_COLUMN, readClock } from './database-clock.ts';
export { migrate, type Migration } from './migrate.ts';
export { openSqliteDatabase } from './open-sqlite-database.ts';
export { openSqliteThread } from './open-sqlite-thread.ts';
export type { SqlDatabase, SqlRow, SqlStatement, SqlValue } from './sql-database.ts';
