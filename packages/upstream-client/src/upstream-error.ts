/** Every way a request can fail here; the set is closed. */
export const UPSTREAM_ERROR_CODES = [
  'slot_timeout', 'queue_full', 'draining',
  'connect_timeout', 'unreachable', 'tls',
  'reset', 'truncated', 'invalid_response',
  'headers_timeout', 'idle_timeout', 'write_timeout',
  'origin_mismatch', 'invalid_request', 'aborted',
] as const;

/** Names one way a request can fail. */
export type UpstreamErrorCode = (typeof UPSTREAM_ERROR_CODES)[number];

/** Where a request is in its life, in this order. */
export const REQUEST_PHASES = ['waiting', 'connecting', 'sending', 'awaiting_head', 'receiving', 'done'] as const;

/**
 * Where a request is in its life.
 *
 * `waiting` for a slot · `connecting` (it has a slot, no byte was written) · `sending` the request ·
 * `awaiting_head` of the response · `receiving` the response body · `done`.
 */
export type RequestPhase = (typeof REQUEST_PHASES)[number];

/** What an `UpstreamError` is made from. */
export interface UpstreamErrorInit {
  readonly code: UpstreamErrorCode;
  readonly phase: RequestPhase;
  readonly cause?: unknown;
}

/** Codes that say the request itself was refused or withdrawn: sending it again as it is cannot help. */
const NEVER_RETRYABLE: ReadonlySet<UpstreamErrorCode> = new Set(['origin_mismatch', 'invalid_request', 'aborted']);

/**
 * The one error of this package.
 *
 * The message names the operation and the origin, never a header, a body byte or a credential. `cause` may hold
 * bytes the upstream sent (a parser error does), so log its `code`, not the object.
 */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly code: UpstreamErrorCode;
  /** The phase in which the request failed. */
  readonly phase: RequestPhase;
  /** True only when no byte of the request was written, so that sending it again cannot run it twice. */
  readonly retryable: boolean;

  constructor(message: string, init: UpstreamErrorInit) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.phase = init.phase;
    this.retryable = (init.phase === 'waiting' || init.phase === 'connecting') && !NEVER_RETRYABLE.has(init.code);
  }
}

/** Tells an `UpstreamError`, also one made by another copy of this package. */
export function isUpstreamError(value: unknown): value is UpstreamError {
  if (value instanceof UpstreamError) return true;
  if (!(value instanceof Error) || value.name !== 'UpstreamError' || !('code' in value)) return false;
  return UPSTREAM_ERROR_CODES.some((code) => code === value.code);
}
