import type { SqlRow, SqlStatement } from './sql-database.ts';

/** What is asked of the thread, by number. */
export type SqliteThreadRequest = { readonly id: number; readonly statements: readonly SqlStatement[] } | 'close';

/** What it answers: that the file is open, the rows of a transaction, or why there are none. */
export type SqliteThreadAnswer =
  | { readonly kind: 'opened' }
  | { readonly kind: 'not_opened'; readonly message: string }
  | { readonly kind: 'rows'; readonly id: number; readonly rows: ReadonlyArray<readonly SqlRow[]> }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };
