import { createUsageObserver } from '@penstock/anthropic-usage';
import { UpstreamExchange } from '@penstock/proxy';
import type { RelayHandler, RelayResult } from '@penstock/sse-relay';
import type { LongLived } from '@penstock/upstream-client';
import type { GroupDispatchOptions } from '@penstock/upstream-group';
import type { Dispatcher } from 'undici';
import { isEncrypted } from '../access/clients/client-address.ts';
import { noUpstream } from '../pipe/classify-failure.ts';
import { ModelListNarrower } from './narrow-model-list.ts';
import type { OutboundBody } from '../pipe/piped-exchange.ts';
import type { NativeExchange } from './native-exchange.ts';
import type { NativeRuntime } from './native-runtime.ts';
import type { NativeUpstream } from './upstreams/native-upstream.ts';
import { NativeTries } from './upstreams/native-tries.ts';
import { ResultsUrlRewriter } from './rewrite-results-url.ts';
import { MODELS_PATH, type NativeRoute } from './route-table.ts';
import { timeoutsFor } from './timeouts-for.ts';

const NOTHING_OUTBOUND: OutboundBody = Object.freeze({ body: null, contentLength: undefined });
const NO_HEADERS: string[] = [];

/**
 * Phases 6 to 8: acquires a slot, sends the outbound request and relays the response as it arrives, with the exchange that `createProxyHandler` of
 * @penstock/proxy uses, too. Resolves when the client response ended, well or broken, or when it is clear that none begins.
 */
export function forward(runtime: NativeRuntime, exchange: NativeExchange, route: NativeRoute): Promise<RelayResult> {
  const { inbound } = exchange;
  if (runtime.group === undefined && !runtime.first.serves(exchange.requestedModel)) throw noUpstream();
  // Both refuse what no upstream may take: nothing is open yet that would have to be closed.
  const tries = runtime.group === undefined ? undefined : new NativeTries(runtime, runtime.group.current, exchange, route);
  if (route.reportsUsage) exchange.observer = createUsageObserver(exchange.measuresText || runtime.measuresOutput ? runtime.measuringObserver : runtime.usageObserver);
  const relayed = new UpstreamExchange(runtime.exchanges, exchange, inbound.response, exchange.observer ?? exchange.answerObserver);
  exchange.relayed = relayed;
  const handler = rewriter(runtime, exchange, route, relayed.handler);
  const held = longLived(exchange, route);
  exchange.isLongLived = held !== undefined;
  // Each of several tries makes its own path and fields.
  const target = tries === undefined ? targetOf(runtime.first, exchange, route) : undefined;
  const outbound: GroupDispatchOptions = {
    method: inbound.method,
    path: target?.path ?? '/',
    headers: target?.headers,
    route: tries,
    body: exchange.outbound.body,
    timeouts: timeoutsFor(runtime.group === undefined ? runtime.first : runtime, route, exchange.wantsStream),
    client: exchange.client,
    caller: exchange.counterKey,
    longLived: held,
    responseFields: handler === relayed.handler ? 'raw' : 'parsed',
  };
  const result = relayed.send(outbound, handler);
  // Body and fields now belong to the upstream client, which releases them as they are sent.
  exchange.outbound = NOTHING_OUTBOUND;
  exchange.outboundHeaders = NO_HEADERS;
  return result;
}

/** Where a request to the only upstream goes; its fields were made in phase 2. */
function targetOf(upstream: NativeUpstream, exchange: NativeExchange, route: NativeRoute): Pick<GroupDispatchOptions, 'path' | 'headers'> {
  const { inbound, outbound: { contentLength }, outboundHeaders: headers } = exchange;
  exchange.served = upstream;
  if (contentLength !== undefined) headers.push('content-length', String(contentLength));
  inbound.trace?.beginUpstream({
    method: inbound.method, origin: upstream.origin, template: route.template.slice('/anthropic'.length), provider: upstream.provider,
  }, headers);
  return { path: upstream.basePath + inbound.path.slice('/anthropic'.length) + inbound.query, headers };
}

/** Puts what changes an answer between upstream and relay: lists of models are narrowed to the caller's, and URLs of results rewritten where that is switched on. */
function rewriter(runtime: NativeRuntime, { inbound, rules }: NativeExchange, route: NativeRoute, relay: RelayHandler): Dispatcher.DispatchHandler {
  if (route.template === MODELS_PATH && rules?.restrictsModels === true) return new ModelListNarrower(relay, (model) => rules.allowsModel(model));
  if (!runtime.rewritesResultsUrl || route.group !== 'batches' || inbound.method === 'HEAD' || inbound.path.endsWith('/results')) return relay;
  const scheme = isEncrypted(inbound.request.socket, inbound.request.rawHeaders, runtime.trustedProxies) ? 'https' : 'http';
  return new ResultsUrlRewriter(relay, { origins: runtime.resultsOrigins, base: `${scheme}://${inbound.head.host}/anthropic` });
}

/** Whether the client decides how long the request holds its slot. */
function longLived({ outbound }: NativeExchange, { isLongLived }: NativeRoute): LongLived | undefined {
  if (isLongLived) return 'exchange';
  return outbound.body !== null && Symbol.asyncIterator in outbound.body ? 'upload' : undefined;
}
