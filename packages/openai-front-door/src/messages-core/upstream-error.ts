import { openAiErrorBody, type OpenAiErrorBody } from '../errors/openai-error-body.ts';
import { isJsonObject, member } from '../json/json-value.ts';

/** What an upstream said went wrong. */
export interface UpstreamFault {
  readonly message: string;
  readonly type: string;
  /** `details.error_code`, where there is one. */
  readonly errorCode?: string;
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

/** What the upstream writes where a request does not fit into the model's context window. */
const CONTEXT_EXCEEDED = /prompt is too long|exceeds? (?:the |model |model's |the model's )?context (?:window|limit|length)/i;
/** Codes and sentences of a spent budget, which no retry mends before someone pays or the month ends. */
const QUOTA_CODES: ReadonlySet<string | undefined> = new Set(['enforced_spend_limit_reached', 'contract_spend_limit_reached']);
const QUOTA_SPENT = /credit balance is too low|specified API usage limits/i;

/**
 * OpenAI's `code` for a fault, where clients decide by it (Codex and LangChain explain or compact on the first, and stop on the second); the
 * upstream's type otherwise.
 */
export function openAiCodeOf({ type, message, errorCode }: UpstreamFault): string {
  if ((type === 'invalid_request_error' || type === 'request_too_large') && CONTEXT_EXCEEDED.test(message)) return 'context_length_exceeded';
  if (type === 'billing_error' || QUOTA_CODES.has(errorCode) || ((type === 'invalid_request_error' || type === 'rate_limit_error') && QUOTA_SPENT.test(message))) return 'insufficient_quota';
  return type === 'rate_limit_error' ? 'rate_limit_exceeded' : type;
}

/** Reads `{"type":"error","error":{type, message}}`, or `undefined` when the value is not of that shape. */
export function readUpstreamFault(value: unknown): UpstreamFault | undefined {
  const error = isJsonObject(value) ? member(value, 'error') : undefined;
  if (!isJsonObject(error)) return undefined;
  const message = member(error, 'message');
  const type = member(error, 'type');
  if (typeof message !== 'string') return undefined;
  const details = member(error, 'details');
  const errorCode = isJsonObject(details) ? member(details, 'error_code') : undefined;
  return { message, type: typeof type === 'string' ? type : 'api_error', ...(typeof errorCode === 'string' ? { errorCode } : {}) };
}

/** OpenAI's shape for an upstream's fault: its words, its type, and the code that clients decide by. */
export function upstreamErrorBody(fault: UpstreamFault): OpenAiErrorBody {
  const code = openAiCodeOf(fault);
  // Some clients (LangChain) look for the code in the message, where they compact the conversation.
  const message = code === 'context_length_exceeded' ? `${fault.message} (${code})` : fault.message;
  return openAiErrorBody({ message, type: fault.type, param: null, code });
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
