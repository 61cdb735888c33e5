import { createUsageObserver } from '@penstock/anthropic-usage';
import { UpstreamExchange } from '@penstock/proxy';
import type { RelayResult } from '@penstock/sse-relay';
import { isUnsignable, notSigned } from '../pipe/classify-failure.ts';
import { outboundBody } from '../pipe/outbound-body.ts';
import { ClientGone } from '../request/gateway-error.ts';
import { whileConnected } from '../request/while-connected.ts';
import type { CloudTarget } from './cloud-format.ts';
import type { CloudExchange, CloudRuntime } from './cloud-runtime.ts';

/** The end of phase 5: the path, the fields and the body are known, and the gateway's credential is made for them. Resolves with the path. */
export async function signForCloud(runtime: CloudRuntime, exchange: CloudExchange): Promise<string> {
  const { inbound, chunks, outboundHeaders: headers, requestBytes } = exchange;
  const { first: upstream, format } = runtime;
  const path = upstream.basePath + inbound.path.slice(format.side.length + 1) + inbound.query;
  headers.push('content-length', String(requestBytes));
  try {
    const fields = upstream.credential.fieldsFor({ method: inbound.method, url: new URL(upstream.origin + path), headers, body: chunks });
    headers.push(...fields instanceof Promise ? await whileConnected(inbound, fields) : fields);
    exchange.credentialGeneration = upstream.state.generation;
  } catch (error) {
    if (error instanceof ClientGone) throw error;
    // Nothing is sent, and its state has to show why, unless it is the request.
    if (!isUnsignable(error)) exchange.served = upstream;
    throw notSigned(exchange.side, error);
  }
  if (inbound.isGone) throw new ClientGone();
  exchange.outbound = { body: outboundBody(chunks, requestBytes, exchange), contentLength: requestBytes };
  exchange.chunks = [];
  return path;
}

/** Phases 6 to 8: acquires a slot, sends the request and relays the response as it arrives. */
export function forwardToCloud(runtime: CloudRuntime, exchange: CloudExchange, { route }: CloudTarget, path: string): Promise<RelayResult> {
  const { inbound } = exchange;
  const { first: upstream, format } = runtime;
  if (route.reportsUsage) exchange.observer = createUsageObserver(exchange.measuresText || runtime.measuresOutput ? runtime.measuringObserver : runtime.usageObserver);
  const relayed = new UpstreamExchange(runtime.exchanges, exchange, inbound.response, exchange.observer);
  exchange.relayed = relayed;
  exchange.served = upstream;
  inbound.trace?.beginUpstream({ method: inbound.method, origin: upstream.origin, template: route.template.slice(format.side.length + 1), provider: format.provider }, exchange.outboundHeaders);
  const { body } = exchange.outbound;
  const result = relayed.send({
    method: inbound.method, path, headers: exchange.outboundHeaders, body, timeouts: runtime.headTimeouts[route.headClock],
    client: exchange.client, caller: exchange.counterKey, responseFields: 'raw',
  });
  // Body and fields now belong to the upstream client, which releases them as they are sent.
  exchange.outbound = { body: null, contentLength: undefined };
  exchange.outboundHeaders = [];
  return result;
}
