import { Buffer } from 'node:buffer';
import { respond } from '@penstock/inbound-server';
import { GatewayError, isGatewayError } from '../request/gateway-error.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import type { Budgets } from '../access/budgets/budgets.ts';
import { NativeExchange } from './native-exchange.ts';
import type { NativeRuntime } from './native-runtime.ts';
import { admit, authenticate } from '../pipe/admission-phases.ts';
import { respondToFailure } from '../pipe/respond-to-failure.ts';

/** Where Claude Code asks what its user spent and may spend (its command `/usage`). */
export const USAGE_PATH = '/anthropic/api/oauth/usage';

/** What is answered under `/anthropic/api/` to requests that nothing here is for. */
export const NOT_SERVED = 'Not found: this gateway does not take telemetry of clients, nor serve their settings.';

const METHODS = ['GET', 'HEAD'];

/** Answers what a caller spent and may spend. */
export async function answerUsage(runtime: NativeRuntime, budgets: Budgets, inbound: InboundRequest): Promise<void> {
  const exchange = new NativeExchange(inbound);
  exchange.isRoutine = true;
  runtime.metrics.requestStarted('native', inbound);
  try {
    await answer(runtime, budgets, exchange);
  } catch (failure) {
    await respondToFailure(runtime, exchange, failure);
  } finally {
    runtime.metrics.requestEnded('native', inbound);
    runtime.observer.settled(inbound, exchange);
  }
}

/** Where no person signs in, the path exists for callers alone: without one of their credentials it is among those that do not. */
async function identify(runtime: NativeRuntime, exchange: NativeExchange): Promise<void> {
  try {
    await authenticate(runtime, exchange);
  } catch (error) {
    if (runtime.servesSignIn || !isGatewayError(error) || error.code !== 'unauthenticated') throw error;
    throw new GatewayError('not_found', NOT_SERVED);
  }
}

async function answer(runtime: NativeRuntime, budgets: Budgets, exchange: NativeExchange): Promise<void> {
  const { inbound } = exchange;
  admit(runtime, exchange);
  await identify(runtime, exchange);
  if (!METHODS.includes(inbound.method)) throw new GatewayError('method_not_allowed', `Method ${inbound.method} is not allowed for this path.`, { allow: METHODS });
  const body = Buffer.from(JSON.stringify(budgets.usageOf(exchange.counterKey, exchange.client, exchange.person)));
  const closing = runtime.lifecycle.isLeaving ? ['connection', 'close'] : [];
  exchange.status = 200;
  exchange.outcome = 'ok';
  exchange.responseBytes = await respond(inbound.request, inbound.response, {
    status: 200, body, headers: ['content-type', 'application/json', 'cache-control', 'no-store', 'x-penstock-request-id', inbound.id, ...inbound.responseFields, ...closing],
  });
}
