import type { Budget } from '../budgets/budget-book.ts';
import { budgetsOfLimit } from './spend-limit.ts';
import type { SpendLimitStore } from './spend-limit-store.ts';

/** How often other processes' changes are looked for. Milliseconds. */
export const LIMITS_POLL_MS = 1_000;

/** The limits of the store, as they are at most `LIMITS_POLL_MS` and one query later in every process. */
export interface LiveLimits {
  /** Reads them now if they changed. Rejects while the store fails; the last ones then hold. */
  refresh(): Promise<void>;
  close(): void;
}

/** Begins to follow the limits. A store that is down is asked again at each turn. */
export function followLimits(store: SpendLimitStore, onLimits: (budgets: readonly Budget[]) => void, pollMs: number = LIMITS_POLL_MS): LiveLimits {
  let version: number | undefined;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  async function read(): Promise<void> {
    if (version === undefined) await store.prepare();
    const current = await store.version();
    if (current === version) return;
    const limits = await store.list();
    version = current;
    onLimits(limits.flatMap(budgetsOfLimit));
  }

  /** One after another: an older reading must not follow a newer one. */
  function refresh(): Promise<void> {
    running = running.catch(() => undefined).then(read);
    return running;
  }

  function schedule(): void {
    if (isClosed) return;
    timer = setTimeout(() => { void refresh().catch(() => undefined).finally(schedule); }, pollMs).unref();
  }

  schedule();
  return {
    refresh,
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
