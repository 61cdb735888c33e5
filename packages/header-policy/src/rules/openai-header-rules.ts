import type { HeaderRules } from './header-rules.ts';
import { ORIGIN_SCOPED_RESPONSE_FIELDS } from './origin-scoped-fields.ts';

/** The rules of a gateway in front of an OpenAI-compatible API, with a key of the gateway's own. */
export const openaiHeaderRules: HeaderRules = Object.freeze({
  allowRequest: Object.freeze([
    'openai-*', 'x-stainless-*', 'x-client-request-id',
    'accept', 'accept-encoding', 'accept-language', 'content-type', 'content-encoding', 'content-language',
    'user-agent', 'idempotency-key', 'cache-control', 'pragma', 'priority',
    'traceparent', 'tracestate', 'baggage', 'via',
  ]),
  // They choose the account that pays, and belong to the client's key, not to ours.
  denyRequest: Object.freeze(['openai-organization', 'openai-project']),
  denyResponse: ORIGIN_SCOPED_RESPONSE_FIELDS,
  singletons: Object.freeze(['idempotency-key', 'traceparent']),
  reliedOn: Object.freeze(['openai-*']),
});
