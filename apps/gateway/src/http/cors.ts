import { Buffer } from 'node:buffer';
import type { WholeResponse } from '@penstock/inbound-server';
import type { InboundRequest } from '../request/inbound-request.ts';

const PREFLIGHT_SECONDS = '600';

/**
 * Adds what a listed origin needs to read a response (https://fetch.spec.whatwg.org/#http-cors-protocol), and answers its
 * preflight. Requests without an Origin pass untouched; unlisted origins were refused at admission.
 */
export function answerCors(inbound: InboundRequest): WholeResponse | undefined {
  const { origin } = inbound.head;
  if (origin === undefined) return undefined;
  inbound.responseFields.push('access-control-allow-origin', origin, 'access-control-expose-headers', '*', 'vary', 'Origin');
  const wanted = inbound.request.headers['access-control-request-method'];
  if (inbound.method !== 'OPTIONS' || wanted === undefined) return undefined;
  const fields = inbound.request.headers['access-control-request-headers'];
  return {
    status: 204,
    headers: [
      'x-penstock-request-id', inbound.id, ...inbound.responseFields,
      'access-control-allow-methods', 'GET, POST, DELETE',
      // The policy decides what crosses; the browser may send every field that it asked for.
      ...(typeof fields === 'string' && fields.length <= 4_096 ? ['access-control-allow-headers', fields] : []),
      'access-control-max-age', PREFLIGHT_SECONDS,
    ],
    body: Buffer.alloc(0),
  };
}
