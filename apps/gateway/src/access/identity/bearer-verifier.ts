import type { Person } from './principal.ts';

/** Why a token is refused. `unavailable`: the keys to judge it by could not be had, so that nothing is known of it. */
export const TOKEN_REFUSALS = [
  'token_malformed', 'token_issuer', 'token_audience', 'token_algorithm', 'token_key', 'token_signature', 'token_expired', 'token_not_yet_valid',
  'token_too_old', 'token_claims', 'token_groups', 'token_revoked', 'unavailable',
] as const;

/** One of `TOKEN_REFUSALS`. */
export type TokenRefusal = (typeof TOKEN_REFUSALS)[number];

/** A token whose signature and claims were checked. */
export interface VerifiedToken {
  readonly person: Person;
  /** The end of its validity in seconds since 1970 (`exp`): it is never remembered beyond. */
  readonly expiresAt: number;
  /** What verified it, in the verifier's own terms, such as the thumbprint of a key; `isCurrent` reads it. */
  readonly proof: string;
}

/** What became of a token. */
export type Verification =
  | { readonly ok: true; readonly token: VerifiedToken }
  /** `person`: whose token it was, where the signature proved it. */
  | { readonly ok: false; readonly reason: TokenRefusal; readonly person?: Person };

/**
 * Judges the tokens of one issuer. A bearer goes to the verifier whose `issuer` is exactly the token's `iss` and which accepts its
 * audience; no second one is asked.
 */
export interface BearerVerifier {
  /** The issuer's name in the configuration; `sign_in` for tokens of our own. */
  readonly name: string;
  /** The `iss` of its tokens. */
  readonly issuer: string;
  /** Whether one of a token's audiences (`aud`) is this verifier's. */
  acceptsAudience(audiences: readonly string[]): boolean;
  /** Checks a compact JWS of its issuer. Never rejects, and settles within two seconds: waiting for keys is bounded. */
  verify(token: string): Promise<Verification>;
  /** Whether a token that was verified before would be verified now: asked at every request, so it only looks something up. False once its key is withdrawn or its sign-in revoked. */
  isCurrent(token: VerifiedToken): boolean;
}
