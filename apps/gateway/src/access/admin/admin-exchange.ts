/** A request to the administration, whichever listener took it. It crosses the channel between primary and workers. */
export interface AdminRequest {
  readonly method: string;
  /** Without the prefix of a listener: it begins with `/v1/`. */
  readonly path: string;
  /** Without its question mark. */
  readonly query: string;
  /** Flat fields as they were received. */
  readonly rawHeaders: readonly string[];
  /** The address that it came from. */
  readonly address?: string | undefined;
  /** Absent where it was not read yet: the answer is then `MAY_SEND_BODY`, or the refusal for which nothing has to be read. */
  readonly body: string | undefined;
}

/** The status of an answer to a request without its body that may be made. */
export const MAY_SEND_BODY = 100;

/** The answer, whole. */
export interface AdminAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

/** The path of the limits; those below it belong to it. */
export const SPEND_LIMITS_PATH = '/v1/organizations/spend_limits';

/** The path of the reports of what was spent. */
export const USAGE_REPORT_PATH = '/v1/usage';

/** Answers a request to the administration. Never rejects. */
export type Administer = (request: AdminRequest) => Promise<AdminAnswer>;

/** Bytes of the largest body. */
export const LARGEST_ADMIN_BODY_BYTES: number = 64 * 1024;

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error', 401: 'authentication_error', 403: 'permission_error', 404: 'not_found_error', 405: 'invalid_request_error', 409: 'invalid_request_error',
  413: 'request_too_large', 429: 'rate_limit_error',
};

/** A refusal with its sentence. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly status: number;
  readonly allow: string | undefined;

  constructor(status: number, message: string, allow?: string) {
    super(message);
    this.status = status;
    this.allow = allow;
  }
}

/** Why an administrator was refused. */
export const ADMIN_REFUSALS = ['no_credential', 'unequal_credentials', 'unknown_key', 'token', 'not_in_groups', 'read_only'] as const;

/** One of `ADMIN_REFUSALS`. */
export type AdminRefusalReason = (typeof ADMIN_REFUSALS)[number];

/** The refusal of who may not administer, or not change anything. */
export class AdminRefusal extends AdminError {
  readonly reason: AdminRefusalReason;
  /** Who it was, where that is known. */
  readonly actor: string | undefined;

  constructor(status: 401 | 403, message: string, reason: AdminRefusalReason, actor: string | undefined) {
    super(status, message);
    this.reason = reason;
    this.actor = actor;
  }
}

/** An answer of JSON; never cached, and without a field that would open it to browsers of other origins. */
export function adminAnswer(status: number, value: unknown, requestId: string, extra: readonly string[] = []): AdminAnswer {
  return { status, headers: ['content-type', 'application/json', 'cache-control', 'no-store', 'request-id', requestId, ...extra], body: JSON.stringify(value) };
}

/** The answer to a request that failed, in the API's shape. */
export function adminFailure(error: unknown, requestId: string): AdminAnswer {
  const known = error instanceof AdminError ? error : new AdminError(500, 'The store of this gateway cannot be used at the moment.');
  const body = { type: 'error', error: { type: ERROR_TYPES[known.status] ?? 'api_error', message: known.message }, request_id: requestId };
  // As every 401 of the gateway: a client that asks again with the same key is refused again.
  const noRetry = known.status === 401 ? ['x-should-retry', 'false'] : [];
  return adminAnswer(known.status, body, requestId, known.allow === undefined ? noRetry : ['allow', known.allow]);
}

/** Whether a path without the prefix of a listener is one of the administration; a look at its beginning for all others. */
export function isAdminPath(path: string): boolean {
  if (path === USAGE_REPORT_PATH) return true;
  return path.startsWith(SPEND_LIMITS_PATH) && (path.length === SPEND_LIMITS_PATH.length || path[SPEND_LIMITS_PATH.length] === '/');
}
