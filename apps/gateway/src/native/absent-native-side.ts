import { Buffer } from 'node:buffer';
import { respond } from '@penstock/inbound-server';
import type { InboundRequest } from '../request/inbound-request.ts';
import { errorBody, errorHeaders, GatewayError } from '../request/gateway-error.ts';

/**
 * Answers in place of a native side that could not be started, while the front door serves: its health page shows it, every
 * other path gets an error in the API's shape.
 */
export async function handleWithoutNativeSide(inbound: InboundRequest): Promise<void> {
  const { id, request, response, path } = inbound;
  if (path === '/anthropic/health' || path === '/anthropic/api/hello') {
    const body = Buffer.from(JSON.stringify({ status: 'degraded', service: 'anthropic-native', upstream: {}, endpoints: {} }));
    await respond(request, response, { status: 200, headers: ['content-type', 'application/json', 'cache-control', 'no-store', 'x-penstock-request-id', id], body });
    return;
  }
  const error = new GatewayError('internal', 'The Anthropic side of this gateway could not be started; its log has the reason.');
  await respond(request, response, { status: error.shape.status, headers: errorHeaders(error, id), body: errorBody(error, id) });
}
