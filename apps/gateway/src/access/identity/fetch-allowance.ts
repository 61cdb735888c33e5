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
  /** Takes one fetch for a key that is not held. `false`: none is left. */
  take(key: string): boolean;
  /** A key that the issuer did not publish either when it was asked. */
  noteAbsent(key: string): void;
}

/** Keys that are remembered as absent; the oldest goes first. */
const MOST_ABSENT = 64;
/** Characters of a key's name that are remembered: a token can bring 16 KiB. */
const LONGEST_NAME = 128;

/**
 * A bucket of fetches for one issuer. A key that was looked for in vain before is fetched again only while the bucket is full: a client that goes on with the
 * token of a withdrawn key leaves the other fetches to keys that are new.
 */
export function createFetchAllowance({ burst, refillMs }: AllowanceBounds): FetchAllowance {
  const absent = new Set<string>();
  let left = burst;
  let countedAt = performance.now();

  function refill(): void {
    const now = performance.now();
    left = refillMs === 0 ? burst : Math.min(burst, left + (now - countedAt) / refillMs);
    countedAt = now;
  }

  return {
    take(key) {
      refill();
      if (left < (absent.has(key.slice(0, LONGEST_NAME)) ? burst : 1)) return false;
      left -= 1;
      return true;
    },
    noteAbsent(key) {
      absent.add(key.slice(0, LONGEST_NAME));
      const [oldest] = absent;
      if (absent.size > MOST_ABSENT && oldest !== undefined) absent.delete(oldest);
    },
  };
}
