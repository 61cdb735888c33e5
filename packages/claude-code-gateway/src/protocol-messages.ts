import { Buffer } from 'node:buffer';

/** One request, as every HTTP frame can describe it. */
export interface ProtocolRequest {
  readonly method: string;
  /** Without the question mark. */
  readonly query: string;
  /** By lower-case name, as `IncomingMessage.headers` has them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The client's address, behind the proxies that are trusted. */
  readonly address: string;
  /** Empty for requests without a body. */
  readonly body: Buffer;
}

/** One whole answer. */
export interface ProtocolAnswer {
  readonly status: number;
  /** Flat names and values, without framing fields. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** The part outside the gateway that this 503 is because of: the identity provider could not be asked. */
  readonly failedPart?: 'provider';
}

/** The error codes of the OAuth endpoints (RFC 6749 section 5.2, RFC 8628 section 3.5, RFC 7009 section 2.2.1). */
export type OauthErrorCode =
  | 'invalid_request' | 'invalid_grant' | 'unsupported_grant_type' | 'authorization_pending' | 'slow_down' | 'access_denied' | 'expired_token'
  | 'temporarily_unavailable';

const OAUTH_STATUSES: Readonly<Record<OauthErrorCode, number>> = {
  invalid_request: 400, invalid_grant: 400, unsupported_grant_type: 400, authorization_pending: 400, slow_down: 400, access_denied: 400, expired_token: 400,
  // No transient trouble may look like a refusal: on 400 and 401 the client deletes its refresh token.
  temporarily_unavailable: 503,
};

const NO_STORE = ['cache-control', 'no-store', 'pragma', 'no-cache'];
const RETRY_SECONDS = '5';

/** An answer with a JSON body that no cache keeps. */
export function answerJson(status: number, value: unknown, headers: readonly string[] = []): ProtocolAnswer {
  return { status, headers: ['content-type', 'application/json', ...NO_STORE, ...headers], body: Buffer.from(JSON.stringify(value)) };
}

/** An error of an OAuth endpoint. */
export function answerOauthError(error: OauthErrorCode, description: string, headers: readonly string[] = []): ProtocolAnswer {
  const retry = error === 'temporarily_unavailable' ? ['retry-after', RETRY_SECONDS] : [];
  return answerJson(OAUTH_STATUSES[error], { error, error_description: description }, [...retry, ...headers]);
}

/** A text that no cache keeps. */
export function answerText(status: number, type: string, text: string, headers: readonly string[] = []): ProtocolAnswer {
  return { status, headers: ['content-type', type, ...NO_STORE, ...headers], body: Buffer.from(text) };
}

/** One header field, the first where it stands more than once. */
export function headerOf({ headers }: ProtocolRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

/** The fields of a form. `undefined` if the body is none, or has a field twice (RFC 6749 section 3.2). */
export function readForm(request: ProtocolRequest): ReadonlyMap<string, string> | undefined {
  const type = headerOf(request, 'content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') return undefined;
  const fields = [...new URLSearchParams(request.body.toString())];
  const form = new Map(fields);
  return form.size === fields.length ? form : undefined;
}
