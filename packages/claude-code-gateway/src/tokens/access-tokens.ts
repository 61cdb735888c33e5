import { Buffer } from 'node:buffer';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { Identity } from '../identity.ts';
import { keyIdOf, type SessionKeys } from '../session-keys.ts';

/** What an access token of ours carries. */
export interface AccessTokenClaims extends Identity {
  /** The session that the token belongs to. */
  readonly sessionId: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/** What a text that was presented as access token is. */
export type AccessTokenVerdict =
  | { readonly ok: true; readonly claims: AccessTokenClaims }
  /** `expired` and `revoked` were ours; whose a revoked one was is known. */
  | { readonly ok: false; readonly reason: 'expired' | 'revoked' | 'invalid'; readonly claims?: AccessTokenClaims };

/** Issues and verifies the access tokens of one gateway. */
export interface AccessTokens {
  readonly issuer: string;
  issue(identity: Identity, sessionId: string): Promise<string>;
  /** Whether a token is ours and has not expired. */
  judge(token: string): Promise<AccessTokenVerdict>;
  /** The session of a token that is ours, expired or not: a client may end a session whose token is over. */
  sessionOf(token: string): Promise<string | undefined>;
}

/** What the tokens are made from. */
export interface AccessTokenOptions {
  readonly keys: SessionKeys;
  readonly issuer: string;
  readonly ttlSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The audience of every access token. */
export const ACCESS_TOKEN_AUDIENCE = 'claude-gateway';

const ALGORITHM = 'HS256';
const LONGEST_TOKEN = 16 * 1024;
/** A tolerance in seconds under which no token has expired. */
const ANY_AGE = 1e11;
const INVALID: AccessTokenVerdict = { ok: false, reason: 'invalid' };
const EXPIRED: AccessTokenVerdict = { ok: false, reason: 'expired' };

/** Access tokens as JWT (RFC 7519). HS256 suffices: the gateway that issues them is the only one that verifies them. */
export function createAccessTokens({ keys, issuer, ttlSeconds, now }: AccessTokenOptions): AccessTokens {
  const judgeWith = async (token: string, clockTolerance: number): Promise<AccessTokenVerdict> => {
    if (token.length > LONGEST_TOKEN) return INVALID;
    for (const key of keys.current()) {
      try {
        const { payload } = await jwtVerify(token, Buffer.from(key), {
          algorithms: [ALGORITHM], issuer, audience: ACCESS_TOKEN_AUDIENCE, requiredClaims: ['sub', 'sid', 'iat', 'exp'], typ: 'JWT', clockTolerance,
          currentDate: new Date(now()),
        });
        const claims = readClaims(payload, ttlSeconds);
        return claims === undefined ? INVALID : { ok: true, claims };
      } catch (error) {
        // The signature was checked before.
        if (error instanceof errors.JWTExpired) return EXPIRED;
      }
    }
    return INVALID;
  };
  return {
    issuer,
    issue(identity, sessionId) {
      const [key = ''] = keys.current();
      const issuedAt = Math.floor(now() / 1000);
      const { subject, email, name, groups } = identity;
      return new SignJWT({ sid: sessionId, groups: [...groups], ...(email === undefined ? {} : { email }), ...(name === undefined ? {} : { name }) })
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid: keyIdOf(key) })
        .setSubject(subject).setIssuer(issuer).setAudience(ACCESS_TOKEN_AUDIENCE).setIssuedAt(issuedAt).setExpirationTime(issuedAt + ttlSeconds)
        .sign(Buffer.from(key));
    },
    async judge(token) {
      const verdict = await judgeWith(token, 0);
      return verdict.ok && verdict.claims.expiresAt * 1000 <= now() ? EXPIRED : verdict;
    },
    async sessionOf(token) {
      const verdict = await judgeWith(token, ANY_AGE);
      return verdict.ok ? verdict.claims.sessionId : undefined;
    },
  };
}

/**
 * A token lives for no longer than `ttlSeconds` since it was issued, also one of before a restart with a longer life: revoked sessions are remembered
 * for that time. Not by `maxTokenAge` of `jose`, which refuses the token of a replica whose clock is ahead.
 */
function readClaims(payload: Readonly<Record<string, unknown>>, ttlSeconds: number): AccessTokenClaims | undefined {
  const { sub, sid, iat, exp, email, name, groups } = payload;
  if (typeof sub !== 'string' || sub === '' || typeof sid !== 'string' || sid === '' || typeof iat !== 'number' || typeof exp !== 'number') return undefined;
  return {
    subject: sub, sessionId: sid, expiresAt: Math.min(exp, iat + ttlSeconds),
    groups: Array.isArray(groups) ? groups.filter((group): group is string => typeof group === 'string') : [],
    ...(typeof email === 'string' ? { email } : {}),
    ...(typeof name === 'string' ? { name } : {}),
  };
}
