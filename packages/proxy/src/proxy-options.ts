import type { IncomingMessage } from 'node:http';
import type { DroppedHeader, HeaderPolicy, RequestHeaderAdditions } from '@penstock/header-policy';
import type { WholeResponse } from '@penstock/inbound-server';
import type { BodyObserver, RelayFailure, RelayHead, RelayResult } from '@penstock/sse-relay';
import type { LongLived, RequestTimeouts } from '@penstock/upstream-client';
import type { ExchangeRelayOptions, ProxyUpstream } from './exchange/exchange-settings.ts';
import type { FailureStatus } from './status-of.ts';

/** Settings of the relay (`@penstock/sse-relay`), for all responses. */
export interface ProxyRelayOptions extends ExchangeRelayOptions {
  /** Creates the protocol's error event for a stream that broke at an event boundary. @defaultValue the connection is broken without one */
  readonly failureEvent?: (failure: RelayFailure) => Uint8Array | undefined;
  /** The same for a stream of binary frames (`application/vnd.amazon.eventstream`): creates its last frame. @defaultValue the connection is broken without one */
  readonly failureFrame?: (failure: RelayFailure) => Uint8Array | undefined;
}

/** Limits of one request. */
export interface ProxyLimits {
  /** Bytes of a request body; more is a 413. @defaultValue 104_857_600 */
  readonly maxRequestBytes: number;
  /** Time in which `bodyStepBytes` of a request body, or its rest, must arrive; else the answer is a 408. @defaultValue 30_000 */
  readonly bodyStepTimeoutMs: number;
  /** @defaultValue 16_384 */
  readonly bodyStepBytes: number;
}

/** What one call of the handler may override. */
export interface ProxyCall {
  /** Path and query for the upstream. @defaultValue `request.url` */
  readonly path?: string;
  /** Header fields of the proxy's own for this request, instead of `additions`. */
  readonly additions?: RequestHeaderAdditions;
  /** Receives the chunks of the response after they were written. */
  readonly observer?: BodyObserver;
  /** Whether the observer saw the stop event of a stream that only the end of its connection delimits. */
  readonly sawStop?: () => boolean;
  /** Timeouts of this request, over those of the upstream client. */
  readonly timeouts?: Partial<RequestTimeouts>;
  /** The name of the requesting client, for fair sharing of the pool. */
  readonly client?: string;
  /** Marks a request that holds its slot for long. @defaultValue 'upload' for a streamed request body */
  readonly longLived?: LongLived;
}

/** A request that was not answered by the upstream, while the client can still be answered. */
export interface ProxyFailure extends FailureStatus {
  readonly error: unknown;
  readonly request: IncomingMessage;
}

/** How a request ended. */
export interface ProxyOutcome {
  readonly request: IncomingMessage;
  /** The status that the client received; absent if the client left before. */
  readonly status?: number;
  /** Why the response is not complete, or not the upstream's. Absent: complete. */
  readonly error?: unknown;
  /** What the relay knows of the upstream response. Absent: nothing was sent to the upstream. */
  readonly relay?: RelayResult;
}

/** Functions that the proxy calls. An exception in one of them fails its request only. */
export interface ProxyHooks {
  /** Called exactly once for each request, when its response ended. */
  readonly onSettled?: (outcome: ProxyOutcome) => void;
  /** Receives the fields that the policy dropped, if any. */
  readonly onDropped?: (direction: 'request' | 'response', dropped: readonly DroppedHeader[], request: IncomingMessage) => void;
  /** Replaces the head that the client receives; `undefined` refuses the response with a 502. @defaultValue the head that the policy made */
  readonly onHead?: (head: RelayHead, request: IncomingMessage) => RelayHead | undefined;
  /** Creates the response to a failure. @defaultValue status and `retry-after` of `statusOf(error)`, the reason phrase as text/plain */
  readonly respondToFailure?: (failure: ProxyFailure) => WholeResponse;
}

/** Options of `createProxyHandler`. */
export interface ProxyOptions {
  readonly upstream: ProxyUpstream;
  readonly policy: HeaderPolicy;
  /** Header fields of the proxy's own for every request, such as its credential. @defaultValue none */
  readonly additions?: RequestHeaderAdditions;
  readonly relay?: ProxyRelayOptions;
  readonly limits?: Partial<ProxyLimits>;
  readonly hooks?: ProxyHooks;
}

/** The limits that were not given. */
export const DEFAULT_PROXY_LIMITS: ProxyLimits = Object.freeze({ maxRequestBytes: 100 * 1024 * 1024, bodyStepTimeoutMs: 30_000, bodyStepBytes: 16 * 1024 });
