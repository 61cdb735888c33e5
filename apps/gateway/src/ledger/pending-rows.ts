import { BatchRows, type LedgerBatch } from './batch-rows.ts';
import type { LedgerEntry, SpendScope } from './ledger-entry.ts';

/** Bounds of the rows that wait for the store. */
export interface PendingLimits {
  /** Rows of one transaction. */
  readonly mostBatchRows: number;
  /** Rows that wait while the store is down. Requests of one principal, model and day share a row; requests that need a new one are then lost. */
  readonly mostPendingRows: number;
}

/** The bounds of every process: about 15 MB. */
export const PENDING_LIMITS: PendingLimits = Object.freeze({ mostBatchRows: 2_000, mostPendingRows: 50_000 });

/** The requests of rows, and their cost. */
export interface PendingSum {
  readonly requests: number;
  readonly nanoDollars: bigint;
}

/** The rows that the store does not have, as batches: the oldest may be under way and never changes, the newest takes entries. */
export class PendingRows {
  readonly #limits: PendingLimits;
  readonly #batches: BatchRows[] = [];
  /** Whether the oldest batch was handed out. */
  #isOldestTaken = false;

  constructor(limits: Partial<PendingLimits> = {}) {
    this.#limits = { ...PENDING_LIMITS, ...limits };
  }

  /** Rows that wait. */
  get size(): number {
    return this.#batches.reduce((sum, batch) => sum + batch.size, 0);
  }

  /** Transactions that they take. */
  get batches(): number {
    return this.#batches.length;
  }

  /** What waits. */
  sum(): PendingSum {
    let [requests, nanoDollars] = [0, 0n];
    for (const { days } of this.#batches) {
      for (const row of days) {
        requests += row.requests;
        nanoDollars += row.nanoDollars.total;
      }
    }
    return { requests, nanoDollars };
  }

  /** Adds an entry; `false` where there is no place for its rows. */
  add(entry: LedgerEntry, day: number): boolean {
    const newest = this.#batches.length > 1 || !this.#isOldestTaken ? this.#batches.at(-1) : undefined;
    const batch = newest !== undefined && (newest.size < this.#limits.mostBatchRows || (entry.batch === undefined && entry.seen === undefined && newest.has(entry, day))) ? newest : this.#open();
    if (batch !== undefined) batch.add(entry, day);
    // An amount may find a place where the note of who it was of finds none.
    else if (entry.seen !== undefined) return this.add({ ...entry, seen: undefined }, day);
    return batch !== undefined;
  }

  /** The spending of a scope and day that waits. */
  spendOf(scope: SpendScope, day: number): bigint {
    return this.#batches.reduce((sum, batch) => sum + batch.spendOf(scope, day), 0n);
  }

  /** The oldest batch, which stays as it is until it is `applied`; `undefined` where none waits. */
  take(): LedgerBatch | undefined {
    this.#isOldestTaken = this.#batches.length > 0;
    return this.#batches[0];
  }

  /** The store has the batch that was taken. */
  applied(): void {
    this.#batches.shift();
    this.#isOldestTaken = false;
  }

  #open(): BatchRows | undefined {
    if (this.#batches.length > 0 && this.size >= this.#limits.mostPendingRows) return undefined;
    const batch = new BatchRows();
    this.#batches.push(batch);
    return batch;
  }
}
