import { respond } from '@penstock/inbound-server';
import { toGatewayError } from './classify-failure.ts';
import { ClientGone, errorBody, errorHeaders, type GatewayError } from '../request/gateway-error.ts';
import type { NativeExchange } from './native-exchange.ts';
import type { NativeRuntime } from './native-runtime.ts';

/**
 * The one place where a failure on the native side becomes a response. It runs only while nothing was written; a response
 * that broke later was broken by the relay.
 */
export async function respondToFailure(runtime: NativeRuntime, exchange: NativeExchange, failure: unknown): Promise<void> {
  const { inbound } = exchange;
  exchange.failure = failure;
  if (failure instanceof ClientGone || inbound.isGone) {
    exchange.outcome = 'client_gone';
    // The socket may still be open; no response can follow on it.
    inbound.response.destroy();
    return;
  }
  const error = toGatewayError(failure, (exchange.served ?? runtime.first).client.stats(), exchange.isLongLived);
  exchange.outcome = error.shape.outcome;
  exchange.status = error.shape.status;
  exchange.cause = error.code;
  if (exchange.outcome === 'internal') runtime.log.internalError(inbound, failure);
  exchange.bytes?.release();
  exchange.responseBytes = await respond(inbound.request, inbound.response, describe(runtime, exchange, error));
}

function describe(runtime: NativeRuntime, exchange: NativeExchange, error: GatewayError): Parameters<typeof respond>[2] {
  const { inbound } = exchange;
  const headers = errorHeaders(error, inbound.id);
  headers.push(...inbound.responseFields);
  if (error.code === 'draining' || runtime.lifecycle.isLeaving) headers.push('connection', 'close');
  return { status: error.shape.status, headers, body: errorBody(error, inbound.id) };
}
