/** The provider's refresh tokens that the store did not take yet, by session. */
export interface UnsavedRefreshTokens {
  /** The token that replaces what is stored. If something else is stored by now, the token is forgotten: another process stored a newer one. */
  find(sid: string, stored: string | undefined): string | undefined;
  /** @param replaces the sealed text that was stored when the token was issued */
  set(sid: string, refreshToken: string, replaces: string): void;
  delete(sid: string): void;
}

interface UnsavedRefreshToken {
  readonly refreshToken: string;
  readonly replaces: string;
}

/** A store that is down for longer loses the oldest of more sessions than this: their persons sign in again. */
const MOST_UNSAVED = 1_000;

/**
 * Keeps a provider's new refresh token in memory from the provider's answer until it is stored. A provider that rotates its tokens takes the old one
 * no longer, so that a store that fails in between would sign the person out.
 */
export function createUnsavedRefreshTokens(): UnsavedRefreshTokens {
  const tokens = new Map<string, UnsavedRefreshToken>();
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
  };
}
