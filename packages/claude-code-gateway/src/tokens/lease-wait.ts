import { setTimeout as wait } from 'node:timers/promises';
import type { SignInLimits } from '../sign-in-limits.ts';

/** How the wait for a lease ended. */
export type LeaseWaitEnd = 'taken' | 'replaced' | 'timeout' | 'full';

const STEP_MS = 100;

/**
 * Waits until a lease could be taken, or its holder has done the work. A lease that is over and was not released is taken over at the end of a shorter
 * wait: its holder may still be storing what the provider answered.
 */
export function createLeaseWait({ leaseWaitMs, settleWaitMs, maxLeaseWaiters }: Pick<SignInLimits, 'leaseWaitMs' | 'settleWaitMs' | 'maxLeaseWaiters'>): {
  take(tryToTake: (takesOver: boolean) => Promise<boolean>, isReplaced: () => Promise<boolean>): Promise<LeaseWaitEnd>;
} {
  let waiting = 0;
  return {
    async take(tryToTake, isReplaced) {
      if (await tryToTake(false)) return 'taken';
      if (waiting >= maxLeaseWaiters) return 'full';
      waiting += 1;
      try {
        for (let waitedMs = 0; waitedMs < leaseWaitMs; waitedMs += STEP_MS) {
          await wait(STEP_MS);
          if (await isReplaced()) return 'replaced';
          if (await tryToTake(waitedMs + STEP_MS >= Math.min(settleWaitMs, leaseWaitMs))) return 'taken';
        }
        return 'timeout';
      } finally {
        waiting -= 1;
      }
    },
  };
}
