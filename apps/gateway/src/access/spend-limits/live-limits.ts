import type { Budget } from '../budgets/budget-book.ts';
import { budgetsOfLimit } from './spend-limit.ts';
import type { SpendLimitStore } from './spend-limit-store.ts';

/** How often other processes' changes are looked for. Milliseconds. */
export const LIMITS_POLL_MS = 1_000;

/** Limits that no reading brought yet. */
export interface UnreadLimits {
  /** Unix milliseconds. */
  readonly since: number;
  /** Absent before the first failure. */
  readonly reason: string | undefined;
}

/** How limits are followed. */
export interface FollowOptions {
  /** @defaultValue LIMITS_POLL_MS */
  readonly pollMs?: number;
  /** Called when they cannot be read, once until they can, and with `undefined` when they can again. */
  readonly onFailure?: (error: unknown) => void;
}

/** The limits of the store, as they are at most `LIMITS_POLL_MS` and one query later in every process. */
export interface LiveLimits {
  /** Reads them now if they changed. Rejects while the store fails; the last ones then hold. */
  refresh(): Promise<void>;
  /** Since when they could not be read, and why; `undefined` once they were read for the first time: the last ones then hold. */
  neverRead(): UnreadLimits | undefined;
  close(): void;
}

/** Begins to follow the limits. A store that is down is asked again at each turn. */
export function followLimits(store: SpendLimitStore, onLimits: (budgets: readonly Budget[]) => void, { pollMs = LIMITS_POLL_MS, onFailure }: FollowOptions = {}): LiveLimits {
  let version: number | undefined;
  let unread: UnreadLimits | undefined = { since: Date.now(), reason: undefined };
  let isFailing = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  async function read(): Promise<void> {
    if (version === undefined) await store.prepare();
    const current = await store.version();
    if (current === version) return;
    const limits = await store.list();
    version = current;
    unread = undefined;
    onLimits(limits.flatMap(budgetsOfLimit));
  }

  async function readAndReport(): Promise<void> {
    try {
      await read();
    } catch (error) {
      if (unread !== undefined) unread = { ...unread, reason: error instanceof Error ? error.message : String(error) };
      if (!isFailing) onFailure?.(error);
      isFailing = true;
      throw error;
    }
    if (isFailing) onFailure?.(undefined);
    isFailing = false;
  }

  /** One after another: an older reading must not follow a newer one. */
  function refresh(): Promise<void> {
    running = running.catch(() => undefined).then(readAndReport);
    return running;
  }

  function schedule(): void {
    if (isClosed) return;
    timer = setTimeout(() => { void refresh().catch(() => undefined).finally(schedule); }, pollMs).unref();
  }

  schedule();
  return {
    refresh,
    neverRead: () => unread,
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
