import { performance } from 'node:perf_hooks';

/** The reason why the store gave no answer: a timeout, or a pause after failures. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  readonly code: 'timeout' | 'paused';

  constructor(code: StoreUnavailableError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Whether the store was skipped during a pause. */
export function isStorePaused(error: unknown): boolean {
  return error instanceof StoreUnavailableError && error.code === 'paused';
}

/** Keeps a failing store from slowing every request down. */
export interface StoreGuard {
  /** Runs a step against the store; rejects when it fails, takes too long, or the store has just failed several times in a row. */
  run<Result>(step: (isAbandoned: () => boolean) => Promise<Result>): Promise<Result>;
  /** When the first of the failures came that no success has followed; Unix milliseconds. */
  readonly failingSince: number | undefined;
}

const FAILURES_BEFORE_PAUSE = 3;
const PAUSE_MS = 1_000;

/** Guards a store: each step has a deadline, and after three failures in a row the store is left alone for a second. */
export function createStoreGuard(timeoutMs: number, now: () => number = performance.now.bind(performance)): StoreGuard {
  let failuresInARow = 0;
  let pausedUntil = 0;
  let failingSince: number | undefined;

  async function run<Result>(step: (isAbandoned: () => boolean) => Promise<Result>): Promise<Result> {
    if (now() < pausedUntil) throw new StoreUnavailableError('paused', 'the store of the limits failed and is being left alone for a moment');
    // A step that comes too late must not take a place that is never given back.
    let abandoned = false;
    const { promise: late, reject } = Promise.withResolvers<never>();
    // When this process itself stood still, answers that came in time are waiting to be read: timers run before they are, an
    // immediate after. Without it one long pause would look like a store that failed, and open the limits.
    const timer = setTimeout(() => setImmediate(() => {
      reject(new StoreUnavailableError('timeout', `the store of the limits did not answer within ${timeoutMs} ms`));
    }), timeoutMs);
    try {
      const result = await Promise.race([step(() => abandoned), late]);
      failuresInARow = 0;
      failingSince = undefined;
      return result;
    } catch (error) {
      failuresInARow += 1;
      failingSince ??= Date.now();
      // A pause that ended with another failure starts again at once, so a hanging store costs one request a second its wait.
      if (failuresInARow >= FAILURES_BEFORE_PAUSE) pausedUntil = now() + PAUSE_MS;
      throw error;
    } finally {
      abandoned = true;
      clearTimeout(timer);
    }
  }

  return {
    run,
    get failingSince() {
      return failingSince;
    },
  };
}
