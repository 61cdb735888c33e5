import { isJsonObject } from '../json.ts';
import type { ValidationHeaders } from './validation-headers.ts';

/** Why the API would refuse a request with 400 `invalid_request_error`. */
export interface ValidationFailure {
  readonly message: string;
}

/** Checks a `POST /v1/messages` body as the API does; `undefined` when it would be accepted. */
export function validateMessagesRequest(body: unknown, _headers: ValidationHeaders = {}): ValidationFailure | undefined {
  if (!isJsonObject(body)) return { message: 'Input should be a valid dictionary or object to extract fields from' };
  for (const name of ['model', 'max_tokens', 'messages']) if (!(name in body)) return { message: `${name}: Field required` };
  return undefined;
}

/** Checks a `POST /v1/messages/count_tokens` body as the API does. */
export function validateCountTokensRequest(body: unknown, headers: ValidationHeaders = {}): ValidationFailure | undefined {
  return validateMessagesRequest(isJsonObject(body) ? { max_tokens: 1, ...body } : body, headers);
}
