import type { UtcDay } from './calendar.ts';

/** Whose spending an amount counts as, as text. */
export type SpendScope = `client:${string}` | `user:${string}` | `group:${string}` | 'organization';

/** Where budgets read what was spent: the ledger. */
export interface SpendSource {
  /** Nano-dollars that a scope spent from a day on, by all processes, as far as this one knows. */
  spentOn(scope: SpendScope, fromDay: UtcDay): bigint;
  /** Calls the listener after each change of what `spentOn` returns for a scope. */
  onSpend(listener: (scope: SpendScope) => void): () => void;
  /** Since when the spending of other processes is not known, in Unix milliseconds; `undefined` while it is. */
  failure(): { readonly since: number } | undefined;
}
