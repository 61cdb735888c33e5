import { openAiErrorBody, type OpenAiErrorBody } from '../errors/openai-error-body.ts';
import { isJsonObject, member } from '../json/json-value.ts';

/** What an upstream said went wrong. */
export interface UpstreamFault {
  readonly message: string;
  readonly type: string;
}

/** The statuses of error types, for an error that comes as an event inside a 200. */
const STATUS_OF_TYPE: Readonly<Record<string, number>> = Object.freeze({
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
});

/** The status that an error type would have had, had it come before the response head. */
export function statusOfErrorType(type: string): number {
  return (Object.hasOwn(STATUS_OF_TYPE, type) ? STATUS_OF_TYPE[type] : undefined) ?? 500;
}

/** Reads `{"type":"error","error":{type, message}}`, or `undefined` when the value is not of that shape. */
export function readUpstreamFault(value: unknown): UpstreamFault | undefined {
  const error = isJsonObject(value) ? member(value, 'error') : undefined;
  if (!isJsonObject(error)) return undefined;
  const message = member(error, 'message');
  const type = member(error, 'type');
  if (typeof message !== 'string') return undefined;
  return { message, type: typeof type === 'string' ? type : 'api_error' };
}

/** OpenAI's shape for an upstream's fault: its words, its type, and the type again as `code`. */
export function upstreamErrorBody(fault: UpstreamFault): OpenAiErrorBody {
  return openAiErrorBody({ message: fault.message, type: fault.type, param: null, code: fault.type });
}

/** Translates the body of an upstream's error; what cannot be read (a page of HTML) is named by its status alone. */
export function translateErrorBody(status: number, text: string): OpenAiErrorBody {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const fault = readUpstreamFault(value);
  return upstreamErrorBody(fault ?? { message: `The upstream answered ${status} without a readable error.`, type: status >= 500 ? 'api_error' : 'invalid_request_error' });
}
