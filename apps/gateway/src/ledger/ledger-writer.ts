import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { SqlDatabase } from '@penstock/claude-code-gateway/store';
import type { SpendScope } from './ledger-entry.ts';
import { createLedgerStore, FIRST_CURSOR, type SpendAmount, type SpendChanges } from './ledger-store.ts';
import type { LedgerTiming } from './ledger-timing.ts';
import type { LedgerState } from './ledger.ts';
import type { PendingRows } from './pending-rows.ts';
import { HELD_DAYS } from './spend-totals.ts';

/** What a writer works with. */
export interface LedgerWriterOptions {
  readonly database: SqlDatabase;
  readonly bootId: string;
  readonly timing: LedgerTiming;
  readonly pending: PendingRows;
  /** Adds to the rows what was recorded. */
  readonly settle: () => void;
  readonly today: () => number;
  /** Takes an amount that the store has. */
  readonly onAmount: (amount: SpendAmount) => void;
  /** Called before the amounts of scopes that were forgotten are taken: from now on they are held. */
  readonly onRecalling: (scopes: readonly SpendScope[]) => void;
  readonly onStore?: ((error: unknown) => void) | undefined;
  /** Called when old rows could not be removed: they are tried again the next day, and nothing else waits for it. */
  readonly onPruneFailure?: ((error: unknown) => void) | undefined;
}

/** Writes what waits and reads what changed, one transaction after another. */
export interface LedgerWriter {
  /** Resolves when everything that the store has of the held days was read once. */
  readonly loaded: Promise<void>;
  state(): LedgerState;
  failure(): { readonly since: number; readonly reason: string } | undefined;
  /** Reads what a scope that was forgotten spent, in the next turns. */
  recall(scope: SpendScope): void;
  /** An entry found no place among those that wait. */
  overflowed(): void;
  /** Writes the rest until a time of `performance.now()`, and ends. */
  close(deadline: number): Promise<void>;
}

/** Scopes that one transaction reads. */
const MOST_RECALLED = 128;
/** Scopes that wait to be read; one that finds no place is asked for again with its next request. */
const MOST_TO_RECALL = 100_000;

/** Starts a writer. */
export function createLedgerWriter({ database, bootId, timing, pending, settle: settleRecorded, today, onAmount, onRecalling, onStore, onPruneFailure }: LedgerWriterOptions): LedgerWriter {
  const store = createLedgerStore(database, bootId);
  const { promise: loaded, resolve: onLoaded } = Promise.withResolvers<void>();
  const ending = new AbortController();
  const tickMs = Math.min(timing.exchangeMs, timing.flushMs);
  let cursor = FIRST_CURSOR;
  /** The number of the batch that is written next, and whether it was tried already. */
  let [sequence, wasTried] = [1, false];
  let [isPrepared, isLoaded, isOverflowing] = [false, false, false];
  let readOn = today();
  let mayPrune = true;
  const recalled = new Set<SpendScope>();
  let wellAt = performance.now();
  let flushedAt = performance.now();
  let trouble: { readonly since: number; readonly reason: string } | undefined;

  function take(changes: SpendChanges): void {
    for (const amount of changes.amounts) onAmount(amount);
    cursor = changes.cursor;
    if (changes.isCut || isLoaded) return;
    isLoaded = true;
    onLoaded();
  }

  async function writeOldest(): Promise<boolean> {
    const batch = pending.take();
    if (batch === undefined) return false;
    // Its transaction may have been committed although the answer never came.
    if (!wasTried || !(await store.has(sequence))) {
      wasTried = true;
      const changes = await store.write({ sequence, ...batch }, cursor, today() - HELD_DAYS);
      settle();
      take(changes);
      return changes.isCut || pending.batches > 1;
    }
    settle();
    return true;
  }

  function settle(): void {
    pending.applied();
    sequence += 1;
    [wasTried, isOverflowing] = [false, false];
  }

  /** One transaction. Resolves to whether there is more to do at once. */
  async function step(mayWait: boolean): Promise<boolean> {
    settleRecorded();
    const day = today();
    if (!isPrepared) await store.prepare();
    isPrepared = true;
    if (day !== readOn) {
      // The clock was set: other days are held now.
      if (Math.abs(day - readOn) > 1) cursor = FIRST_CURSOR;
      readOn = day;
      mayPrune = true;
    }
    if (mayWait && isLoaded) await readRecalled(day);
    const isDue = !mayWait || wasTried || pending.batches > 1 || performance.now() - flushedAt >= timing.flushMs - tickMs / 2;
    if (isDue && pending.batches > 0) {
      flushedAt = performance.now();
      return writeOldest();
    }
    const changes = await store.read(cursor, day - HELD_DAYS);
    take(changes);
    if (mayWait && mayPrune && !changes.isCut) await prune(day);
    return changes.isCut;
  }

  /** Each stays among those to be recalled until it was read. */
  async function readRecalled(day: number): Promise<void> {
    if (recalled.size === 0) return;
    const scopes: SpendScope[] = [];
    for (const scope of recalled) if (scopes.push(scope) === MOST_RECALLED) break;
    const amounts = await store.readScopes(scopes, day - HELD_DAYS);
    onRecalling(scopes);
    for (const scope of scopes) recalled.delete(scope);
    for (const amount of amounts) onAmount(amount);
  }

  /** Old rows go a portion a turn, when nothing is due. */
  async function prune(day: number): Promise<void> {
    mayPrune = false;
    try {
      mayPrune = await store.prune(day);
    } catch (error) {
      onPruneFailure?.(error);
    }
  }

  async function tryStep(mayWait: boolean): Promise<boolean | 'failed'> {
    try {
      const hasMore = await step(mayWait);
      wellAt = performance.now();
      if (trouble !== undefined) onStore?.(undefined);
      trouble = undefined;
      return hasMore;
    } catch (error) {
      trouble = { since: trouble?.since ?? Date.now(), reason: error instanceof Error ? error.message : String(error) };
      // A server that was restored or replaced may have lost changes: everything is read anew.
      cursor = FIRST_CURSOR;
      onStore?.(error);
      return 'failed';
    }
  }

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      const done = await tryStep(true);
      if (done === true) continue;
      await delay(done === 'failed' ? timing.retryMs : tickMs, undefined, { ref: false, signal: ending.signal }).catch(() => undefined);
    }
  }
  const running = run();

  const state = (): LedgerState => {
    if (isOverflowing) return 'failed';
    return isLoaded && performance.now() - wellAt < timing.behindAfterMs ? 'ok' : 'behind';
  };

  return {
    loaded, state,
    failure: () => (state() === 'ok' ? undefined : trouble ?? { since: Math.round(performance.timeOrigin + wellAt), reason: 'the store does not answer' }),
    recall(scope) { if (recalled.size < MOST_TO_RECALL) recalled.add(scope); },
    overflowed() { isOverflowing = true; },
    async close(deadline) {
      ending.abort();
      const rest = async (): Promise<void> => {
        await running;
        settleRecorded();
        while (pending.batches > 0 && performance.now() < deadline) {
          if (await tryStep(false) === 'failed') await delay(Math.min(timing.retryMs, Math.max(0, deadline - performance.now())));
        }
      };
      await Promise.race([rest(), delay(Math.max(0, deadline - performance.now()), undefined, { ref: false })]);
    },
  };
}
