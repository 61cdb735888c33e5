import { Buffer } from 'node:buffer';
import { safeStatusMessage } from '@penstock/header-policy';
import { createRelayHandler, type KeepAliveOptions, type RelayFailure, type RelayHandler, type RelayHead, type RelayOptions, type RelayResult } from '@penstock/sse-relay';
import { createUsageObserver, type UsageObserver } from '@penstock/anthropic-usage';
import type { LongLived, RequestTimeouts, UpstreamController } from '@penstock/upstream-client';
import type { Dispatcher } from 'undici';
import { PLAIN } from '../config/plain.ts';
import { isEventStreamType } from '../body/event-stream-type.ts';
import { isEncrypted } from '../access/clients/client-address.ts';
import { outcomeOfBreak } from './classify-failure.ts';
import { failureEvent } from './failure-event.ts';
import { ClientGone } from '../request/gateway-error.ts';
import type { NativeExchange, OutboundBody } from './native-exchange.ts';
import type { NativeRuntime } from './native-runtime.ts';
import { ResultsUrlRewriter } from './rewrite-results-url.ts';
import type { OpenRelay } from './open-relays.ts';
import type { NativeRoute } from './route-table.ts';

const NOTHING_OUTBOUND: OutboundBody = Object.freeze({ body: null, contentLength: undefined });
const NO_HEADERS: string[] = [];

/**
 * Phases 6 to 8: acquires a slot, sends the outbound request and relays the response as it arrives. Resolves when the client
 * response ended, well or broken; rejects when nothing was written, so that the caller answers.
 */
export function forward(runtime: NativeRuntime, exchange: NativeExchange, route: NativeRoute): Promise<void> {
  return new Promise((resolve, reject) => {
    const { inbound } = exchange;
    const relay = new NativeRelay(runtime, exchange, route, resolve, reject);
    const headers = exchange.outboundHeaders;
    if (exchange.outbound.contentLength !== undefined) headers.push('content-length', String(exchange.outbound.contentLength));
    inbound.trace?.beginUpstream({
      method: inbound.method, origin: runtime.upstreamOrigin, template: route.template.slice('/anthropic'.length), provider: 'anthropic',
    }, headers);
    runtime.relays.add(relay);
    const handler = rewriter(runtime, exchange, route, relay.handler);
    const held = longLived(exchange, route);
    exchange.isLongLived = held !== undefined;
    runtime.upstream.dispatch({
      method: inbound.method,
      path: runtime.basePath + inbound.path.slice('/anthropic'.length) + inbound.query,
      headers,
      body: exchange.outbound.body,
      timeouts: timeoutsFor(runtime, route, exchange.wantsStream),
      client: exchange.client,
      longLived: held,
      responseFields: handler === relay.handler ? 'raw' : 'parsed',
    }, handler);
    // Body and fields now belong to the upstream client, which releases them as they are sent.
    exchange.outbound = NOTHING_OUTBOUND;
    exchange.outboundHeaders = NO_HEADERS;
  });
}

/** Puts the one rewrite of the product between upstream and relay, where it is switched on. */
function rewriter(runtime: NativeRuntime, { inbound }: NativeExchange, route: NativeRoute, relay: RelayHandler): Dispatcher.DispatchHandler {
  if (!runtime.rewritesResultsUrl || route.group !== 'batches' || inbound.method === 'HEAD' || inbound.path.endsWith('/results')) return relay;
  const scheme = isEncrypted(inbound.request.socket, inbound.request.rawHeaders, runtime.trustedProxies) ? 'https' : 'http';
  return new ResultsUrlRewriter(relay, { origins: runtime.resultsOrigins, base: `${scheme}://${inbound.head.host}/anthropic` });
}

/** Whether the client decides how long the request holds its slot. */
function longLived({ outbound }: NativeExchange, { isLongLived }: NativeRoute): LongLived | undefined {
  if (isLongLived) return 'exchange';
  return outbound.body !== null && Symbol.asyncIterator in outbound.body ? 'upload' : undefined;
}

/** Which clock bounds the wait for the head. */
function timeoutsFor(runtime: NativeRuntime, route: NativeRoute, wantsStream: boolean): Partial<RequestTimeouts> {
  const { headTimeouts } = runtime;
  if (route.isLongLived) return headTimeouts.session;
  if (route.headClock === 'quick') return headTimeouts.quick;
  return wantsStream || route.headClock === 'stream' ? headTimeouts.stream : headTimeouts.message;
}

/**
 * The relay of one response with what the gateway sees of it: the relay's own options, so that a request costs one object and not
 * a function for each option of the relay.
 */
class NativeRelay implements OpenRelay, RelayOptions {
  place = 0;
  readonly handler: RelayHandler;
  readonly observer?: UsageObserver;
  readonly keepAlive?: KeepAliveOptions;
  readonly clientStallMs: number;
  readonly #runtime: NativeRuntime;
  readonly #exchange: NativeExchange;
  readonly #resolve: () => void;
  readonly #reject: (failure: unknown) => void;
  controller: UpstreamController | undefined;
  #isStream = false;

  constructor(runtime: NativeRuntime, exchange: NativeExchange, route: NativeRoute, resolve: () => void, reject: (failure: unknown) => void) {
    this.#runtime = runtime;
    this.#exchange = exchange;
    this.#resolve = resolve;
    this.#reject = reject;
    this.clientStallMs = runtime.clientStallMs;
    if (runtime.keepAlive !== undefined) this.keepAlive = runtime.keepAlive;
    if (route.reportsUsage) this.observer = createUsageObserver(exchange.measuresText ? runtime.measuringObserver : runtime.usageObserver);
    this.handler = createRelayHandler(exchange.inbound.response, this);
  }

