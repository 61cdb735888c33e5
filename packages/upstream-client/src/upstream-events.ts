/** How a request came to its slot: over an idle connection, over a new one, or after waiting in the queue. */
export const ACQUISITION_SOURCES = ['reused', 'new', 'queued'] as const;
/** How a request came to its slot. */
export type AcquisitionSource = (typeof ACQUISITION_SOURCES)[number];

/** Why a request was refused a slot. */
export const REJECTION_REASONS = ['timeout', 'queue_full', 'draining'] as const;
/** Why a request was refused a slot. */
export type RejectionReason = (typeof REJECTION_REASONS)[number];

/** Why a connection could not be made; `aborted` means that its request had ended. */
export const CONNECT_FAILURE_REASONS = ['timeout', 'dns', 'refused', 'network', 'tls', 'proxy', 'aborted'] as const;
/** Why a connection could not be made. */
export type ConnectFailureReason = (typeof CONNECT_FAILURE_REASONS)[number];

/**
 * Why a connection ended.
 *
 * `idle_expired`: its keep-alive time was over · `upstream_closed`: the upstream closed it while idle ·
 * `unsolicited`: the upstream sent bytes without a request · `not_kept_alive`: the response said so, or came before the
 * request was sent · `surplus`: more idle ones than allowed · `aborted`: its request was aborted or ran out of time ·
 * `failed`: it broke during a request · `retired`: it had to rest, and its place was needed · `early_answer`: bytes came sooner after a
 * request than its answer can · `reset_on_reuse`: a reused one broke before the response head, the keep-alive
 * race · `shutdown`: the client was closed.
 */
export const DISCONNECT_REASONS = [
  'idle_expired', 'upstream_closed', 'unsolicited', 'not_kept_alive', 'surplus', 'retired', 'aborted', 'failed', 'early_answer', 'reset_on_reuse', 'shutdown',
] as const;
/** Why a connection ended. */
export type DisconnectReason = (typeof DISCONNECT_REASONS)[number];

/** The events of an upstream client, by name. */
export interface UpstreamClientEvents {
  /** A request got its slot; `waitMs` since it was dispatched. */
  readonly acquired: { readonly waitMs: number; readonly source: AcquisitionSource };
  /** A request gave its slot back; `heldMs` since it was acquired. */
  readonly released: { readonly heldMs: number };
  /** A connection attempt began. */
  readonly connecting: { readonly timeoutMs: number };
  /** A connection is ready: DNS, TCP and TLS took `durationMs`. */
  readonly connected: { readonly durationMs: number; readonly tlsSessionReused?: boolean };
  /** A connection attempt ended without a connection. */
  readonly connect_failed: { readonly reason: ConnectFailureReason; readonly durationMs: number };
  /** A connection ended. */
  readonly disconnected: { readonly reason: DisconnectReason };
  /** A request was refused a slot. */
  readonly rejected: { readonly reason: RejectionReason };
}

/** Sends one event to the listeners, if there are any. */
export type Notify = <Name extends keyof UpstreamClientEvents>(name: Name, event: UpstreamClientEvents[Name]) => void;

/** The pool at one moment; `open` is `active` + `idle` + `connecting` and never above `maxConnections`, except after shrinking. */
export interface UpstreamStats {
  readonly origin: string;
  readonly maxConnections: number;
  readonly maxKeepAliveConnections: number;
  readonly maxWaiting: number;
  readonly open: number;
  /** Connections that serve a request now. */
  readonly active: number;
  readonly idle: number;
  readonly connecting: number;
  /** Requests in the slot queues. */
  readonly waiting: number;
  /** How long the first of them has waited, in milliseconds; 0 when none waits. */
  readonly oldestWaitMs: number;
  /** Slots that long-lived requests hold, and may hold together. */
  readonly longLived: number;
  readonly maxLongLived: number;
  /** The clients that hold or want a slot now; requests without a client stand under the empty name. */
  readonly clients: readonly ClientSlotStats[];
}

/** What one client has of a pool at one moment. */
export interface ClientSlotStats {
  readonly client: string;
  /** Slots its requests hold, connecting ones included. */
  readonly held: number;
  readonly waiting: number;
}
