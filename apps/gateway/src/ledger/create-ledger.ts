import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { SqlDatabase } from '@penstock/claude-code-gateway/store';
import { boundedEntry } from './bounded-entry.ts';
import { createLedgerWriter } from './ledger-writer.ts';
import { utcDayOf, type LedgerEntry, type SpendScope } from './ledger-entry.ts';
import type { Ledger, SpendListener } from './ledger.ts';
import { LEDGER_TIMING, type LedgerTiming } from './ledger-timing.ts';
import { PendingRows, type PendingLimits } from './pending-rows.ts';
import { HELD_DAYS, SpendTotals, type SpendTotalsLimits } from './spend-totals.ts';

/** What a ledger is made from. */
export interface LedgerOptions {
  /** Where it is kept. @defaultValue memory alone: it is always `ok`, and ends with the process */
  readonly database?: SqlDatabase | undefined;
  /** The clock, in Unix milliseconds. @defaultValue Date.now */
  readonly now?: () => number;
  /** Called when the store fails, each time, and when it is well again, with `undefined`. */
  readonly onStore?: (error: unknown) => void;
  /** Called when old rows of the store could not be removed. */
  readonly onPruneFailure?: (error: unknown) => void;
  /** Called when entries of `recordLater` could not be made: they are not recorded, and all others are. */
  readonly onEntryFailure?: (error: unknown) => void;
  /** @defaultValue LEDGER_TIMING */
  readonly timing?: Partial<LedgerTiming>;
  /** Smaller bounds, for tests. */
  readonly limits?: Partial<PendingLimits & SpendTotalsLimits>;
}

/**
 * Requests that are added together. Amounts and rows lie in a dozen places of memory, with code of their own: for 64 requests in a row they are in the processor's cache, while after
 * the hundred microseconds of each request they are not, which takes five times as long as adding.
 */
export const MOST_UNSETTLED = 64;

/** Makes the ledger of one process. With a database it begins to read and write at once. */
export function createLedger({ database, now = Date.now, onStore, onPruneFailure, onEntryFailure, timing: changes, limits }: LedgerOptions = {}): Ledger {
  const timing = { ...LEDGER_TIMING, ...changes };
  const totals = new SpendTotals(limits);
  const pending = new PendingRows(limits);
  /** Replaced as a whole, so that one may be removed while they are called. */
  let listeners: readonly SpendListener[] = [];
  const lost = { requests: 0, nanoDollars: 0n };
  let unsettled: (LedgerEntry | (() => readonly LedgerEntry[]))[] = [];
  /** The sum of their amounts, each without its sign. */
  let unsettledNanoDollars = 0;
  const today = (): number => utcDayOf(now());

  const isHeld = (day: number, current: number): boolean => day >= current - HELD_DAYS && day <= current + 1;
  function set(scope: SpendScope, day: number, nanoDollars: bigint): void {
    const before = totals.of(scope, day);
    if (before === nanoDollars) return;
    totals.set(scope, day, nanoDollars);
    const change = Number(nanoDollars - before);
    report(scope, day, before === 0n || !Number.isSafeInteger(change) ? undefined : change);
  }
  function add(scope: SpendScope, day: number, nanoDollars: number): void {
    if (totals.mayHaveForgotten(scope)) writer?.recall(scope);
    if (nanoDollars !== 0) report(scope, day, totals.add(scope, day, nanoDollars) ? nanoDollars : undefined);
  }
  function report(scope: SpendScope, day: number, change: number | undefined): void {
    for (const listener of listeners) listener(scope, day, change);
  }
  const writer = database === undefined ? undefined : createLedgerWriter({
    database, bootId: randomUUID(), timing, pending, today, onStore, onPruneFailure, settle,
    // The store has what was written; what waits is still ours alone.
    onAmount: ({ scope, day, nanoDollars }) => { if (isHeld(day, today()) && totals.hasPlaceFor(scope)) set(scope, day, nanoDollars + pending.spendOf(scope, day)); },
    onRecalling(scopes) { for (const scope of scopes) totals.hold(scope); },
  });

  let closing: Promise<void> | undefined;
  async function end(): Promise<void> {
    await writer?.close(performance.now() + timing.closeMs);
    settle();
    const rest = pending.sum();
    lose(rest.requests, rest.nanoDollars);
  }

  function lose(requests: number, nanoDollars: bigint): void {
    lost.requests += requests;
    lost.nanoDollars += nanoDollars;
  }

  function settle(): void {
    if (unsettled.length === 0) return;
    const recorded = unsettled;
    unsettled = [];
    unsettledNanoDollars = 0;
    const current = today();
    for (const one of recorded) {
      if (typeof one === 'function') makeAndSettle(one, current);
      else settleOne(one, current);
    }
  }

  function makeAndSettle(make: () => readonly LedgerEntry[], current: number): void {
    try {
      for (const entry of make()) settleOne(boundedEntry(entry), current);
    } catch (error) {
      onEntryFailure?.(error);
    }
  }

  function settleOne(entry: LedgerEntry, current: number): void {
    const day = utcDayOf(entry.at);
    // Of an entry within bounds it is exact.
    const nanoDollars = Number(entry.nanoDollars);
    if (isHeld(day, current)) for (const scope of entry.scopes) add(scope, day, nanoDollars);
    if (writer === undefined || pending.add(entry, day)) return;
    lose(entry.requests, entry.nanoDollars);
    writer.overflowed();
  }

  return {
    record(given) {
      const entry = boundedEntry(given);
      unsettledNanoDollars += Math.abs(Number(entry.nanoDollars));
      if (unsettled.push(entry) === MOST_UNSETTLED) settle();
    },
    recordLater(nanoDollars, make) {
      unsettledNanoDollars += nanoDollars;
      if (unsettled.push(make) === MOST_UNSETTLED) settle();
    },
    settle,
    unsettled: () => unsettledNanoDollars,
    spentOn(scope, fromDay) {
      settle();
      if (totals.mayHaveForgotten(scope)) writer?.recall(scope);
      return totals.sum(scope, fromDay, today() + 1);
    },
    onSpend(listener) {
      settle();
      listeners = [...listeners, listener];
      return () => {
        settle();
        listeners = listeners.filter((each) => each !== listener);
      };
    },
    state() {
      settle();
      return writer?.state() ?? 'ok';
    },
    failure: () => writer?.failure(),
    lost() {
      settle();
      return lost;
    },
    pending() {
      settle();
      return pending.sum().requests;
    },
    async ready() {
      if (writer === undefined) return;
      const loaded = new AbortController();
      void writer.loaded.then(() => loaded.abort());
      await delay(timing.readyMs, undefined, { signal: loaded.signal }).catch(() => undefined);
    },
    close: () => (closing ??= end()),
  };
}
