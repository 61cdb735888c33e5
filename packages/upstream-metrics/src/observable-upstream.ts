/** Why a connection could not be made; the `reason` label of `…upstream_connect_errors_total`. */
export const CONNECT_FAILURE_REASONS = ['timeout', 'dns', 'refused', 'network', 'tls', 'proxy', 'aborted'] as const;

/** Why a connection was closed; the `reason` label of `…upstream_connections_closed_total`. */
export const DISCONNECT_REASONS = [
  'idle_expired', 'upstream_closed', 'unsolicited', 'not_kept_alive', 'surplus', 'retired', 'aborted', 'failed', 'early_answer', 'reset_on_reuse', 'shutdown',
] as const;

/** Why a request got no slot; the `reason` label of `…upstream_pool_rejections_total`. */
export const REJECTION_REASONS = ['timeout', 'queue_full', 'draining'] as const;

/** How a request got its slot; the `source` label of `…upstream_pool_acquisitions_total`. */
export const ACQUISITION_SOURCES = ['reused', 'new', 'queued'] as const;

/** What an upstream client says of itself now. */
export interface UpstreamStats {
  /** The one origin that the client is bound to, such as `https://api.example.com`. */
  readonly origin: string;
  readonly maxConnections: number;
  readonly maxKeepAliveConnections: number;
  readonly maxWaiting: number;
  readonly active: number;
  readonly idle: number;
  readonly connecting: number;
  readonly waiting: number;
  /** How long the first of those that wait has waited, in milliseconds. Absent: it is not known, and has no series. */
  readonly oldestWaitMs?: number;
  /** The clients that hold or want a slot now, by the names that requests were tagged with. Absent: they are not told apart. */
  readonly clients?: readonly ClientSlotStats[];
}

/** What one client has of a pool at one moment. */
export interface ClientSlotStats {
  /** Empty for requests without a tag. */
  readonly client: string;
  /** Slots that its requests hold, connecting ones included. */
  readonly held: number;
  readonly waiting: number;
}

/** The events of an upstream client that become metrics. Durations in milliseconds. */
export interface UpstreamEvents {
  readonly acquired: { readonly waitMs: number; readonly source: string };
  readonly connected: { readonly durationMs: number; readonly tlsSessionReused?: boolean | undefined };
  readonly connect_failed: { readonly reason: string; readonly durationMs: number };
  readonly disconnected: { readonly reason: string };
  readonly rejected: { readonly reason: string };
}

/**
 * The part of a client that is observed: `createUpstreamClient` of `@penstock/upstream-client` makes one, and anything of this shape is another.
 */
export interface ObservableUpstream {
  stats(): UpstreamStats;
  on<Name extends keyof UpstreamEvents>(name: Name, listener: (event: UpstreamEvents[Name]) => void): unknown;
  off<Name extends keyof UpstreamEvents>(name: Name, listener: (event: UpstreamEvents[Name]) => void): unknown;
}
