import { respond } from '@penstock/inbound-server';
import { clientAddress } from '../access/clients/client-address.ts';
import type { Administer } from '../access/admin/admin-exchange.ts';
import type { InboundRequest } from '../request/inbound-request.ts';
import type { Outcome } from '../request/request-record.ts';
import { NativeExchange } from './native-exchange.ts';
import type { NativeRuntime } from './native-runtime.ts';

/** What the paths of this listener begin with. */
export const NATIVE_PREFIX = '/anthropic';

/** Answers a request to the administration at the main listener. No field of a listed origin is sent: it is for no browser. */
export async function answerAdministration(runtime: NativeRuntime, administer: Administer, inbound: InboundRequest): Promise<void> {
  const { answerAdminRequest } = await import('../access/admin/receive-admin-request.ts');
  const exchange = new NativeExchange(inbound);
  runtime.metrics.requestStarted('native', inbound);
  try {
    const { socket, rawHeaders } = inbound.request;
    const address = clientAddress(socket.remoteAddress, rawHeaders, runtime.trustedProxies);
    const { status, headers, body } = await answerAdminRequest(administer, inbound.request, { limits: inbound.limits, path: inbound.path, prefix: NATIVE_PREFIX, address });
    exchange.status = status;
    exchange.outcome = outcomeOf(status);
    const closing = runtime.lifecycle.isLeaving ? ['connection', 'close'] : [];
    exchange.responseBytes = await respond(inbound.request, inbound.response, { status, headers: [...headers, 'x-penstock-request-id', inbound.id, ...closing], body });
  } finally {
    runtime.metrics.requestEnded('native', inbound);
    runtime.observer.settled(inbound, exchange);
  }
}

function outcomeOf(status: number): Outcome {
  if (status < 400) return 'ok';
  return status < 500 ? 'client_error' : 'internal';
}
