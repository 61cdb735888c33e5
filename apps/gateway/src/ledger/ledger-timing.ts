/** The clocks of a ledger, in milliseconds. */
export interface LedgerTiming {
  /** Longest time for which an entry waits before it is written; `state.flush_interval`. */
  readonly flushMs: number;
  /** How often the amounts of other processes are read. */
  readonly exchangeMs: number;
  /** Wait after a failure. */
  readonly retryMs: number;
  /** Without an answer of the store for this long the ledger is `behind`. */
  readonly behindAfterMs: number;
  /** Longest time for which a start waits for the amounts of the store. */
  readonly readyMs: number;
  /** Longest time for which an end waits for the store. */
  readonly closeMs: number;
}

/** The clocks as they are documented: an entry of one process counts in every other one after 1 s and 0.5 s and two transactions, which is less than 2 s. */
export const LEDGER_TIMING: LedgerTiming = Object.freeze({ flushMs: 1_000, exchangeMs: 500, retryMs: 500, behindAfterMs: 5_000, readyMs: 2_000, closeMs: 5_000 });
