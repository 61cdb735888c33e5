import { seal } from '../sealed-values.ts';
import type { SessionKeys } from '../session-keys.ts';
import type { SignInStore } from '../store/sign-in-store.ts';

/** The provider's refresh tokens that the store did not take yet, by session. */
export interface UnsavedRefreshTokens {
  /** The token that replaces what is stored. If something else is stored by now, the token is forgotten: another process stored a newer one. */
  find(sid: string, stored: string | undefined): string | undefined;
  /** @param replaces the sealed text that was stored when the token was issued */
  set(sid: string, refreshToken: string, replaces: string): void;
  delete(sid: string): void;
  /** Ends a refresh: stores the session's token if there is one, and releases the lease once nothing is unsaved. Never rejects; `saveAll` tries again. */
  settle(sid: string, holder: string): Promise<void>;
  /** Stores what `settle` could not, until the store fails. Never rejects. */
  saveAll(): Promise<void>;
}

interface UnsavedRefreshToken {
  readonly refreshToken: string;
  readonly replaces: string;
  /** Who had the lease; absent while the refresh is under way. */
  readonly holder?: string;
}

/** A store that is down for longer loses the oldest of more sessions than this: their persons sign in again. */
const MOST_UNSAVED = 1_000;

/**
 * Keeps a provider's new refresh token in memory from the provider's answer until it is stored. A provider that rotates its tokens takes the old one
 * no longer, so that a store that fails in between would sign the person out. Until then the lease is not released, by which other processes know.
 */
export function createUnsavedRefreshTokens(store: Pick<SignInStore, 'keepProviderRefresh' | 'releaseLease'>, keys: SessionKeys): UnsavedRefreshTokens {
  const tokens = new Map<string, UnsavedRefreshToken>();

  const save = async (sid: string, unsaved: UnsavedRefreshToken, holder: string): Promise<void> => {
    await store.keepProviderRefresh(sid, await seal(keys, 'provider_refresh', unsaved.refreshToken), unsaved.replaces);
    await store.releaseLease(sid, holder);
    if (tokens.get(sid) === unsaved) tokens.delete(sid);
  };
  return {
    find(sid, stored) {
      const unsaved = tokens.get(sid);
      if (unsaved === undefined || unsaved.replaces === stored) return unsaved?.refreshToken;
      tokens.delete(sid);
      return undefined;
    },
    set(sid, refreshToken, replaces) {
      tokens.delete(sid);
      tokens.set(sid, { refreshToken, replaces });
      const [oldest] = tokens.keys();
      if (tokens.size > MOST_UNSAVED && oldest !== undefined) tokens.delete(oldest);
    },
    delete: (sid) => { tokens.delete(sid); },
    async settle(sid, holder) {
      const found = tokens.get(sid);
      // A store that fails here frees the session when the lease is over.
      if (found === undefined) return store.releaseLease(sid, holder).catch(() => undefined);
      const unsaved: UnsavedRefreshToken = { ...found, holder };
      tokens.set(sid, unsaved);
      return save(sid, unsaved, holder).catch(() => undefined);
    },
    async saveAll() {
      for (const [sid, unsaved] of tokens) {
        if (unsaved.holder === undefined) continue;
        const isSaved = await save(sid, unsaved, unsaved.holder).then(() => true, () => false);
        if (!isSaved) return;
      }
    },
  };
}
