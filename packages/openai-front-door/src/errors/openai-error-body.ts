import { FrontDoorError, isFrontDoorError } from './front-door-error.ts';

/** An error as OpenAI's clients read it. */
export interface OpenAiErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** A whole error answer: status, header fields (lower-case names) and body text. */
export interface OpenAiErrorResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** After these the connection is not used again: the rest of a body would have to be read, or nothing is served here any more. */
const CLOSING: ReadonlySet<string> = new Set(['too_large', 'request_timeout', 'draining']);

/** Builds the body of an error in OpenAI's shape. */
export function openAiErrorBody(error: { readonly message: string; readonly type: string; readonly param?: string | null | undefined; readonly code?: string | null | undefined }): OpenAiErrorBody {
  return { error: { message: error.message, type: error.type, param: error.param ?? null, code: error.code ?? null } };
}

/** Any thrown value as a `FrontDoorError`; what is not one becomes `internal`, with a message that names nothing of ours. */
export function toFrontDoorError(error: unknown): FrontDoorError {
  return isFrontDoorError(error) ? error : new FrontDoorError('internal', 'The gateway could not process the request.', { cause: error });
}

/** The answer for an error of the gateway's own, with `x-penstock-error`, `x-should-retry`, `retry-after`, `allow` and `accept-encoding` where they apply. */
export function openAiErrorResponse(error: unknown): OpenAiErrorResponse {
  const known = toFrontDoorError(error);
  const headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8', 'x-penstock-error': known.code };
  if (known.shouldRetry !== undefined) headers['x-should-retry'] = String(known.shouldRetry);
  if (known.retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.max(0, Math.ceil(known.retryAfterSeconds)));
  if (known.allow !== undefined) headers['allow'] = known.allow;
  if (known.acceptEncoding !== undefined) headers['accept-encoding'] = known.acceptEncoding;
  if (CLOSING.has(known.code)) headers['connection'] = 'close';
  return { status: known.status, headers, body: JSON.stringify(openAiErrorBody(known)) };
}
