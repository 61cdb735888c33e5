import { createSecret } from '../digest.ts';

/** With what a refresh token begins, so that secret scanners and people recognise one. */
export const REFRESH_TOKEN_PREFIX = 'penr_';

/** A refresh token: opaque, 256 bits. */
export function createRefreshToken(): string {
  return `${REFRESH_TOKEN_PREFIX}${createSecret()}`;
}

/** The name of a new session and its first refresh token. */
export function createSessionIds(): { readonly sid: string; readonly refreshToken: string } {
  return { sid: createSecret(), refreshToken: createRefreshToken() };
}
