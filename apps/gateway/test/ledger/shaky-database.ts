import type { SqlDatabase, SqlRow, SqlStatement } from '@penstock/claude-code-gateway/store';

/** A database whose way can be cut: before its transactions, or behind them, where it commits and the answer is lost. */
export interface ShakyDatabase extends SqlDatabase {
  cut: 'no' | 'before' | 'behind';
  /** Transactions that reached it. */
  transactions: ReadonlyArray<readonly SqlStatement[]>;
}

/** Puts a way that can be cut before a database. */
export function shaky(database: SqlDatabase): ShakyDatabase {
  const transactions: (readonly SqlStatement[])[] = [];
  return {
    cut: 'no', transactions,
    async run(statements): Promise<ReadonlyArray<readonly SqlRow[]>> {
      if (this.cut === 'before') throw new Error('connect ECONNREFUSED');
      transactions.push(statements);
      const rows = await database.run(statements);
      if (this.cut === 'behind') throw new Error('the answer was lost');
      return rows;
    },
    close: () => database.close(),
  };
}
