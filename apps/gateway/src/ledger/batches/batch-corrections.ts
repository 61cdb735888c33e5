import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { BatchRecord, BatchResultCost } from './batch-record.ts';
import type { BatchStore } from './batch-store.ts';

/** Results that took the place of their estimates. Amounts in nano-dollars. */
export interface BatchCorrection {
  /** The batch, whose caller is charged. */
  readonly record: BatchRecord;
  /** What the results were charged when the batch was made. */
  readonly estimate: bigint;
  /** What they cost. */
  readonly cost: bigint;
}

/** What corrections are made with. */
export interface BatchCorrectionsOptions {
  readonly store: BatchStore;
  /** Wait before the first result is written, in which a batch that was made just before is stored. Milliseconds. */
  readonly beginMs: number;
  /** Wait after a failure of the store. Milliseconds. */
  readonly retryMs: number;
  /** Called when the store fails, and for results that found no place. */
  readonly onError: (error: unknown) => void;
  /** Called once for each correction that the store took, also where its answer was lost. @defaultValue none */
  readonly onCorrected?: (correction: BatchCorrection) => void;
  /** Results that wait for the store. @defaultValue MOST_WAITING_RESULTS */
  readonly mostWaiting?: number;
}

/** The corrections of one process: written behind the answers that have the results. */
export interface BatchCorrections {
  /** Takes a result that a caller was given. */
  add(batchId: string, result: BatchResultCost): void;
  /** Results that wait. */
  waiting(): number;
  /** Results that found no place, or that the store did not take: they are corrected when they are read once more. */
  dropped(): number;
  /** Writes what waits until a time of `performance.now()`, and ends. */
  close(deadline: number): Promise<void>;
}

/** One whole batch of the largest size: about 25 MB. */
export const MOST_WAITING_RESULTS = 100_000;
/** Results of one transaction. */
export const RESULTS_A_TRANSACTION = 1_000;
/** The longest wait after failures, in waits after the first. */
const LONGEST_WAIT = 5;

/** Makes them; nothing runs while nothing waits. */
export function createBatchCorrections({ store, beginMs, retryMs, onError, onCorrected, mostWaiting = MOST_WAITING_RESULTS }: BatchCorrectionsOptions): BatchCorrections {
  const queues = new Map<string, BatchResultCost[]>();
  const ending = new AbortController();
  let [size, dropped, tries] = [0, 0, 0];
  let isFull = false;
  let sequence = 0;
  /** The correction whose answer did not come: whether the store has it is asked before anything else. */
  let unanswered: BatchCorrection | undefined;
  let running: Promise<void> | undefined;

  function remove(id: string, count: number): void {
    const queue = queues.get(id);
    if (queue === undefined) return;
    size -= Math.min(count, queue.length);
    queue.splice(0, count);
    if (queue.length === 0) queues.delete(id);
    isFull = false;
  }

  async function settleUnanswered(correction: BatchCorrection): Promise<void> {
    if (await store.has(sequence)) onCorrected?.(correction);
    unanswered = undefined;
  }

  /** One transaction for the batch that waits longest. */
  async function step(): Promise<void> {
    if (unanswered !== undefined) await settleUnanswered(unanswered);
    const [id, queue] = queues.entries().next().value ?? [];
    if (id === undefined || queue === undefined) return;
    const some = queue.slice(0, RESULTS_A_TRANSACTION);
    const batch = await store.find(id);
    // A batch of another gateway, or from before there was a ledger; or one whose results were all read before.
    if (batch === undefined || batch.corrected >= batch.record.requests) {
      remove(id, queue.length);
      return;
    }
    const known = await store.known(id, some.map(({ key }) => key));
    const byKey = new Map(some.filter(({ key }) => !known.has(key)).map((result) => [result.key, result]));
    const fresh = [...byKey.values()].slice(0, batch.record.requests - batch.corrected);
    if (fresh.length > 0) {
      const correction: BatchCorrection = {
        record: batch.record, estimate: batch.record.each.nanoDollars * BigInt(fresh.length), cost: fresh.reduce((sum, { nanoDollars }) => sum + nanoDollars, 0n),
      };
      sequence += 1;
      unanswered = correction;
      await store.correct(batch.record, fresh, sequence);
      unanswered = undefined;
      onCorrected?.(correction);
    }
    remove(id, some.length);
  }

  async function tryStep(): Promise<boolean> {
    try {
      await step();
      tries = 0;
      return true;
    } catch (error) {
      tries += 1;
      onError(error);
      return false;
    }
  }

  const pause = (ms: number): Promise<void> => delay(ms, undefined, { ref: false, signal: ending.signal }).catch(() => undefined);

  async function run(): Promise<void> {
    await pause(beginMs);
    while (queues.size > 0 && !ending.signal.aborted) {
      if (!await tryStep()) await pause(retryMs * Math.min(tries, LONGEST_WAIT));
    }
    running = undefined;
  }

  return {
    add(batchId, result) {
      if (size >= mostWaiting) {
        if (!isFull) onError(new Error(`${mostWaiting} results of batches wait for the store: further ones are corrected when they are read once more`));
        isFull = true;
        dropped += 1;
        return;
      }
      const queue = queues.get(batchId);
      if (queue === undefined) queues.set(batchId, [result]);
      else queue.push(result);
      size += 1;
      running ??= run();
    },
    waiting: () => size,
    dropped: () => dropped,
    async close(deadline) {
      ending.abort();
      const rest = async (): Promise<void> => {
        await running;
        while (queues.size > 0 && performance.now() < deadline) {
          if (!await tryStep()) await delay(Math.min(retryMs, Math.max(0, deadline - performance.now())));
        }
      };
      await Promise.race([rest(), delay(Math.max(0, deadline - performance.now()), undefined, { ref: false })]);
      dropped += size;
    },
  };
}
