import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TokenCounts } from '../request/request-record.ts';
import { utcDayOf, type LedgerEntry } from './ledger-entry.ts';

/** A request that may be charged while it is open: it is known again by its identity. */
export interface OpenSpender {
  /** When the parsed head arrived; `performance.now()` milliseconds. */
  readonly startedAt: number;
}

/** What open charges are made with. */
export interface OpenChargesOptions<Spender extends OpenSpender> {
  /** The open requests at one moment. */
  readonly open: () => readonly Spender[];
  /** What an open request would be charged if it ended now; `undefined` where nothing can be told yet. */
  readonly entryOf: (spender: Spender) => LedgerEntry | undefined;
  readonly record: (entry: LedgerEntry) => void;
  /** Whether what is open matters: no request is looked at otherwise. */
  readonly isNeeded: () => boolean;
  readonly onError: (error: unknown) => void;
  /** @defaultValue OPEN_CHARGE_INTERVAL_MS */
  readonly intervalMs?: number;
}

/** Charges requests while they are open, so that budgets see what flowed of streams, and batches that are being made. */
export interface OpenCharges {
  /** Charges an open request with an amount at once, in the place of what it was charged with before. */
  book(spender: OpenSpender, entry: LedgerEntry): void;
  /** Takes back what was charged for a request that is charged as a whole now, or not at all. */
  takeBack(spender: object): void;
  close(): void;
}

/** How often the open streams are looked at: what flowed of one counts after this and what the exchange with other processes takes, which is less than 3 s together. */
export const OPEN_CHARGE_INTERVAL_MS = 1_000;

/** Open requests that are looked at in one turn of the event loop: 1 ms. */
const MOST_A_TURN = 200;

/** What an open request was charged with until now. */
interface Charged {
  readonly total: LedgerEntry;
  /** The total by the UTC days on which it was charged, the latest first: one, and one more for each midnight that the request is open. */
  readonly days: readonly LedgerEntry[];
}

/**
 * Begins. Nothing is done when an event passes: a timer asks each open stream that is older than an interval for what it has so far, and the difference to the last
 * time is an entry of the ledger without a request. The end of the stream takes all of it back and charges the true amount, in one turn of the event loop. Each amount is
 * taken back on the day on which it was charged: the next day would begin with a credit otherwise.
 */
export function createOpenCharges<Spender extends OpenSpender>({ open, entryOf, record, isNeeded, onError, intervalMs = OPEN_CHARGE_INTERVAL_MS }: OpenChargesOptions<Spender>): OpenCharges {
  const charged = new WeakMap<object, Charged>();
  /** Requests that ended while a list of open ones was being gone through, so that they are not charged again. */
  const ended = new Set<object>();
  let isLooking = false;

  function look(spender: Spender): void {
    if (ended.has(spender)) return;
    const entry = entryOf(spender);
    if (entry !== undefined) book(spender, entry);
  }

  function book(spender: object, entry: LedgerEntry): void {
    const before = charged.get(spender);
    if (before !== undefined && before.total.nanoDollars === entry.nanoDollars && before.total.model === entry.model) return;
    const total: LedgerEntry = { ...entry, requests: 0, isEstimated: true };
    if (before === undefined || !isSameRow(before.total, total)) {
      if (before !== undefined) takeBack(before);
      charged.set(spender, { total, days: [total] });
      record(total);
      return;
    }
    const change = combine(total, before.total, (amount, earlier) => amount - earlier, (count, earlier) => count - earlier);
    charged.set(spender, { total, days: addToDays(before.days, change) });
    record(change);
  }

  function takeBack({ days }: Charged): void {
    for (const entry of days) record(negative(entry));
  }

  async function lookAtAll(): Promise<void> {
    const spenders = open();
    for (const [index, spender] of spenders.entries()) {
      if (index % MOST_A_TURN === MOST_A_TURN - 1) await nextTurn();
      if (performance.now() - spender.startedAt >= intervalMs) look(spender);
    }
  }

  async function tick(): Promise<void> {
    if (isLooking || !isNeeded()) return;
    isLooking = true;
    try {
      await lookAtAll();
    } catch (error) {
      onError(error);
    } finally {
      isLooking = false;
      ended.clear();
    }
  }

  const timer = setInterval(() => { void tick(); }, intervalMs).unref();

  return {
    book,
    takeBack(spender) {
      if (isLooking) ended.add(spender);
      const before = charged.get(spender);
      // Of nearly every request: it ended before it was looked at.
      if (before === undefined) return;
      charged.delete(spender);
      takeBack(before);
    },
    close: () => clearInterval(timer),
  };
}

/** Whether two entries of one request add to the same rows of a day. */
function isSameRow(one: LedgerEntry, other: LedgerEntry): boolean {
  return one.model === other.model && one.principal === other.principal && one.scopes === other.scopes;
}

/** The days with a change, which belongs to the latest or begins a new one. */
function addToDays([latest, ...earlier]: readonly LedgerEntry[], change: LedgerEntry): readonly LedgerEntry[] {
  if (latest === undefined) return [change];
  if (utcDayOf(latest.at) !== utcDayOf(change.at)) return [change, latest, ...earlier];
  return [combine(change, latest, (amount, more) => amount + more, (count, more) => count + more), ...earlier];
}

function negative(entry: LedgerEntry): LedgerEntry {
  return combine(entry, entry, (amount) => -amount, (count) => -count);
}

/** The first entry with amounts and counts made of those of both. */
function combine(entry: LedgerEntry, other: LedgerEntry, makeAmount: (amount: bigint, other: bigint) => bigint, make: (count: number, other: number) => number): LedgerEntry {
  return {
    ...entry, nanoDollars: makeAmount(entry.nanoDollars, other.nanoDollars), webSearches: make(entry.webSearches, other.webSearches), tokens: combineTokens(entry.tokens, other.tokens, make),
  };
}

function combineTokens(counts: TokenCounts, others: TokenCounts, make: (count: number, other: number) => number): TokenCounts {
  return {
    input: make(counts.input, others.input), output: make(counts.output, others.output), cacheRead: make(counts.cacheRead, others.cacheRead),
    cacheWrite5m: make(counts.cacheWrite5m, others.cacheWrite5m), cacheWrite1h: make(counts.cacheWrite1h, others.cacheWrite1h),
  };
}
