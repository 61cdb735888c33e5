import { Buffer } from 'node:buffer';
import { errorBody, errorHeaders, type GatewayError } from './gateway-error.ts';
import type { Side } from './request-record.ts';

/** An error of the gateway's own as it goes out. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: string[];
  readonly body: Buffer;
}

/** The shape of errors in each side's API. */
const ANSWERS: Readonly<Record<Side, (error: GatewayError, requestId: string) => ErrorAnswer>> = {
  native: (error, requestId) => ({ status: error.shape.status, headers: errorHeaders(error, requestId), body: errorBody(error, requestId) }),
  front_door: (error, requestId) => ({
    status: error.shape.status, headers: [...errorHeaders(error, requestId), 'x-request-id', requestId],
    body: Buffer.from(JSON.stringify({ error: { message: error.message, type: error.shape.type, param: null, code: error.code } })),
  }),
  bedrock: (error, requestId) => ({
    status: error.shape.status, headers: [...errorHeaders(error, requestId), 'x-amzn-requestid', requestId, 'x-amzn-errortype', bedrockErrorType(error.shape.status)],
    body: Buffer.from(JSON.stringify({ message: error.message })),
  }),
  vertex: (error, requestId) => ({
    status: error.shape.status, headers: errorHeaders(error, requestId),
    body: Buffer.from(JSON.stringify({ error: { code: error.shape.status, message: error.message, status: googleStatus(error.shape.status) } })),
  }),
};

/** Exceptions of InvokeModel by status (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html#API_runtime_InvokeModel_Errors). */
function bedrockErrorType(status: number): string {
  if (status === 401 || status === 403) return 'AccessDeniedException';
  if (status === 404) return 'ResourceNotFoundException';
  if (status === 429) return 'ThrottlingException';
  if (status === 503) return 'ServiceUnavailableException';
  return status < 500 ? 'ValidationException' : 'InternalServerException';
}

const GOOGLE_STATUSES: ReadonlyMap<number, string> = new Map([
  [401, 'UNAUTHENTICATED'], [403, 'PERMISSION_DENIED'], [404, 'NOT_FOUND'], [429, 'RESOURCE_EXHAUSTED'], [502, 'UNAVAILABLE'], [503, 'UNAVAILABLE'], [504, 'DEADLINE_EXCEEDED'],
]);

/** Canonical codes by status (https://cloud.google.com/apis/design/errors#handling_errors). */
function googleStatus(status: number): string {
  return GOOGLE_STATUSES.get(status) ?? (status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL');
}

/** An error in the shape of the API that the client of a side speaks. */
export function describeError(side: Side, error: GatewayError, requestId: string): ErrorAnswer {
  return ANSWERS[side](error, requestId);
}
