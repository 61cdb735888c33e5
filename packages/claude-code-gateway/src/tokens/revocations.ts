import type { SignInStore } from '../store/sign-in-store.ts';

/** The sessions that were ended before their tokens expired. */
export interface Revocations {
  isRevoked(sessionId: string): boolean;
  /** Sessions that are remembered. */
  readonly size: number;
  /** Ends a session here at once. Other processes read it from the store. */
  add(sessionId: string): void;
  /** Reads what other processes revoked; a store that fails leaves what is known. */
  poll(): Promise<void>;
}

/** What revocations are read with. */
export interface RevocationOptions {
  readonly store: Pick<SignInStore, 'revokedAfter'>;
  readonly now: () => number;
  /** How long a token of a revoked session may still be valid. Milliseconds. */
  readonly tokenLifeMs: number;
  /** Called once for each session, so that a cache of verified tokens drops it. */
  readonly onRevoked: (sessionId: string) => void;
}

/**
 * How far the clock of a replica that issued a token may be ahead of the clock of one that judges it: revoked sessions are remembered, and kept in
 * the store, for as much longer than their tokens live. Milliseconds.
 */
export const MOST_CLOCK_SKEW_MS = 600_000;

/**
 * Remembers revoked sessions until their last token has expired. What is new in the store is known by the number that the store gave it, never by a time:
 * the clock of the process that revoked may be any.
 */
export function createRevocations({ store, now, tokenLifeMs, onRevoked }: RevocationOptions): Revocations {
  /** Forgotten at; milliseconds. */
  const revoked = new Map<string, number>();
  let readUpTo = 0;

  const add = (sessionId: string): void => {
    if (revoked.has(sessionId)) return;
    revoked.set(sessionId, now() + tokenLifeMs + MOST_CLOCK_SKEW_MS);
    onRevoked(sessionId);
  };
  return {
    isRevoked: (sessionId) => revoked.has(sessionId),
    get size() {
      return revoked.size;
    },
    add,
    async poll() {
      const found = await store.revokedAfter(readUpTo).catch(() => undefined);
      if (found === undefined) return;
      const { sids, latest } = found;
      // A store that was replaced by an older copy counts from there: the next look reads it from the beginning.
      readUpTo = latest < readUpTo ? 0 : Math.max(readUpTo, latest);
      for (const sid of sids) add(sid);
      const at = now();
      for (const [sessionId, forgottenAt] of revoked) if (forgottenAt <= at) revoked.delete(sessionId);
    },
  };
}
