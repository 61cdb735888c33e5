import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { SqlDatabase } from '@penstock/claude-code-gateway/store';
import { boundedEntry } from './bounded-entry.ts';
import { createLedgerWriter } from './ledger-writer.ts';
import { utcDayOf, type SpendScope } from './ledger-entry.ts';
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
  /** @defaultValue LEDGER_TIMING */
  readonly timing?: Partial<LedgerTiming>;
  /** Smaller bounds, for tests. */
  readonly limits?: Partial<PendingLimits & SpendTotalsLimits>;
}

/** Makes the ledger of one process. With a database it begins to read and write at once. */
export function createLedger({ database, now = Date.now, onStore, onPruneFailure, timing: changes, limits }: LedgerOptions = {}): Ledger {
  const timing = { ...LEDGER_TIMING, ...changes };
  const totals = new SpendTotals(limits);
  const pending = new PendingRows(limits);
  /** Replaced as a whole, so that one may be removed while they are called. */
  let listeners: readonly SpendListener[] = [];
  const lost = { requests: 0, nanoDollars: 0n };
  const today = (): number => utcDayOf(now());

  const isHeld = (day: number, current: number): boolean => day >= current - HELD_DAYS && day <= current + 1;
  function set(scope: SpendScope, day: number, nanoDollars: bigint): void {
    const before = totals.of(scope, day);
    if (before === nanoDollars) return;
    totals.set(scope, day, nanoDollars);
    report(scope, day, before, nanoDollars - before);
  }
  function add(scope: SpendScope, day: number, nanoDollars: bigint): void {
    if (totals.mayHaveForgotten(scope)) writer?.recall(scope);
    if (nanoDollars !== 0n) report(scope, day, totals.add(scope, day, nanoDollars), nanoDollars);
  }
  function report(scope: SpendScope, day: number, before: bigint, change: bigint): void {
    for (const listener of listeners) listener(scope, day, before + change, before === 0n ? undefined : change);
  }
  const writer = database === undefined ? undefined : createLedgerWriter({
    database, bootId: randomUUID(), timing, pending, today, onStore, onPruneFailure,
    // The store has what was written; what waits is still ours alone.
    onAmount: ({ scope, day, nanoDollars }) => { if (isHeld(day, today()) && totals.hasPlaceFor(scope)) set(scope, day, nanoDollars + pending.spendOf(scope, day)); },
    onRecalling(scopes) { for (const scope of scopes) totals.hold(scope); },
  });

  let closing: Promise<void> | undefined;
  async function end(): Promise<void> {
    await writer?.close(performance.now() + timing.closeMs);
    const rest = pending.sum();
    lose(rest.requests, rest.nanoDollars);
  }

  function lose(requests: number, nanoDollars: bigint): void {
    lost.requests += requests;
    lost.nanoDollars += nanoDollars;
  }

  return {
    record(given, readAt = now()) {
      const entry = boundedEntry(given);
      const day = utcDayOf(entry.at);
      if (isHeld(day, utcDayOf(readAt))) for (const scope of entry.scopes) add(scope, day, entry.nanoDollars);
      if (writer === undefined || pending.add(entry, day)) return;
      lose(entry.requests, entry.nanoDollars);
      writer.overflowed();
    },
    spentOn(scope, fromDay) {
      if (totals.mayHaveForgotten(scope)) writer?.recall(scope);
      return totals.sum(scope, fromDay, today() + 1);
    },
    onSpend(listener) {
      listeners = [...listeners, listener];
      return () => { listeners = listeners.filter((each) => each !== listener); };
    },
    state: () => writer?.state() ?? 'ok',
    failure: () => writer?.failure(),
    lost: () => lost,
    pending: () => pending.sum().requests,
    async ready() {
      if (writer === undefined) return;
      const loaded = new AbortController();
      void writer.loaded.then(() => loaded.abort());
      await delay(timing.readyMs, undefined, { signal: loaded.signal }).catch(() => undefined);
    },
    close: () => (closing ??= end()),
  };
}
