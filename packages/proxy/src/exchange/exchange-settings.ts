import type { DroppedHeader, HeaderPolicy } from '@penstock/header-policy';
import type { KeepAliveOptions, RelayFailure, RelayHead, RelayTimeouts } from '@penstock/sse-relay';
import type { UpstreamDispatchOptions, UpstreamHandler } from '@penstock/upstream-client';
import type { OpenExchanges } from './open-exchanges.ts';

/** What the proxy needs of an upstream client; a client with interceptors has it, too. */
export interface ProxyUpstream {
  dispatch(options: UpstreamDispatchOptions, handler: UpstreamHandler): boolean;
}

/** What the owner of exchanges decides and sees. One object serves many requests: each method receives the state of its request. */
export interface ExchangeHooks<State> {
  /** Decides the head that the client receives; `head` is the one that the policy made of `rawHeaders`. `undefined` or an exception refuses the response. */
  onHead?(head: RelayHead, state: State, rawHeaders: readonly string[]): RelayHead | undefined;
  /** Receives the fields of the response that the policy dropped, if any. */
  onDropped?(dropped: readonly DroppedHeader[], state: State): void;
  /** Whether the client's connection closes behind the response. It does in any case if the request body is not read to its end. */
  closesConnection?(state: State): boolean;
  /** Creates the protocol's error event for a stream that broke at an event boundary. `undefined` or an exception: none is sent. */
  failureEvent?(failure: RelayFailure, state: State): Uint8Array | undefined;
  /** The same for a stream of binary frames (`application/vnd.amazon.eventstream`): creates its last frame. */
  failureFrame?(failure: RelayFailure, state: State): Uint8Array | undefined;
  /** Whether the observer saw the stop event of a stream that only the end of its connection delimits. Absent: such an end is taken as whole. */
  sawStop?(state: State): boolean;
  /** Called when the observer threw; it was dropped. */
  onObserverError?(error: unknown, state: State): void;
}

/** Settings of the relay that do not differ between the requests of one handler. */
export interface ExchangeRelayOptions extends Partial<RelayTimeouts> {
  /** Comments into the silence of an event stream. @defaultValue none */
  readonly keepAlive?: KeepAliveOptions;
  /** Leaves all framing to node:http (`RelayOptions.plain`). @defaultValue false */
  readonly plain?: boolean;
}

/** What the exchanges of one handler share. An exchange keeps the settings with which it began. */
export interface ExchangeSettings<State> {
  readonly upstream: ProxyUpstream;
  readonly policy: Pick<HeaderPolicy, 'forwardResponseHeaders'>;
  readonly relay: ExchangeRelayOptions;
  readonly hooks: ExchangeHooks<State>;
  /** The exchanges under way. */
  readonly open: OpenExchanges;
}
