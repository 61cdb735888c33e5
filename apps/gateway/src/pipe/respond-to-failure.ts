import { respond } from '@penstock/inbound-server';
import { toGatewayError } from './classify-failure.ts';
import { describeError } from '../request/error-answers.ts';
import { ClientGone, type GatewayError } from '../request/gateway-error.ts';
import type { PipedExchange } from './piped-exchange.ts';
import type { PipeRuntime } from './pipe-runtime.ts';

/**
 * The one place where a failure becomes a response. It runs only while nothing was written; a response
 * that broke later was broken by the relay.
 */
export async function respondToFailure(runtime: PipeRuntime, exchange: PipedExchange, failure: unknown): Promise<void> {
  const { inbound } = exchange;
  exchange.failure = failure;
  if (failure instanceof ClientGone || inbound.isGone) {
    exchange.outcome = 'client_gone';
    // The socket may still be open; no response can follow on it.
    inbound.response.destroy();
    return;
  }
  const error = toGatewayError(failure, exchange.side, (exchange.served ?? runtime.first).client.stats(), exchange.isLongLived);
  exchange.outcome = error.shape.outcome;
  exchange.status = error.shape.status;
  exchange.cause = error.code;
  if (exchange.outcome === 'internal') runtime.log.internalError(inbound, failure);
  exchange.bytes?.release();
  exchange.responseBytes = await respond(inbound.request, inbound.response, describe(runtime, exchange, error));
}

function describe(runtime: PipeRuntime, exchange: PipedExchange, error: GatewayError): Parameters<typeof respond>[2] {
  const { inbound } = exchange;
  const { status, headers, body } = describeError(exchange.side, error, inbound.id);
  headers.push(...inbound.responseFields);
  if (error.code === 'draining' || runtime.lifecycle.isLeaving) headers.push('connection', 'close');
  return { status, headers, body };
}
