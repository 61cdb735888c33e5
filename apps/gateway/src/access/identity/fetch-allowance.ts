import { performance } from 'node:perf_hooks';

/** The bounds of the fetches that tokens cause. */
export interface AllowanceBounds {
  /** Fetches that may follow one another at once. */
  readonly burst: number;
  /** How long it takes until one more is allowed. Milliseconds. */
  readonly refillMs: number;
}

/** How many fetches of an issuer's keys tokens may cause. */
export interface FetchAllowance {
  /** Takes one fetch. `false`: none is left. */
  take(): boolean;
  /** Milliseconds until `take` succeeds, 0 where it would now. */
  untilNextMs(): number;
}

/** A bucket of fetches for one issuer, full at first. */
export function createFetchAllowance({ burst, refillMs }: AllowanceBounds): FetchAllowance {
  let left = burst;
  let countedAt = performance.now();

  function refill(): number {
    const now = performance.now();
    left = refillMs === 0 ? burst : Math.min(burst, left + (now - countedAt) / refillMs);
    countedAt = now;
    return left;
  }

  return {
    take() {
      if (refill() < 1) return false;
      left -= 1;
      return true;
    },
    untilNextMs: () => Math.max(0, 1 - refill()) * refillMs,
  };
}
