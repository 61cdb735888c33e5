/** How a request ended: one closed set, fit for a metric label. */
export const OUTCOMES = [
  'ok', 'client_error', 'upstream_error', 'stream_error_event', 'upstream_unreachable', 'upstream_reset', 'upstream_truncated',
  'upstream_timeout', 'overloaded', 'client_gone', 'client_stalled', 'draining', 'internal',
] as const;

/** One of `OUTCOMES`. */
export type Outcome = (typeof OUTCOMES)[number];

/** The answer that an error code stands for. */
export interface ErrorKind {
  readonly status: number;
  readonly type: string;
  readonly outcome: Outcome;
  /** The value of `x-should-retry`; `undefined` where a repeat may run the request twice. */
  readonly shouldRetry: boolean | undefined;
}

const CLIENT_FAULT: ErrorKind = { status: 400, type: 'invalid_request_error', outcome: 'client_error', shouldRetry: false };

/** Every code of a `FrontDoorError`, one closed set. */
export const FRONT_DOOR_ERROR_CODES = [
  'invalid_json', 'invalid_type', 'invalid_value', 'missing_required_parameter', 'unsupported_parameter', 'unsupported_value',
  'bad_request', 'unauthenticated', 'identity_unavailable', 'forbidden', 'model_not_found', 'not_found', 'method_not_allowed', 'request_timeout', 'too_large',
  'unsupported_media_type', 'misdirected', 'rate_limited', 'insufficient_quota', 'header_overflow', 'client_gone', 'client_stalled', 'internal',
  'upstream_unreachable', 'upstream_tls', 'upstream_reset', 'upstream_truncated', 'upstream_invalid', 'overloaded', 'draining',
  'upstream_timeout', 'loop_detected',
] as const;

/** What went wrong, as a stable name; `error.code` of the answer and `x-penstock-error`. */
export type FrontDoorErrorCode = (typeof FRONT_DOOR_ERROR_CODES)[number];

/** Every error of the front door's own, with the answer it gives: the one table. */
export const ERROR_KINDS: Readonly<Record<FrontDoorErrorCode, ErrorKind>> = Object.freeze({
  invalid_json: CLIENT_FAULT,
  invalid_type: CLIENT_FAULT,
  invalid_value: CLIENT_FAULT,
  missing_required_parameter: CLIENT_FAULT,
  unsupported_parameter: CLIENT_FAULT,
  unsupported_value: CLIENT_FAULT,
  bad_request: CLIENT_FAULT,
  unauthenticated: { status: 401, type: 'authentication_error', outcome: 'client_error', shouldRetry: false },
  identity_unavailable: { status: 503, type: 'api_error', outcome: 'upstream_unreachable', shouldRetry: true },
  forbidden: { status: 403, type: 'permission_error', outcome: 'client_error', shouldRetry: false },
  model_not_found: { status: 404, type: 'invalid_request_error', outcome: 'client_error', shouldRetry: false },
  not_found: { status: 404, type: 'not_found_error', outcome: 'client_error', shouldRetry: false },
  method_not_allowed: { status: 405, type: 'invalid_request_error', outcome: 'client_error', shouldRetry: false },
  request_timeout: { status: 408, type: 'timeout_error', outcome: 'client_error', shouldRetry: false },
  too_large: { status: 413, type: 'request_too_large', outcome: 'client_error', shouldRetry: false },
  unsupported_media_type: { status: 415, type: 'invalid_request_error', outcome: 'client_error', shouldRetry: false },
  misdirected: { status: 421, type: 'invalid_request_error', outcome: 'client_error', shouldRetry: false },
  rate_limited: { status: 429, type: 'rate_limit_error', outcome: 'client_error', shouldRetry: true },
  insufficient_quota: { status: 429, type: 'insufficient_quota', outcome: 'client_error', shouldRetry: false },
  header_overflow: { status: 431, type: 'invalid_request_error', outcome: 'client_error', shouldRetry: false },
  client_gone: { status: 499, type: 'invalid_request_error', outcome: 'client_gone', shouldRetry: undefined },
  client_stalled: { status: 499, type: 'invalid_request_error', outcome: 'client_stalled', shouldRetry: undefined },
  internal: { status: 500, type: 'api_error', outcome: 'internal', shouldRetry: undefined },
  upstream_unreachable: { status: 502, type: 'api_error', outcome: 'upstream_unreachable', shouldRetry: true },
  upstream_tls: { status: 502, type: 'api_error', outcome: 'upstream_unreachable', shouldRetry: false },
  upstream_reset: { status: 502, type: 'api_error', outcome: 'upstream_reset', shouldRetry: undefined },
  upstream_truncated: { status: 502, type: 'api_error', outcome: 'upstream_truncated', shouldRetry: undefined },
  upstream_invalid: { status: 502, type: 'api_error', outcome: 'upstream_error', shouldRetry: false },
  overloaded: { status: 429, type: 'rate_limit_error', outcome: 'overloaded', shouldRetry: true },
  draining: { status: 503, type: 'api_error', outcome: 'draining', shouldRetry: true },
  upstream_timeout: { status: 504, type: 'timeout_error', outcome: 'upstream_timeout', shouldRetry: undefined },
  loop_detected: { status: 508, type: 'api_error', outcome: 'client_error', shouldRetry: false },
});

/** What a `FrontDoorError` may carry beside its code and message. */
export interface FrontDoorErrorDetails {
  /** The request field at fault, such as `messages[0].content`. */
  readonly param?: string;
  /** The status instead of the code's own. */
  readonly status?: number;
  /** OpenAI's `error.type` instead of the code's own. */
  readonly type?: string;
  /** Sent as `retry-after`, in whole seconds. */
  readonly retryAfterSeconds?: number;
  /** Sent as `allow` (RFC 9110 section 10.2.1). */
  readonly allow?: string;
  /** Sent as `accept-encoding`: the content codings that a refused request may have (RFC 9110 section 12.5.3). */
  readonly acceptEncoding?: string;
  readonly cause?: unknown;
}

/** The package's one error: it knows the answer that the client gets. */
export class FrontDoorError extends Error {
  override readonly name = 'FrontDoorError';
  readonly code: FrontDoorErrorCode;
  readonly status: number;
  readonly type: string;
  readonly outcome: Outcome;
  readonly param: string | undefined;
  readonly shouldRetry: boolean | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly allow: string | undefined;
  readonly acceptEncoding: string | undefined;

  constructor(code: FrontDoorErrorCode, message: string, details: FrontDoorErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    const kind = ERROR_KINDS[code];
    this.code = code;
    this.status = details.status ?? kind.status;
    this.type = details.type ?? kind.type;
    this.outcome = kind.outcome;
    this.param = details.param;
    this.shouldRetry = kind.shouldRetry;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.allow = details.allow;
    this.acceptEncoding = details.acceptEncoding;
  }
}

/** Whether a value is a `FrontDoorError`, of whatever copy of this package. */
export function isFrontDoorError(value: unknown): value is FrontDoorError {
  return value instanceof Error && value.name === 'FrontDoorError' && 'code' in value && 'status' in value;
}
