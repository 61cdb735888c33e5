import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../clock.ts';

/** Waits between the parts of a body. */
export interface Pacer {
  /** Waits until the next part is due; less than a millisecond is carried over, a turn of the event loop always passes. */
  before(delayMs: number): Promise<void>;
}

/**
 * Creates a pacer that keeps to a schedule: after a wait that took too long, or while a client did not read, the next
 * parts follow without a wait until the schedule is met, as a model generates on while a client is slow.
 */
export function createPacer(clock: Clock, signal: AbortSignal): Pacer {
  let owedMs = 0;
  let syncedAt = clock.now();
  return {
    before: async (delayMs) => {
      owedMs += delayMs;
      const startedAt = clock.now();
      const remainingMs = owedMs - (startedAt - syncedAt);
      if (remainingMs < 1) return nextTurn();
      await clock.wait(remainingMs, signal);
      syncedAt = clock.now();
      owedMs = Math.min(0, remainingMs - (syncedAt - startedAt));
    },
  };
}

/** Creates a pacer that leaves the same gap before every part, however long the rest took. */
export function createFixedPacer(gapMs: number, clock: Clock, signal: AbortSignal): Pacer {
  return { before: () => gapMs === 0 ? nextTurn() : clock.wait(gapMs, signal) };
}
