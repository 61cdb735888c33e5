import { createRequestForwarder, type ForwardRequestHeaders } from './messages/forward-request-headers.ts';
import { createResponseForwarder, type ForwardResponseHeaders } from './messages/forward-response-headers.ts';
import { compileHeaderRules } from './rules/compile-header-rules.ts';
import type { HeaderRules } from './rules/header-rules.ts';

/** Decides which fields cross a gateway, in both directions. Pure: equal input gives equal output, and nothing given is changed. */
export interface HeaderPolicy {
  /**
   * Turns an inbound request's fields into the outbound request's: refuses what is ambiguous, removes what the client nominated,
   * applies the rules, then adds the gateway's own fields. Order, case and repeats of what crosses are kept.
   * Throws a `HeaderPolicyError` only for additions that may not be sent, never for anything a client sends.
   */
  readonly forwardRequestHeaders: ForwardRequestHeaders;
  /**
   * Turns an upstream response's fields into the client response's, fit for `writeHead` whatever the upstream sent.
   * Two unequal, malformed or overridden lengths are all dropped as `framing` (RFC 9112 §6.3): a caller that sees that reason may answer 502.
   */
  readonly forwardResponseHeaders: ForwardResponseHeaders;
}

/** Makes a policy from rules; throws a `HeaderPolicyError` `invalid_rules` when they are malformed or name a field that never crosses. */
export function createHeaderPolicy(rules: HeaderRules): HeaderPolicy {
  const compiled = compileHeaderRules(rules);
  return Object.freeze({
    forwardRequestHeaders: createRequestForwarder(compiled),
    forwardResponseHeaders: createResponseForwarder(compiled),
  });
}
