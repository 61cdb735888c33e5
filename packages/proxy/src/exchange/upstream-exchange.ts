import type { ServerResponse } from 'node:http';
import { safeStatusMessage } from '@penstock/header-policy';
import { createRelayHandler, type BodyObserver, type KeepAliveOptions, type RelayFailure, type RelayHandler, type RelayHead, type RelayOptions, type RelayResult } from '@penstock/sse-relay';
import type { RequestTimings, UpstreamController, UpstreamDispatchOptions, UpstreamHandler } from '@penstock/upstream-client';
import type { ExchangeSettings } from './exchange-settings.ts';
import type { OpenExchange } from './open-exchanges.ts';

type StartedController = Parameters<NonNullable<RelayOptions['onStart']>>[0];

/**
 * One request to the upstream and the relay of its response: a slot, a connection, the request, the response under the header policy. It ends
 * exactly once, and `send` resolves with how. Before the response head nothing is written, so that the owner can answer a failure.
 *
 * It is the relay's own options: one object a request, no function for each callback.
 */
export class UpstreamExchange<State> implements RelayOptions, OpenExchange {
  place = 0;
  /** The dispatch handler that relays. */
  readonly handler: RelayHandler;
  readonly observer?: BodyObserver;
  readonly keepAlive?: KeepAliveOptions;
  readonly clientStallMs?: number;
  readonly failureLingerMs?: number;
  readonly observerGraceMs?: number;
  readonly plain?: boolean;
  readonly #settings: ExchangeSettings<State>;
  readonly #state: State;
  readonly #response: ServerResponse;
  #controller: StartedController | undefined;
  #resolve!: (result: RelayResult) => void;

  /** Throws the `RelayError` `head_already_sent` if the response has begun, and `invalid_option`. `observer` receives the chunks after the client. */
  constructor(settings: ExchangeSettings<State>, state: State, response: ServerResponse, observer?: BodyObserver) {
    this.#settings = settings;
    this.#state = state;
    this.#response = response;
    const { keepAlive, clientStallMs, failureLingerMs, observerGraceMs, plain } = settings.relay;
    if (observer !== undefined) this.observer = observer;
    if (keepAlive !== undefined) this.keepAlive = keepAlive;
    if (clientStallMs !== undefined) this.clientStallMs = clientStallMs;
    if (failureLingerMs !== undefined) this.failureLingerMs = failureLingerMs;
    if (observerGraceMs !== undefined) this.observerGraceMs = observerGraceMs;
    if (plain !== undefined) this.plain = plain;
    this.handler = createRelayHandler(response, this);
  }

  /** When the request passed each step; `undefined` before it started, and behind an interceptor that has a controller of its own. */
  get timings(): RequestTimings | undefined {
    return (this.#controller as Partial<UpstreamController> | undefined)?.timings;
  }

  /** Sends the request, once. `handler` is what stands between upstream and relay: by default nothing. */
  send(outbound: UpstreamDispatchOptions, handler: UpstreamHandler = this.handler): Promise<RelayResult> {
    const { promise, resolve } = Promise.withResolvers<RelayResult>();
    this.#resolve = resolve;
    const { upstream, open } = this.#settings;
    open.add(this);
    try {
      upstream.dispatch(outbound, handler);
    } catch (error) {
      open.delete(this);
      throw error;
    }
    return promise;
  }

  onStart(controller: StartedController): void {
    this.#controller = controller;
  }

  onHead(status: number, rawHeaders: string[], statusMessage: string): RelayHead | undefined {
    const { policy, hooks } = this.#settings;
    const { headers, dropped } = policy.forwardResponseHeaders(rawHeaders);
    if (dropped.length > 0) hooks.onDropped?.(dropped, this.#state);
    const made: RelayHead = { status, statusMessage: safeStatusMessage(status, statusMessage), rawHeaders: headers };
    const head = hooks.onHead === undefined ? made : hooks.onHead(made, this.#state, rawHeaders);
    // The rest of a request body is not read any more: nothing may follow it on its connection.
    if (!this.#response.req.complete || hooks.closesConnection?.(this.#state) === true) head?.rawHeaders.push('connection', 'close');
    return head;
  }

  sawStop(): boolean {
    return this.#settings.hooks.sawStop?.(this.#state) ?? true;
  }

  failureEvent(failure: RelayFailure): Uint8Array | undefined {
    return this.#settings.hooks.failureEvent?.(failure, this.#state);
  }

  failureFrame(failure: RelayFailure): Uint8Array | undefined {
    return this.#settings.hooks.failureFrame?.(failure, this.#state);
  }

  onObserverError(error: unknown): void {
    this.#settings.hooks.onObserverError?.(error, this.#state);
  }

  onSettled(result: RelayResult): void {
    this.#settings.open.delete(this);
    this.#resolve(result);
  }
}
