import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TokenCounts } from '../request/request-record.ts';
import type { LedgerEntry } from './ledger-entry.ts';

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

/**
 * Begins. Nothing is done when an event passes: a timer asks each open stream that is older than an interval for what it has so far, and the difference to the last
 * time is an entry of the ledger without a request. The end of the stream takes all of it back and charges the true amount, in one turn of the event loop.
 */
export function createOpenCharges<Spender extends OpenSpender>({ open, entryOf, record, isNeeded, onError, intervalMs = OPEN_CHARGE_INTERVAL_MS }: OpenChargesOptions<Spender>): OpenCharges {
  const charged = new WeakMap<object, LedgerEntry>();
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
    if (before !== undefined && before.nanoDollars === entry.nanoDollars && before.model === entry.model) return;
    const now: LedgerEntry = { ...entry, requests: 0, isEstimated: true };
    charged.set(spender, now);
    for (const change of changes(before, now)) record(change);
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
      const entry = charged.get(spender);
      if (entry === undefined) return;
      charged.delete(spender);
      record({ ...negative(entry), at: Date.now() });
    },
    close: () => clearInterval(timer),
  };
}

/** What brings the ledger from one amount of a request to the next. */
function changes(before: LedgerEntry | undefined, now: LedgerEntry): readonly LedgerEntry[] {
  if (before === undefined) return [now];
  if (before.model !== now.model || before.principal !== now.principal || before.scopes !== now.scopes) return [{ ...negative(before), at: now.at }, now];
  return [{
    ...now, nanoDollars: now.nanoDollars - before.nanoDollars, webSearches: now.webSearches - before.webSearches,
    tokens: combine(now.tokens, before.tokens, (count, earlier) => count - earlier),
  }];
}

function negative(entry: LedgerEntry): LedgerEntry {
  return { ...entry, nanoDollars: -entry.nanoDollars, webSearches: -entry.webSearches, tokens: combine(entry.tokens, entry.tokens, (count) => -count) };
}

function combine(counts: TokenCounts, others: TokenCounts, make: (count: number, other: number) => number): TokenCounts {
  return {
    input: make(counts.input, others.input), output: make(counts.output, others.output), cacheRead: make(counts.cacheRead, others.cacheRead),
    cacheWrite5m: make(counts.cacheWrite5m, others.cacheWrite5m), cacheWrite1h: make(counts.cacheWrite1h, others.cacheWrite1h),
  };
}
