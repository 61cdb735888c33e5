import type { IncomingMessage, ServerResponse } from 'node:http';
import { safeStatusMessage } from '@penstock/header-policy';
import { createRelayHandler, type BodyObserver, type KeepAliveOptions, type RelayFailure, type RelayHandler, type RelayHead, type RelayOptions, type RelayResult } from '@penstock/sse-relay';
import type { LongLived, UpstreamDispatchOptions } from '@penstock/upstream-client';
import type { ProxyCall, ProxyOptions } from './proxy-options.ts';

/** The relay of one response. It is the relay's options itself: one object a request, no function for each callback. */
export class ProxyRelay implements RelayOptions {
  readonly observer?: BodyObserver;
  readonly sawStop?: () => boolean;
  readonly keepAlive?: KeepAliveOptions;
  readonly failureEvent?: (failure: RelayFailure) => Uint8Array | undefined;
  readonly clientStallMs?: number;
  readonly failureLingerMs?: number;
  readonly observerGraceMs?: number;
  readonly #options: ProxyOptions;
  readonly #request: IncomingMessage;
  readonly #call: ProxyCall;
  readonly #handler: RelayHandler;
  readonly #result = Promise.withResolvers<RelayResult>();

  constructor(options: ProxyOptions, request: IncomingMessage, response: ServerResponse, call: ProxyCall) {
    this.#options = options;
    this.#request = request;
    this.#call = call;
    if (call.observer !== undefined) this.observer = call.observer;
    if (call.sawStop !== undefined) this.sawStop = call.sawStop;
    Object.assign(this, options.relay);
    this.#handler = createRelayHandler(response, this);
  }

  /** Sends the request and resolves when the response ended. */
  send(outbound: UpstreamDispatchOptions, longLived: LongLived | undefined): Promise<RelayResult> {
    const { timeouts, client } = this.#call;
    this.#options.upstream.dispatch({
      ...outbound, client, longLived: this.#call.longLived ?? longLived, ...(timeouts === undefined ? {} : { timeouts }),
    }, this.#handler);
    return this.#result.promise;
  }

  onHead(status: number, rawHeaders: string[], statusMessage: string): RelayHead | undefined {
    const { policy, hooks } = this.#options;
    const { headers, dropped } = policy.forwardResponseHeaders(rawHeaders);
    if (dropped.length > 0) hooks?.onDropped?.('response', dropped, this.#request);
    // The rest of a request body is not read any more: nothing may follow it on its connection.
    if (!this.#request.complete) headers.push('connection', 'close');
    const head: RelayHead = { status, statusMessage: safeStatusMessage(status, statusMessage), rawHeaders: headers };
    return hooks?.onHead === undefined ? head : hooks.onHead(head, this.#request);
  }

  onSettled(result: RelayResult): void {
    this.#result.resolve(result);
  }
}
