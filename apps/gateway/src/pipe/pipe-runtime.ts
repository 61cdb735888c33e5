import type { RelayFailure } from '@penstock/sse-relay';
import type { UpstreamStats } from '@penstock/upstream-client';
import type { Budgets } from '../access/budgets/budgets.ts';
import type { ClientRegistry } from '../access/clients/client-registry.ts';
import type { Limiter } from '../access/limits/limiter.ts';
import type { RequestLog } from '../observe/log/request-log.ts';
import type { GatewayMetrics } from '../observe/metrics/create-gateway-metrics.ts';
import type { RequestObserver } from '../observe/request-observer.ts';
import type { Tracing } from '../observe/trace/tracing.ts';
import type { UpstreamState } from '../observe/upstreams/upstream-state.ts';
import type { Lifecycle } from '../process/lifecycle.ts';

/** The part of a route that the shared phases read. */
export interface PipedRoute {
  /** The label in metrics and logs; never a raw path. */
  readonly template: string;
  /** How a body is taken: `json` is gathered and validated, `upload` streams through. */
  readonly body: 'json' | 'upload';
  /** Whether an answer reports its tokens: it is read along, and its tokens are reserved before and charged after it. */
  readonly reportsUsage: boolean;
  /** Whether a POST makes work whose tokens its answer does not report: closed to clients with token limits. */
  readonly isSpentLater: boolean;
}

/** The part of an upstream that the shared phases read. */
export interface PipedUpstream {
  /** Its name in metrics. */
  readonly name: string;
  readonly client: { stats(): UpstreamStats };
  readonly state: UpstreamState;
}

/** What the configuration of a side decides about the exchange with its upstream. */
export interface PipeSettings {
  /** Whether the upstream sees our credential: then its quota is ours to show. */
  readonly ownsCredential: boolean;
  /** Whether a refusal of our own credential is answered by our own error instead of the upstream's. */
  readonly explainsCredential: boolean;
  /** Whether a stream that broke at an event boundary gets an event that says so. */
  readonly breaksWithEvent: boolean;
  /** That event, for streams of text. Absent: they break without one. */
  readonly failureEvent?: ((failure: RelayFailure, requestId: string) => Uint8Array) | undefined;
  /** The same for streams of binary frames. */
  readonly failureFrame?: ((failure: RelayFailure) => Uint8Array) | undefined;
}

/** What the phases need that every side which relays bytes verbatim has: the native one, and those of clouds. */
export interface PipeRuntime {
  readonly metrics: GatewayMetrics;
  readonly log: RequestLog;
  readonly observer: RequestObserver;
  readonly limiter: Limiter;
  /** Absent where nothing is stored, so that nothing is counted. */
  readonly budgets: Budgets | undefined;
  readonly lifecycle: Lifecycle;
  readonly viaPseudonym: string;
  /** Absent where tracing is off. */
  readonly tracing: Tracing | undefined;
  readonly clients: ClientRegistry;
  /** The only upstream, or the one listed first. */
  readonly first: PipedUpstream;
}
