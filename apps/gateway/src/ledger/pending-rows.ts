import type { BatchRecord } from './batches/batch-record.ts';
import type { MadeBatch } from './batches/made-batch.ts';
import type { LedgerEntry, SpendScope } from './ledger-entry.ts';

/** What a store does not have yet of one principal, model and day. */
export interface DayRow {
  readonly day: number;
  readonly principal: string;
  readonly model: string;
  readonly kind: string;
  email: string | undefined;
  requests: number;
  estimatedRequests: number;
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  webSearches: number;
  nanoDollars: bigint;
}

/** What a store does not have yet of one scope and day. */
export interface SpendRow {
  readonly day: number;
  readonly scope: SpendScope;
  requests: number;
  nanoDollars: bigint;
}

/** Rows that are written in one transaction. An entry is in one batch whole, so that both tables agree after every crash. */
export interface LedgerBatch {
  readonly days: ReadonlyMap<string, DayRow>;
  readonly spend: ReadonlyMap<string, SpendRow>;
  /** Message batches whose estimates are in the rows. */
  readonly made: readonly BatchRecord[];
}

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

interface OpenBatch {
  readonly days: Map<string, DayRow>;
  readonly spend: Map<string, SpendRow>;
  readonly made: BatchRecord[];
}

const rowsOf = ({ days, spend, made }: LedgerBatch): number => days.size + spend.size + made.length;

/** The rows that the store does not have, as batches: the oldest may be under way and never changes, the newest takes entries. */
export class PendingRows {
  readonly #limits: PendingLimits;
  readonly #batches: OpenBatch[] = [];
  /** Whether the oldest batch was handed out. */
  #isOldestTaken = false;

  constructor(limits: Partial<PendingLimits> = {}) {
    this.#limits = { ...PENDING_LIMITS, ...limits };
  }

  /** Rows that wait. */
  get size(): number {
    return this.#batches.reduce((sum, batch) => sum + rowsOf(batch), 0);
  }

  /** Transactions that they take. */
  get batches(): number {
    return this.#batches.length;
  }

  /** What waits. */
  sum(): PendingSum {
    let [requests, nanoDollars] = [0, 0n];
    for (const { days } of this.#batches) {
      for (const row of days.values()) {
        requests += row.requests;
        nanoDollars += row.nanoDollars;
      }
    }
    return { requests, nanoDollars };
  }

  /** Adds an entry; `false` where there is no place for its rows. */
  add(entry: LedgerEntry, day: number): boolean {
    // No name has a NUL, and a model may be named as its client likes.
    const dayKey = `${day}\0${entry.kind}\0${entry.model}\0${entry.principal}`;
    const newest = this.#batches.length > 1 || !this.#isOldestTaken ? this.#batches.at(-1) : undefined;
    const batch = newest !== undefined && ((newest.days.has(dayKey) && entry.batch === undefined) || rowsOf(newest) < this.#limits.mostBatchRows) ? newest : this.#open();
    if (batch === undefined) return false;
    if (entry.batch !== undefined) batch.made.push(recordOf(entry, entry.batch, day));
    addDay(batch.days, dayKey, entry, day);
    for (const scope of entry.scopes) addSpend(batch.spend, scope, entry, day);
    return true;
  }

  /** The spending of a scope and day that waits. */
  spendOf(scope: SpendScope, day: number): bigint {
    const key = `${day} ${scope}`;
    return this.#batches.reduce((sum, { spend }) => sum + (spend.get(key)?.nanoDollars ?? 0n), 0n);
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

  #open(): OpenBatch | undefined {
    if (this.#batches.length > 0 && this.size >= this.#limits.mostPendingRows) return undefined;
    const batch: OpenBatch = { days: new Map(), spend: new Map(), made: [] };
    this.#batches.push(batch);
    return batch;
  }
}

function recordOf({ principal, kind, email, model, scopes, at }: LedgerEntry, batch: MadeBatch, day: number): BatchRecord {
  return { ...batch, principal, kind, email, model, scopes, day, madeAt: at };
}

/** Adds an entry to the row of its key. */
export function addDay(days: Map<string, DayRow>, key: string, { principal, kind, email, model, requests, tokens, webSearches, nanoDollars, isEstimated }: LedgerEntry, day: number): void {
  let row = days.get(key);
  if (row === undefined) {
    row = {
      day, principal, model, kind, email, requests: 0, estimatedRequests: 0, input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, webSearches: 0, nanoDollars: 0n,
    };
    days.set(key, row);
  }
  row.email = email ?? row.email;
  row.requests += requests;
  if (isEstimated) row.estimatedRequests += requests;
  row.input += tokens.input;
  row.output += tokens.output;
  row.cacheRead += tokens.cacheRead;
  row.cacheWrite5m += tokens.cacheWrite5m;
  row.cacheWrite1h += tokens.cacheWrite1h;
  row.webSearches += webSearches;
  row.nanoDollars += nanoDollars;
}

/** Adds an entry to the row of a scope. */
export function addSpend(spend: Map<string, SpendRow>, scope: SpendScope, { requests, nanoDollars }: LedgerEntry, day: number): void {
  const key = `${day} ${scope}`;
  const row = spend.get(key);
  if (row === undefined) {
    spend.set(key, { day, scope, requests, nanoDollars });
    return;
  }
  row.requests += requests;
  row.nanoDollars += nanoDollars;
}
