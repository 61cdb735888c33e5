import { Buffer } from 'node:buffer';
import type { Outcome } from './request-record.ts';

/** What one code of the gateway's own errors looks like on the wire (docs/errors.md), and the outcome it is recorded with. */
export interface ErrorShape {
  readonly status: number;
  /** The `error.type` of the Anthropic error body. `overloaded_error` is the API's own word: Claude Code gives up on it, or changes the model. */
  readonly type: string;
  /** The `x-should-retry` field; `undefined` where the request may have run upstream. */
  readonly shouldRetry: boolean | undefined;
  /** The outcome of a request that got this error. */
  readonly outcome: Outcome;
}

/** Every code of a gateway error; one closed set. */
export const GATEWAY_ERROR_CODES = [
  'bad_request', 'unauthenticated', 'identity_unavailable', 'forbidden', 'not_found', 'model_not_open', 'method_not_allowed', 'request_timeout', 'too_large',
  'unsupported_media_type', 'misdirected', 'rate_limited', 'budget_spent', 'header_overflow', 'internal', 'upstream_unreachable', 'upstream_tls',
  'upstream_reset', 'upstream_invalid', 'upstream_credential', 'overloaded', 'draining', 'upstream_timeout', 'loop_detected',
] as const;

/** The code of a gateway error: the value of `x-penstock-error`. */
export type GatewayErrorCode = (typeof GATEWAY_ERROR_CODES)[number];

const SHAPES: Readonly<Record<GatewayErrorCode, ErrorShape>> = {
  bad_request: { status: 400, type: 'invalid_request_error', shouldRetry: false, outcome: 'client_error' },
  unauthenticated: { status: 401, type: 'authentication_error', shouldRetry: false, outcome: 'client_error' },
  identity_unavailable: { status: 503, type: 'api_error', shouldRetry: true, outcome: 'upstream_unreachable' },
  forbidden: { status: 403, type: 'permission_error', shouldRetry: false, outcome: 'client_error' },
  not_found: { status: 404, type: 'not_found_error', shouldRetry: false, outcome: 'client_error' },
  model_not_open: { status: 404, type: 'not_found_error', shouldRetry: false, outcome: 'client_error' },
  method_not_allowed: { status: 405, type: 'invalid_request_error', shouldRetry: false, outcome: 'client_error' },
  request_timeout: { status: 408, type: 'timeout_error', shouldRetry: false, outcome: 'client_error' },
  too_large: { status: 413, type: 'request_too_large', shouldRetry: false, outcome: 'client_error' },
  unsupported_media_type: { status: 415, type: 'invalid_request_error', shouldRetry: false, outcome: 'client_error' },
  misdirected: { status: 421, type: 'invalid_request_error', shouldRetry: false, outcome: 'client_error' },
  rate_limited: { status: 429, type: 'rate_limit_error', shouldRetry: true, outcome: 'client_error' },
  budget_spent: { status: 429, type: 'billing_error', shouldRetry: false, outcome: 'client_error' },
  header_overflow: { status: 431, type: 'invalid_request_error', shouldRetry: false, outcome: 'client_error' },
  internal: { status: 500, type: 'api_error', shouldRetry: undefined, outcome: 'internal' },
  upstream_unreachable: { status: 502, type: 'api_error', shouldRetry: true, outcome: 'upstream_unreachable' },
  upstream_tls: { status: 502, type: 'api_error', shouldRetry: false, outcome: 'upstream_unreachable' },
  upstream_reset: { status: 502, type: 'api_error', shouldRetry: undefined, outcome: 'upstream_reset' },
  upstream_invalid: { status: 502, type: 'api_error', shouldRetry: false, outcome: 'upstream_reset' },
  upstream_credential: { status: 502, type: 'api_error', shouldRetry: false, outcome: 'upstream_credential_refused' },
  overloaded: { status: 429, type: 'rate_limit_error', shouldRetry: true, outcome: 'overloaded' },
  draining: { status: 503, type: 'api_error', shouldRetry: true, outcome: 'draining' },
  upstream_timeout: { status: 504, type: 'timeout_error', shouldRetry: undefined, outcome: 'upstream_timeout' },
  loop_detected: { status: 508, type: 'api_error', shouldRetry: false, outcome: 'client_error' },
};

const NO_FIELDS: readonly string[] = Object.freeze([]);

/** What a gateway error carries beside its code and message. */
export interface GatewayErrorDetails {
  /** Seconds after which waiting helps; becomes `retry-after`. */
  readonly retryAfterSeconds?: number;
  /** The methods of a known path; becomes `allow` on a 405. */
  readonly allow?: readonly string[];
  /** The content codings that a request may have; becomes `accept-encoding` on a 415. */
  readonly acceptEncoding?: string;
  /** Further fields of the answer, as flat names and values. */
  readonly fields?: readonly string[];
  /** What happened underneath, for the log only. */
  readonly cause?: unknown;
}

/** An error that the gateway itself answers, in the Anthropic API's shape. The message is neutral and names no internals. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: GatewayErrorCode;
  readonly retryAfterSeconds: number | undefined;
  readonly allow: readonly string[] | undefined;
  readonly acceptEncoding: string | undefined;
  readonly fields: readonly string[];

  constructor(code: GatewayErrorCode, message: string, details: GatewayErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.allow = details.allow;
    this.acceptEncoding = details.acceptEncoding;
    this.fields = details.fields ?? NO_FIELDS;
  }

  get shape(): ErrorShape {
    return SHAPES[this.code];
  }
}

/** The client left before it could be answered; no response can be sent. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
  constructor() {
    super('the client closed the connection');
  }
}

/** Whether a value is a `GatewayError`. */
export function isGatewayError(value: unknown): value is GatewayError {
  return value instanceof GatewayError;
}

/** The outcome of a request that got an error of the gateway's own. */
export function outcomeOfCode(code: GatewayErrorCode): Outcome {
  return SHAPES[code].outcome;
}

/** The JSON body of an error (https://docs.anthropic.com/en/api/errors). */
export function errorBody(error: GatewayError, requestId: string): Buffer {
  return Buffer.from(JSON.stringify({ type: 'error', error: { type: error.shape.type, message: error.message }, request_id: requestId }));
}

/** The fields that every error of the gateway's own carries. */
export function errorHeaders(error: GatewayError, requestId: string): string[] {
  const headers = [
    'content-type', 'application/json',
    'request-id', requestId,
    'x-penstock-request-id', requestId,
    'x-penstock-error', error.code,
  ];
  if (error.shape.shouldRetry !== undefined) headers.push('x-should-retry', String(error.shape.shouldRetry));
  if (error.retryAfterSeconds !== undefined) headers.push('retry-after', String(Math.max(1, Math.ceil(error.retryAfterSeconds))));
  if (error.allow !== undefined) headers.push('allow', error.allow.join(', '));
  if (error.acceptEncoding !== undefined) headers.push('accept-encoding', error.acceptEncoding);
  headers.push(...error.fields);
  return headers;
}
