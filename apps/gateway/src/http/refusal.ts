import { Buffer } from 'node:buffer';
import type { WholeResponse } from '@penstock/inbound-server';
import { describeError } from '../request/error-answers.ts';
import { errorHeaders, GatewayError, type GatewayErrorCode } from '../request/gateway-error.ts';
import type { Side } from '../request/request-record.ts';

/** A request that the application refuses before either side sees it. */
export interface Refusal {
  readonly code: Extract<GatewayErrorCode, 'bad_request' | 'misdirected' | 'forbidden' | 'not_found' | 'method_not_allowed' | 'header_overflow' | 'too_large' | 'request_timeout' | 'internal'>;
  readonly message: string;
  readonly allow?: readonly string[];
}

const SIDE_OF_SEGMENT: Readonly<Record<string, Side>> = { anthropic: 'native', v1: 'front_door', bedrock: 'bedrock', vertex: 'vertex' };

/** The side a target belongs to, by its first segment; `undefined` for neither. Works on targets that were not validated. */
export function sideOf(target: string): Side | undefined {
  const [, segment] = /^(?:https?:\/\/[^/]*)?\/{1,2}(anthropic|v1|bedrock|vertex)(?![\w-])/.exec(target) ?? [];
  return segment === undefined ? undefined : SIDE_OF_SEGMENT[segment];
}

/** Words a refusal in the shape of the API that the client thinks it talks to. */
export function describeRefusal(refusal: Refusal, side: Side | undefined, requestId: string): WholeResponse {
  const error = new GatewayError(refusal.code, refusal.message, refusal.allow === undefined ? {} : { allow: refusal.allow });
  if (side !== undefined) return describeError(side, error, requestId);
  return { status: error.shape.status, headers: errorHeaders(error, requestId), body: Buffer.from(JSON.stringify({ error: { message: refusal.message } })) };
}
