import { FrontDoorError, isFrontDoorError, type FrontDoorErrorCode } from './front-door-error.ts';

interface FailureRow {
  readonly code: FrontDoorErrorCode;
  readonly message: string;
  readonly retryAfterSeconds?: number;
}

const UNREACHABLE: FailureRow = { code: 'upstream_unreachable', message: 'The upstream could not be reached.', retryAfterSeconds: 1 };
const RESET: FailureRow = { code: 'upstream_reset', message: 'The upstream closed the connection before it answered.' };
const TIMEOUT: FailureRow = { code: 'upstream_timeout', message: 'The upstream did not answer in time.' };
const INVALID: FailureRow = { code: 'upstream_invalid', message: 'The upstream gave an answer that cannot be read.' };
/** An application that knows the size of its pool rejects with a `FrontDoorError` that names it. */
const POOL_FULL: FailureRow = { code: 'overloaded', message: 'The connections of this gateway to the upstream are all in use. This is the gateway\'s own limit, not the upstream\'s.', retryAfterSeconds: 2 };
const QUEUE_FULL: FailureRow = { ...POOL_FULL, retryAfterSeconds: 5 };

/** The `code` of an error that a backend rejects with, and what the client is told. Node's and undici's own codes are included for backends built on them. */
export const BACKEND_FAILURES: Readonly<Record<string, FailureRow>> = Object.freeze({
  slot_timeout: POOL_FULL,
  queue_full: QUEUE_FULL,
  draining: { code: 'draining', message: 'The gateway is shutting down. Retry.', retryAfterSeconds: 1 },
  connect_timeout: TIMEOUT,
  headers_timeout: TIMEOUT,
  idle_timeout: TIMEOUT,
  write_timeout: TIMEOUT,
  unreachable: UNREACHABLE,
  tls: { code: 'upstream_tls', message: 'No trusted TLS connection to the upstream could be made.' },
  reset: RESET,
  truncated: { code: 'upstream_truncated', message: 'The upstream broke off its answer.' },
  invalid_response: INVALID,
  ECONNREFUSED: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ECONNRESET: RESET,
  EPIPE: RESET,
  ETIMEDOUT: TIMEOUT,
  UND_ERR_SOCKET: RESET,
  UND_ERR_CONNECT_TIMEOUT: TIMEOUT,
  UND_ERR_HEADERS_TIMEOUT: TIMEOUT,
  UND_ERR_BODY_TIMEOUT: TIMEOUT,
  HPE_INVALID_CONSTANT: INVALID,
});

const MAX_CAUSES = 5;

function failureCode(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth += 1) {
    if ('code' in current && typeof current.code === 'string' && Object.hasOwn(BACKEND_FAILURES, current.code)) return current.code;
    current = current.cause;
  }
  return undefined;
}

/**
 * Classifies what a backend threw. A reset after the response head is a truncation; an error that no table knows is
 * `internal` before the head (a fault of the port) and a truncation after it.
 */
export function classifyBackendFailure(error: unknown, hasHead: boolean): FrontDoorError {
  if (isFrontDoorError(error)) return error;
  const code = failureCode(error);
  const row = code === undefined ? undefined : BACKEND_FAILURES[code];
  if (hasHead && (row === undefined || row.code === 'upstream_reset')) {
    return new FrontDoorError('upstream_truncated', 'The upstream broke off its answer.', { cause: error });
  }
  if (row === undefined) return new FrontDoorError('internal', 'The gateway could not process the request.', { cause: error });
  const retry = row.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: row.retryAfterSeconds };
  return new FrontDoorError(row.code, row.message, { cause: error, ...retry });
}