  get plain(): boolean { return PLAIN; }

  onStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller as UpstreamController;
  }

  /** Without an observer no stop event is looked for, and the end of the connection is taken as the end. */
  sawStop(): boolean {
    return this.observer?.sawStop ?? true;
  }

  failureEvent(failure: RelayFailure): Uint8Array | undefined {
    return this.#runtime.breaksWithEvent ? failureEvent(failure, this.#exchange.inbound.id) : undefined;
  }

  onObserverError(error: unknown): void {
    this.#runtime.metrics.observerError('relay', error);
  }

  onSettled(result: RelayResult): void {
    this.#runtime.relays.delete(this);
    if (this.#isStream) this.#runtime.metrics.streamClosed('native');
    try {
      readResult(this.#exchange, this, result);
      this.#resolve();
    } catch (failure) {
      this.#reject(failure);
    }
  }

  onHead(status: number, rawHeaders: string[], statusMessage: string): RelayHead {
    const runtime = this.#runtime;
    const exchange = this.#exchange;
    const { inbound } = exchange;
    inbound.trace?.answered(status);
    const { headers, dropped } = runtime.policy.forwardResponseHeaders(rawHeaders);
    if (dropped.length > 0) runtime.metrics.headersDropped('response', dropped);
    if (runtime.ownsCredential) runtime.metrics.quotaSeen(rawHeaders);
    const facts = readResponseFacts(headers);
    exchange.upstreamRequestId = facts.requestId;
    if (facts.isEventStream) {
      exchange.upstreamRequestId = detached(facts.requestId);
      if (!facts.hasCacheControl) headers.push('cache-control', 'no-cache');
      if (!facts.hasAccelBuffering) headers.push('x-accel-buffering', 'no');
      this.#isStream = true;
      runtime.metrics.streamOpened('native');
      if (inbound.request.complete) inbound.releaseFields();
    }
    headers.push('x-penstock-request-id', inbound.id);
    for (const text of inbound.responseFields) headers.push(text);
    if (runtime.lifecycle.isLeaving || !inbound.request.complete) headers.push('connection', 'close');
    // Nothing of the request is held while the answer streams.
    exchange.bytes?.release();
    return { status, statusMessage: safeStatusMessage(status, statusMessage), rawHeaders: headers };
  }
}

/** The same text in memory of its own: a piece of a head keeps all of it alive, here for as long as the stream lasts. */
function detached(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Buffer.from(text, 'latin1').toString('latin1');
}

interface ResponseFacts {
  readonly isEventStream: boolean;
  readonly hasCacheControl: boolean;
  readonly hasAccelBuffering: boolean;
  readonly requestId: string | undefined;
}

function readResponseFacts(headers: readonly string[]): ResponseFacts {
  let isEventStream = false;
  let hasCacheControl = false;
  let hasAccelBuffering = false;
  let requestId: string | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    switch (name.length) {
      case 10:
        if (name.toLowerCase() === 'request-id') requestId = headers[index + 1];
        break;
      case 12:
        if (name.toLowerCase() === 'content-type') isEventStream = isEventStreamType(headers[index + 1] as string);
        break;
      case 13:
        if (name.toLowerCase() === 'cache-control') hasCacheControl = true;
        break;
      case 17:
        if (name.toLowerCase() === 'x-accel-buffering') hasAccelBuffering = true;
        break;
      default:
    }
  }
  return { isEventStream, hasCacheControl, hasAccelBuffering, requestId };
}

/** Reads how the relay ended into the exchange. Throws what the client is to be answered when nothing was written. */
function readResult(exchange: NativeExchange, relay: NativeRelay, result: RelayResult): void {
  const usage = relay.observer?.result();
  if (usage !== undefined && result.headSent) exchange.usage = usage;
  exchange.failure = result.error;
  readTimings(exchange, relay.controller, result);
  if (!result.headSent) throw result.how === 'client_gone' ? new ClientGone() : (exchange.uploadFailure?.() ?? result.error);
  exchange.status = result.status ?? exchange.inbound.response.statusCode;
  exchange.responseBytes = result.bodyBytes;
  exchange.isEventStream = result.isEventStream;
  if (result.isEventStream) exchange.largestGapMs = result.largestGapMs;
  exchange.outcome = outcomeOf(exchange, result, usage?.sawErrorEvent === true);
}

function readTimings(exchange: NativeExchange, controller: UpstreamController | undefined, result: RelayResult): void {
  exchange.headAt = result.headAt;
  const timings = controller?.timings;
  if (timings?.acquiredAt === undefined) return;
  exchange.sentAt = timings.sentAt;
  exchange.slotWaitMs = timings.acquiredAt - timings.enqueuedAt;
  if (timings.connectedAt !== undefined) exchange.connectMs = Math.max(0, timings.connectedAt - timings.acquiredAt);
  if (timings.sentAt !== undefined && timings.headAt !== undefined) exchange.upstreamHeadMs = timings.headAt - timings.sentAt;
}

function outcomeOf(exchange: NativeExchange, result: RelayResult, sawErrorEvent: boolean): NativeExchange['outcome'] {
  switch (result.how) {
    case 'client_gone': return 'client_gone';
    case 'client_stalled': return 'client_stalled';
    case 'interrupted': return 'draining';
    case 'complete': return exchange.status >= 400 ? 'upstream_error' : sawErrorEvent ? 'stream_error_event' : 'ok';
    default: return outcomeOfBreak(result.error);
  }
}
