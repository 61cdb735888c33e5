import type { LedgerEntry, SpendScope } from './ledger-entry.ts';

/**
 * Whether the ledger keeps its promises. `ok`: the store has everything but the latest interval, and the spending of other processes is known.
 * `behind`: the store did not answer for `LEDGER_TIMING.behindAfterMs`; entries wait in memory, and the spending of other processes is not known.
 * `failed`: so many wait that entries are being lost.
 */
export type LedgerState = 'ok' | 'behind' | 'failed';

/** Entries that the store will never have. */
export interface LostEntries {
  readonly requests: number;
  readonly nanoDollars: bigint;
}

/**
 * Called when the total of a scope changed: as charges of this process are settled, and when amounts of others arrive. `change` is the difference to the total of that day before in
 * nano-dollars, a safe integer; absent where no number is exact, and for the first amount of a day that memory has: the scope may have been forgotten meanwhile, so that its
 * sums have to be made anew.
 */
export type SpendListener = (scope: SpendScope, day: number, change?: number) => void;

/** The ledger as one process sees it. */
export interface Ledger {
  /** Adds an entry: synchronous, and its cost does not grow with the ledger. Whoever reads sees it; listeners hear of it by `settle`. The store has it within one flush interval. */
  record(entry: LedgerEntry): void;
  /**
   * The same for entries that `settle` makes, since making them is as much as adding them.
   * @param nanoDollars what their amounts come to at most @param make where it throws, `onEntryFailure` hears of it
   */
  recordLater(nanoDollars: number, make: () => readonly LedgerEntry[]): void;
  /** Adds to the amounts and rows what was recorded since the last time, `MOST_UNSETTLED` at most; all that reads an amount does it first. */
  settle(): void;
  /** By how many nano-dollars, upward or downward, any amount may change when `settle` is called. */
  unsettled(): number;
  /** Nano-dollars that all processes spent from a UTC day until now; from memory. Days that are more than `HELD_DAYS` ago are not counted. */
  spentOn(scope: SpendScope, fromDay: number): bigint;
  /** Adds a listener, which hears of what is recorded from now on. Returns the function that removes it. */
  onSpend(listener: SpendListener): () => void;
  state(): LedgerState;
  /** Since when it is not `ok`, in Unix milliseconds, and why. */
  failure(): { readonly since: number; readonly reason: string } | undefined;
  lost(): LostEntries;
  /** Requests that the store does not have yet. */
  pending(): number;
  /** Resolves when the amounts of the store are known, or after `LEDGER_TIMING.readyMs`. */
  ready(): Promise<void>;
  /** Writes what waits, within `LEDGER_TIMING.closeMs`, and ends. */
  close(): Promise<void>;
}
