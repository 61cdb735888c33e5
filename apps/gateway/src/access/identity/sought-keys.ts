import { hash } from 'node:crypto';
import { performance } from 'node:perf_hooks';

/** Keys that tokens named and that are not held, each with the time of the first token. A fetch that began later and did not bring a key has shown that it is absent. */
export interface SoughtKeys {
  /** When a key was first named, on the clock of `performance.now()`: now for one that is not remembered. */
  since(name: string): number;
}

/** The oldest goes first. A key that is forgotten counts as new: its tokens wait for one more fetch. */
const MOST_REMEMBERED = 1_024;

/** Makes an empty memory. It keeps a digest of each name, because a token can bring 16 KiB of it. */
export function createSoughtKeys(): SoughtKeys {
  const firstNamed = new Map<string, number>();
  return {
    since(name) {
      const digest = hash('sha256', name, 'base64');
      const known = firstNamed.get(digest);
      if (known !== undefined) return known;
      const now = performance.now();
      firstNamed.set(digest, now);
      const [oldest] = firstNamed.keys();
      if (firstNamed.size > MOST_REMEMBERED && oldest !== undefined) firstNamed.delete(oldest);
      return now;
    },
  };
}
