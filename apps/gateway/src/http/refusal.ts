import { Buffer } from 'node:buffer';
import type { WholeResponse } from '@penstock/inbound-server';
import { errorBody, errorHeaders, GatewayError, type GatewayErrorCode } from '../request/gateway-error.ts';
import type { Side } from '../request/request-record.ts';

/** A request that the application refuses before either side sees it. */
export interface Refusal {
  readonly code: Extract<GatewayErrorCode, 'bad_request' | 'misdirected' | 'forbidden' | 'not_found' | 'method_not_allowed' | 'header_overflow' | 'too_large' | 'request_timeout' | 'internal'>;
  readonly message: string;
  readonly allow?: readonly string[];
}

/** The side a target belongs to, by its first segment; `undefined` for neither. Works on targets that were not linted. */
export function sideOf(target: string): Side | undefined {
  const [, segment] = /^(?:https?:\/\/[^/]*)?\/{1,2}(anthropic|v1)(?![\w-])/.exec(target) ?? [];
  return segment === undefined ? undefined : segment === 'v1' ? 'front_door' : 'native';
}

/** Words a refusal in the shape of the API that the client thinks it talks to. */
export function describeRefusal(refusal: Refusal, side: Side | undefined, requestId: string): WholeResponse {
  const error = new GatewayError(refusal.code, refusal.message, refusal.allow === undefined ? {} : { allow: refusal.allow });
  const headers = errorHeaders(error, requestId);
  if (side === 'native') return { status: error.shape.status, headers, body: errorBody(error, requestId) };
  const shape = side === 'front_door'
    ? { error: { message: refusal.message, type: error.shape.type, param: null, code: refusal.code } }
    : { error: { message: refusal.message } };
  if (side === 'front_door') headers.push('x-request-id', requestId);
  return { status: error.shape.status, headers, body: Buffer.from(JSON.stringify(shape)) };
}
