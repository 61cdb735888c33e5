/** The provider's refresh tokens that the store did not take yet, by session. */
export interface UnsavedRefreshTokens {
  get(sid: string): string | undefined;
  set(sid: string, refreshToken: string): void;
  delete(sid: string): void;
}

/** A store that is down for longer loses the oldest of more sessions than this: their persons sign in again. */
const MOST_UNSAVED = 1_000;

/**
 * Keeps a provider's new refresh token in memory from the provider's answer until it is stored. A provider that rotates its tokens takes the old one
 * no longer, so that a store that fails in between would sign the person out.
 */
export function createUnsavedRefreshTokens(): UnsavedRefreshTokens {
  const tokens = new Map<string, string>();
  return {
    get: (sid) => tokens.get(sid),
    set(sid, refreshToken) {
      tokens.delete(sid);
      tokens.set(sid, refreshToken);
      const [oldest] = tokens.keys();
      if (tokens.size > MOST_UNSAVED && oldest !== undefined) tokens.delete(oldest);
    },
    delete: (sid) => { tokens.delete(sid); },
  };
}
