/** How long a connection is kept without an open request; milliseconds. */
export interface KeepAliveTimes {
  readonly keepAliveTimeoutMs: number;
  /** The same while none of its requests was authenticated. */
  readonly unauthenticatedKeepAliveTimeoutMs: number;
}

/** Inbound clocks and bounds; milliseconds and bytes. All but the keep-alive times are not configurable: each is far from any client that works. */
export interface InboundLimits extends KeepAliveTimes {
  /** From the first byte of a request, or from the connection, to the end of its head; the TLS handshake gets as long. */
  readonly headersTimeoutMs: number;
  /** How often that is checked. */
  readonly connectionsCheckingIntervalMs: number;
  /** Silence after which the kernel probes a connection (TCP keep-alive). */
  readonly tcpKeepAliveMs: number;
  /** Connections that the kernel keeps until they are accepted (`net.core.somaxconn` bounds it). Beyond it a client waits a second for its next SYN. */
  readonly acceptBacklog: number;
  readonly maxHeaderBytes: number;
  readonly maxHeadersCount: number;
  /** Time in which `bodyStepBytes` of a body, or its rest, must arrive. */
  readonly bodyStepTimeoutMs: number;
  readonly bodyStepBytes: number;
  /** How long a closed connection may be silent before it is dropped. */
  readonly lingerIdleMs: number;
  /** How long the rest of a refused body is thrown away at most. */
  readonly lingerMs: number;
}

/** The limits of every listener; tests shorten the clocks. */
export const DEFAULT_INBOUND_LIMITS: InboundLimits = Object.freeze({
  headersTimeoutMs: 10_000,
  connectionsCheckingIntervalMs: 500,
  keepAliveTimeoutMs: 75_000,
  unauthenticatedKeepAliveTimeoutMs: 5_000,
  tcpKeepAliveMs: 60_000,
  acceptBacklog: 4_096,
  maxHeaderBytes: 16_384,
  maxHeadersCount: 100,
  bodyStepTimeoutMs: 30_000,
  bodyStepBytes: 16 * 1024,
  lingerIdleMs: 1_000,
  lingerMs: 30_000,
});
