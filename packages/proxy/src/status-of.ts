import { isRelayError } from '@penstock/sse-relay';
import { isUpstreamError, type UpstreamErrorCode } from '@penstock/upstream-client';
import { isProxyError, type ProxyErrorCode } from './proxy-error.ts';

/** How a failure is answered, in no particular API's form. */
export interface FailureStatus {
  readonly status: number;
  /** Seconds after which a new attempt can succeed. Absent: waiting does not help, or the request may have been executed. */
  readonly retryAfterSeconds?: number;
  /** Header fields of the response: `retry-after`, or none. A flat list of names and values. */
  readonly headers: readonly string[];
}

function answer(status: number, retryAfterSeconds?: number): FailureStatus {
  if (retryAfterSeconds === undefined) return Object.freeze({ status, headers: Object.freeze([]) });
  return Object.freeze({ status, retryAfterSeconds, headers: Object.freeze(['retry-after', String(retryAfterSeconds)]) });
}

/** The status of each failure of an upstream client, while the client response has no head yet. */
export const UPSTREAM_FAILURE_STATUS: Readonly<Record<UpstreamErrorCode, FailureStatus>> = Object.freeze({
  slot_timeout: answer(429, 2),
  queue_full: answer(429, 5),
  draining: answer(503, 1),
  connect_timeout: answer(504),
  unreachable: answer(502, 1),
  tls: answer(502),
  reset: answer(502),
  truncated: answer(502),
  invalid_response: answer(502),
  headers_timeout: answer(504),
  idle_timeout: answer(504),
  write_timeout: answer(504),
  origin_mismatch: answer(500),
  invalid_request: answer(500),
  aborted: answer(500),
});

const PROXY_FAILURE_STATUS: Readonly<Record<ProxyErrorCode, FailureStatus>> = {
  invalid_option: answer(500),
  unknown_option: answer(500),
  invalid_request: answer(400),
  too_many_fields: answer(431),
  too_large: answer(413),
  too_slow: answer(408),
  client_gone: answer(400),
  body_consumed: answer(500),
  head_already_sent: answer(500),
};
const INTERRUPTED = answer(503, 1);
const INTERNAL = answer(500);

/** The status for an error: an `UpstreamError`, a `RelayError`, a `ProxyError`, or any of them as the cause of an `UpstreamError`; 500 for all others. */
export function statusOf(error: unknown): FailureStatus {
  if (isProxyError(error)) return PROXY_FAILURE_STATUS[error.code];
  // A body that stopped is the reason of the abort that it caused.
  if (isUpstreamError(error)) return isProxyError(error.cause) ? PROXY_FAILURE_STATUS[error.cause.code] : UPSTREAM_FAILURE_STATUS[error.code];
  if (isRelayError(error)) {
    if (error.code === 'interrupted') return INTERRUPTED;
    if (error.code === 'refused' || error.code === 'invalid_response' || error.code === 'truncated') return UPSTREAM_FAILURE_STATUS.invalid_response;
  }
  return INTERNAL;
}
