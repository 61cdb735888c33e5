import type { HeaderRules } from './header-rules.ts';
import { ORIGIN_SCOPED_RESPONSE_FIELDS } from './origin-scoped-fields.ts';

/**
 * The rules of a gateway in front of the Anthropic API: open to what the API may add (`anthropic-*`, `x-claude-*`, `x-stainless-*`),
 * closed to credentials. They fit every known client, Claude Code, the SDKs, LangChain, the AI SDK, n8n, with nothing to configure.
 */
export const anthropicHeaderRules: HeaderRules = Object.freeze({
  allowRequest: Object.freeze([
    // The API's own open families: Claude Code's gateway contract asks that they cross whole, tomorrow's members too.
    'anthropic-*', 'x-claude-*', 'x-stainless-*', 'x-app',
    // What the body is, and what the client can read. Never added, so an absent `accept-encoding` stays absent.
    'accept', 'accept-encoding', 'accept-language', 'content-type', 'content-encoding', 'content-language', 'content-digest', 'content-md5',
    // Conditional and partial requests of files and lists (RFC 9110 §13, §14).
    'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range', 'range', 'cache-control', 'pragma',
    'user-agent', 'idempotency-key', 'sec-fetch-mode', 'priority',
    // Trace context: sent only by clients that chose to.
    'traceparent', 'tracestate', 'baggage',
    // Earlier hops; loops are found by it (RFC 9110 §7.6.3).
    'via',
  ]),
  denyResponse: ORIGIN_SCOPED_RESPONSE_FIELDS,
  // `anthropic-beta` is a list and may repeat; these hold one value.
  singletons: Object.freeze(['anthropic-version', 'anthropic-workspace-id', 'idempotency-key', 'traceparent']),
  reliedOn: Object.freeze(['anthropic-*']),
});
