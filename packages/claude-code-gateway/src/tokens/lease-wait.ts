import { setTimeout as wait } from 'node:timers/promises';
import type { SignInLimits } from '../sign-in-limits.ts';

/** How the wait for a lease ended. */
export type LeaseWaitEnd = 'taken' | 'replaced' | 'timeout' | 'full';

const STEP_MS = 100;

/** Waits until a lease could be taken, or its holder has done the work. */
export function createLeaseWait({ leaseWaitMs, maxLeaseWaiters }: Pick<SignInLimits, 'leaseWaitMs' | 'maxLeaseWaiters'>): {
  take(tryToTake: () => Promise<boolean>, isReplaced: () => Promise<boolean>): Promise<LeaseWaitEnd>;
} {
  let waiting = 0;
  return {
    async take(tryToTake, isReplaced) {
      if (await tryToTake()) return 'taken';
      if (waiting >= maxLeaseWaiters) return 'full';
      waiting += 1;
      try {
        for (let waitedMs = 0; waitedMs < leaseWaitMs; waitedMs += STEP_MS) {
          await wait(STEP_MS);
          if (await isReplaced()) return 'replaced';
          if (await tryToTake()) return 'taken';
        }
        return 'timeout';
      } finally {
        waiting -= 1;
      }
    },
  };
}
