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
  readonly store: Pick<SignInStore, 'revokedSince'>;
  readonly now: () => number;
  /** How long a token of a revoked session may still be valid. Milliseconds. */
  readonly tokenLifeMs: number;
  /** Called once for each session, so that a cache of verified tokens drops it. */
  readonly onRevoked: (sessionId: string) => void;
}

/** Clocks of replicas differ, and a row is visible only after its transaction: each poll looks back over what it has read before. */
const OVERLAP_MS = 30_000;

/** Remembers revoked sessions until their last token has expired. */
export function createRevocations({ store, now, tokenLifeMs, onRevoked }: RevocationOptions): Revocations {
  /** Forgotten at; milliseconds. */
  const revoked = new Map<string, number>();
  let readUpTo: number | undefined;

  const add = (sessionId: string, at: number): void => {
    if (revoked.has(sessionId)) return;
    revoked.set(sessionId, at + tokenLifeMs + OVERLAP_MS);
    onRevoked(sessionId);
  };
  return {
    isRevoked: (sessionId) => revoked.has(sessionId),
    get size() {
      return revoked.size;
    },
    add: (sessionId) => { add(sessionId, now()); },
    async poll() {
      const startedAt = now();
      const since = readUpTo === undefined ? startedAt - tokenLifeMs - OVERLAP_MS : readUpTo - OVERLAP_MS;
      const found = await store.revokedSince(since).catch(() => undefined);
      if (found === undefined) return;
      readUpTo = startedAt;
      for (const { sid, revokedAt } of found) add(sid, revokedAt);
      for (const [sessionId, forgottenAt] of revoked) if (forgottenAt <= startedAt) revoked.delete(sessionId);
    },
  };
}
