/** Why a caller was refused: for the log, never telling a guesser more than its message does. */
export const REFUSAL_REASONS = [
  'no_credential', 'malformed_credential', 'unequal_credentials', 'unknown_key', 'no_gateway_key', 'no_upstream_credential', 'gateway_key_misplaced',
] as const;

/** One of `REFUSAL_REASONS`. */
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

const NOT_ACCEPTED = 'The gateway did not accept the key of this request.';

/** What a refused client is told. Every message says that it was the gateway that refused; none says whether a key exists. */
export const REFUSAL_MESSAGES: Readonly<Record<RefusalReason, string>> = Object.freeze({
  no_credential: 'The gateway needs a key: send it as x-api-key or as a bearer token.',
  malformed_credential: NOT_ACCEPTED,
  unequal_credentials: 'The gateway refused two different credentials in one request: send one, or the same in both fields.',
  unknown_key: NOT_ACCEPTED,
  no_gateway_key: 'The gateway needs its own key in x-penstock-key, beside the Anthropic credential.',
  no_upstream_credential: 'The gateway passes on your own Anthropic credential and found none: send it as x-api-key or as a bearer token.',
  gateway_key_misplaced: 'The gateway passes x-api-key and authorization on to Anthropic and refuses its own key there: send it in x-penstock-key.',
});
