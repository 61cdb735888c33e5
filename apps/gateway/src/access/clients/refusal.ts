/** Why a caller was refused: for the log, never telling a guesser more than its message does. */
export const REFUSAL_REASONS = [
  'no_credential', 'malformed_credential', 'unequal_credentials', 'unknown_key', 'no_gateway_key', 'no_upstream_credential', 'gateway_key_misplaced',
] as const;

/** One of `REFUSAL_REASONS`. */
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

const NOT_ACCEPTED = 'The gateway did not accept the key of this request. It takes its own keys only; logging in to Anthropic again does not help.';

/**
 * What a refused client reads. Every message names the gateway as the one that refused; none shows whether a key exists. None holds the
 * name of the API's key field either: Claude Code takes that for the API's refusal of the developer's own key, and shows words of its own.
 */
export const REFUSAL_MESSAGES: Readonly<Record<RefusalReason, string>> = Object.freeze({
  no_credential: 'The gateway needs one of its own keys: send it as the API key of your client or as a bearer token.',
  malformed_credential: NOT_ACCEPTED,
  unequal_credentials: 'The gateway refused two different credentials in one request: send one of them.',
  unknown_key: NOT_ACCEPTED,
  no_gateway_key: 'The gateway needs its own key in x-penstock-key, beside the Anthropic credential.',
  no_upstream_credential: 'The gateway passes on your own Anthropic credential and found none: send your API key, or a bearer token.',
  gateway_key_misplaced: 'The gateway passes API keys and bearer tokens on to Anthropic and refuses its own key in their place: send it in x-penstock-key.',
});
