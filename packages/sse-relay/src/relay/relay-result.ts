import type { BodyFraming } from './response-description.ts';

/** How a relayed response ended: one closed set. */
export const RELAY_ENDS = ['complete', 'upstream_failed', 'client_gone', 'client_stalled', 'refused', 'interrupted'] as const;

/** One of `RELAY_ENDS`. */
export type RelayEnd = (typeof RELAY_ENDS)[number];

/** Everything that is known of one relayed response; handed to `onSettled` exactly once. Times are `performance.now()` milliseconds. */
export interface RelayResult {
  readonly how: RelayEnd;
  /** False when nothing was written: the caller still owns the response and answers with an error of its own. */
  readonly headSent: boolean;
  /** Why it did not end `complete`: the upstream's error, or a `RelayError`. */
  readonly error?: unknown;
  /** The upstream's status; absent when no head came. */
  readonly status?: number;
  /** Body bytes that the upstream sent and the client was handed; bytes the relay added are not among them. */
  readonly bodyBytes: number;
  /** How the upstream framed the body. */
  readonly framing: BodyFraming;
  readonly isEventStream: boolean;
  /** Whether the last relayed byte ended an event; meaningless unless `isEventStream` and identity-encoded. */
  readonly atBoundary: boolean;
  /** When the upstream's head arrived. */
  readonly headAt?: number;
  /** When its first body byte arrived. */
  readonly firstByteAt?: number;
  readonly endedAt: number;
  /** The largest silence of the upstream between two chunks, time during which it was paused not counted; in whole milliseconds. */
  readonly largestGapMs: number;
  /** How often the client read slower than the upstream sent. */
  readonly pauses: number;
  /** Keep-alive comments that the relay added. */
  readonly keepAlivesSent: number;
  /** Whether the protocol's own error event was the last thing written. */
  readonly failureEventSent: boolean;
}

/** A response that broke after its head was sent, as `failureEvent` sees it. */
export interface RelayFailure {
  readonly how: 'upstream_failed' | 'interrupted';
  readonly error: unknown;
  readonly status: number;
}

/** The state of a relay at one moment. Times are `performance.now()` milliseconds. */
export interface RelayProgress {
  /** Body bytes that arrived from the upstream so far. */
  readonly bodyBytes: number;
  /** Whether the response is an event stream; false until its head came. */
  readonly isEventStream: boolean;
  /** Since when the client has taken nothing although bytes wait for it; `undefined` where none wait. */
  readonly stalledAt: number | undefined;
}
