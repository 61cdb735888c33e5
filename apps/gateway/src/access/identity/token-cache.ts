import { performance } from 'node:perf_hooks';

/** Tokens that are remembered at once; the oldest gives way. */
export const MOST_REMEMBERED_TOKENS = 20_000;

/** Longest time for which a token is not verified again. */
export const LONGEST_REMEMBERED_MS = 300_000;

/** How many old entries are looked at when one is added: what has expired goes, and no sweep is needed. */
const SWEPT_EACH_TIME = 2;

interface Entry<Value> {
  readonly value: Value;
  /** On the monotonic clock. */
  readonly until: number;
  /** On the wall clock, in milliseconds since 1970: a token's own end is told by it. */
  readonly expiresAt: number;
}

/** What is remembered of verified tokens, by their digests. */
export interface TokenCache<Value> {
  get(digest: string): Value | undefined;
  /** Remembers a value, at most to a token's end in seconds since 1970. */
  set(digest: string, value: Value, expiresAtSeconds: number): void;
  delete(digest: string): void;
  readonly size: number;
}

/** Bounds, for tests. */
export interface TokenCacheOptions {
  readonly maxEntries?: number;
  readonly maxAgeMs?: number;
}

/** Makes an empty cache. Both clocks are looked at: neither a wall clock that was set back nor one that was set forward lets an entry live longer. */
export function createTokenCache<Value>({ maxEntries = MOST_REMEMBERED_TOKENS, maxAgeMs = LONGEST_REMEMBERED_MS }: TokenCacheOptions = {}): TokenCache<Value> {
  const entries = new Map<string, Entry<Value>>();
  const isOver = ({ until, expiresAt }: Entry<Value>): boolean => performance.now() >= until || Date.now() >= expiresAt;

  function sweep(): void {
    let looked = 0;
    for (const [digest, entry] of entries) {
      if (looked >= SWEPT_EACH_TIME) break;
      looked += 1;
      // The first one is the oldest.
      if (isOver(entry) || entries.size >= maxEntries) entries.delete(digest);
    }
  }

  return {
    get(digest) {
      const entry = entries.get(digest);
      if (entry === undefined) return undefined;
      if (!isOver(entry)) return entry.value;
      entries.delete(digest);
      return undefined;
    },
    set(digest, value, expiresAtSeconds) {
      entries.delete(digest);
      const entry = { value, until: performance.now() + maxAgeMs, expiresAt: expiresAtSeconds * 1_000 };
      if (isOver(entry)) return;
      sweep();
      entries.set(digest, entry);
    },
    delete: (digest) => { entries.delete(digest); },
    get size() {
      return entries.size;
    },
  };
}
