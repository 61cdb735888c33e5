import type { TokenRefusal } from '../identity/bearer-verifier.ts';

/** Why a caller was refused: for the log, never showing a guesser more than its message does. */
export type RefusalReason =
  | 'no_credential' | 'malformed_credential' | 'unequal_credentials' | 'unknown_key' | 'key_expired' | 'no_gateway_key' | 'no_upstream_credential' | 'gateway_key_misplaced'
  | 'no_policy' | TokenRefusal;

/** The code of the error that a refused caller gets, and what it reads. Both sides have these codes. */
export interface RefusalAnswer {
  readonly code: 'unauthenticated' | 'forbidden' | 'identity_unavailable';
  readonly message: string;
}

/** The `retry-after` of a caller whose token cannot be judged. */
export const IDENTITY_RETRY_SECONDS = 5;

const NOT_ACCEPTED = unauthenticated('The gateway did not accept the key of this request. It takes its own keys only; logging in to Anthropic again does not help.');
const TOKEN_NOT_ACCEPTED = unauthenticated('The gateway did not accept the token of this request: it is not valid here.');

/**
 * What a refused caller is answered. Every message names the gateway as the one that refused; none shows whether a key exists. None holds the
 * name of the API's key field either: Claude Code takes that for the API's refusal of the developer's own key, and shows words of its own.
 */
export const REFUSALS: Readonly<Record<RefusalReason, RefusalAnswer>> = Object.freeze({
  no_credential: unauthenticated('The gateway needs one of its own keys: send it as the API key of your client or as a bearer token.'),
  malformed_credential: NOT_ACCEPTED,
  unequal_credentials: unauthenticated('The gateway refused two different credentials in one request: send one of them.'),
  unknown_key: NOT_ACCEPTED,
  key_expired: unauthenticated('The key of this request has expired: those who run the gateway have a new one. Logging in to Anthropic again does not help.'),
  no_gateway_key: unauthenticated('The gateway needs its own key in x-penstock-key, beside the Anthropic credential.'),
  no_upstream_credential: unauthenticated('The gateway passes on your own Anthropic credential and found none: send your API key, or a bearer token.'),
  gateway_key_misplaced: unauthenticated('The gateway passes API keys and bearer tokens on to Anthropic and refuses its own key in their place: send it in x-penstock-key.'),
  no_policy: { code: 'forbidden', message: 'This gateway knows you, but none of its policies is for you: ask those who run it. Signing in again does not help.' },
  token_malformed: TOKEN_NOT_ACCEPTED,
  token_issuer: TOKEN_NOT_ACCEPTED,
  token_audience: unauthenticated('The gateway did not accept the token of this request: it was issued for another service (its audience).'),
  token_algorithm: TOKEN_NOT_ACCEPTED,
  token_key: TOKEN_NOT_ACCEPTED,
  token_signature: TOKEN_NOT_ACCEPTED,
  token_expired: unauthenticated('The token of this request has expired: get a new one.'),
  token_not_yet_valid: unauthenticated('The token of this request is not valid yet: compare the clocks of its issuer and of the gateway.'),
  token_too_old: unauthenticated('The token of this request was issued too long ago for this gateway: get a new one.'),
  token_claims: TOKEN_NOT_ACCEPTED,
  token_groups: unauthenticated('The token of this request does not carry its groups, mostly because there are too many: those who run the identity provider can limit them to the groups of this application.'),
  token_revoked: unauthenticated('The sign-in of this request was ended: sign in again.'),
  unavailable: { code: 'identity_unavailable', message: 'The gateway cannot check the token of this request at the moment: the keys of its issuer could not be fetched.' },
});

/** Every reason. */
export const REFUSAL_REASONS = Object.keys(REFUSALS) as readonly RefusalReason[];

function unauthenticated(message: string): RefusalAnswer {
  return { code: 'unauthenticated', message };
}
