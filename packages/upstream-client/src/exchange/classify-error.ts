import { errorCode } from '../thrown.ts';
import { isMalformedResponse, parserReason, REQUEST_DEFECT_CODES } from '../undici/quirks.ts';
import type { RejectionReason } from '../upstream-events.ts';
import { isUpstreamError, UpstreamError, type RequestPhase, type UpstreamErrorCode } from '../upstream-error.ts';

/** The error of a request that was refused a slot. */
export const REJECTION_CODES: Readonly<Record<RejectionReason, UpstreamErrorCode>> = { timeout: 'slot_timeout', queue_full: 'queue_full', draining: 'draining' };

const MESSAGES: Record<UpstreamErrorCode, string> = {
  slot_timeout: 'no slot was free in time',
  queue_full: 'too many requests wait for a slot',
  draining: 'the client is closing',
  connect_timeout: 'no connection in time',
  unreachable: 'no connection',
  tls: 'no trusted TLS connection',
  reset: 'the connection was closed before the response head',
  truncated: 'the response ended before it was complete',
  invalid_response: 'the response is not one that may be relayed',
  headers_timeout: 'no response head in time',
  idle_timeout: 'the response stood still for too long',
  write_timeout: 'the request body made no progress for too long',
  origin_mismatch: 'the request is for another origin',
  invalid_request: 'the request cannot be sent as it is',
  aborted: 'the request was aborted',
};

/** Makes the error for a code: operation and origin, then what happened, then an optional detail that holds no data. */
export function upstreamError(code: UpstreamErrorCode, phase: RequestPhase, operation: string, detail?: string, cause?: unknown): UpstreamError {
  const message = detail === undefined ? `${operation}: ${MESSAGES[code]}` : `${operation}: ${MESSAGES[code]} (${detail})`;
  return new UpstreamError(message, cause === undefined ? { code, phase } : { code, phase, cause });
}

/** Names what undici reported for a request that had a connection, by the phase in which it came. */
export function classifyExchangeError(error: Error, phase: RequestPhase, operation: string): UpstreamError {
  if (isUpstreamError(error)) return error;
  const code = errorCode(error);
  if (REQUEST_DEFECT_CODES.has(code)) return upstreamError('invalid_request', phase, operation, undefined, error);
  const detail = code === '' ? parserReason(error) : code;
  if (phase === 'receiving') return upstreamError('truncated', phase, operation, detail, error);
  return upstreamError(isMalformedResponse(error, code) ? 'invalid_response' : 'reset', phase, operation, detail, error);
}
