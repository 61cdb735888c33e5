import { jsonAnswer, type Answer, type HeaderField } from './answer.ts';

/** The `error.type` that belongs to a status, and the message the API gives when there is nothing more to say. */
export const API_ERRORS: Readonly<Record<number, readonly [type: string, message: string]>> = Object.freeze({
  400: ['invalid_request_error', 'Bad request'],
  401: ['authentication_error', 'invalid x-api-key'],
  402: ['billing_error', 'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.'],
  403: ['permission_error', 'Your API key does not have permission to use the specified resource.'],
  404: ['not_found_error', 'Not Found'],
  405: ['invalid_request_error', 'Method Not Allowed'],
  408: ['timeout_error', 'Request timed out'],
  409: ['conflict_error', 'The resource was modified by another request'],
  412: ['memory_precondition_failed_error', 'The precondition of the request does not hold'],
  413: ['request_too_large', 'Request exceeds the maximum size'],
  422: ['invalid_request_error', 'Unprocessable request'],
  429: ['rate_limit_error', 'Number of request tokens has exceeded your per-minute rate limit. Please try again later or contact sales at https://www.anthropic.com/contact-sales to discuss your options for a rate limit increase.'],
  500: ['api_error', 'Internal server error'],
  502: ['api_error', 'Bad gateway'],
  503: ['api_error', 'Service unavailable'],
  504: ['timeout_error', 'The request timed out while processing'],
  529: ['overloaded_error', 'Overloaded'],
});

/** What an error answer may carry beyond its status. */
export interface ApiErrorOptions {
  readonly type?: string;
  readonly message?: string;
  /** The `error_code` of `error.details`. */
  readonly errorCode?: string;
  readonly headers?: readonly HeaderField[];
  /** Whether the answer comes from before authentication, and so has no organization or rate-limit headers. */
  readonly isUnauthenticated?: boolean;
}

/** The JSON body of an error. */
export function apiErrorBody(status: number, requestId: string, options: ApiErrorOptions = {}): object {
  const [defaultType, defaultMessage] = API_ERRORS[status] ?? (status >= 500 ? ['api_error', 'Internal server error'] : ['invalid_request_error', 'Bad request']);
  const details = options.errorCode === undefined ? {} : { details: { error_code: options.errorCode } };
  return { type: 'error', error: { type: options.type ?? defaultType, message: options.message ?? defaultMessage, ...details }, request_id: requestId };
}

/** An error answer in the API's own shape. */
export function apiError(status: number, requestId: string, options: ApiErrorOptions = {}): Answer {
  const isRetryRefused = status >= 400 && status < 500 && ![408, 409, 429].includes(status);
  const headers: HeaderField[] = [['Content-Type', 'application/json']];
  if (isRetryRefused) headers.push(['x-should-retry', 'false']);
  if (status === 429 || status === 529 || status === 503) headers.push(['x-should-retry', 'true']);
  return jsonAnswer(apiErrorBody(status, requestId, options), {
    status,
    headers: [...headers, ...options.headers ?? []],
    headerFamily: status === 401 || options.isUnauthenticated === true ? 'unauthenticated' : 'plain',
  });
}

/** The 404 of a path or resource that does not exist. */
export function notFound(requestId: string, message = 'Not Found'): Answer {
  return apiError(404, requestId, { message });
}

/** The 400 of a request that does not hold to the schema. */
export function invalidRequest(requestId: string, message: string): Answer {
  return apiError(400, requestId, { message });
}
