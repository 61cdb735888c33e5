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
};

/** An error in the shape of the API that the client of a side speaks. */
export function describeError(side: Side, error: GatewayError, requestId: string): ErrorAnswer {
  return ANSWERS[side](error, requestId);
}
