import { RelayError } from './relay-error.ts';
import type { RelayEnd, RelayFailure, RelayResult } from './relay-result.ts';

/** A response head as the client gets it. `rawHeaders` is a flat latin1 list of names and values. */
export interface RelayHead {
  readonly status: number;
  readonly statusMessage: string;
  readonly rawHeaders: string[];
}

/** Watches a relayed body. Each method is called after the bytes it speaks of were written; a throw drops the observer. */
export interface BodyObserver {
  /** The upstream's own head, before any policy. */
  onHead?(status: number, rawHeaders: readonly string[]): void;
  /** The chunk belongs to a shared socket buffer: copy what must outlive the call. */
  onChunk(chunk: Uint8Array): void;
  /** Called once, when no chunk follows. */
  onEnd(how: RelayEnd): void;
}

/** Settings of one relayed response. */
export interface RelayOptions {
  /**
   * Decides the head that the client gets, from the upstream's. `undefined` or a throw refuses the response: the upstream
   * is aborted, nothing is written. Never called for 1xx.
   */
  readonly onHead: (status: number, rawHeaders: string[], statusMessage: string) => RelayHead | undefined;
  /** Makes the protocol's own error event for a stream that broke at an event boundary. Absent or `undefined`: the socket is destroyed instead. */
  readonly failureEvent?: (failure: RelayFailure) => Uint8Array | undefined;
  /** Sees the same chunks after the client. */
  readonly observer?: BodyObserver;
  /** Told when the observer threw; it has been dropped by then. */
  readonly onObserverError?: (error: unknown) => void;
  /** Asked when an event stream framed by connection close ends; false means that its stop event never came, so it was cut. Absent: such an end is taken as whole. */
  readonly sawStop?: () => boolean;
  /** Milliseconds without progress after which a client that does not read is given up. @defaultValue 120000 */
  readonly clientStallMs?: number;
  /** Milliseconds a failure event gets to reach the client before the connection is broken. @defaultValue 250 */
  readonly failureLingerMs?: number;
  /** Told exactly once how the response ended. */
  readonly onSettled: (result: RelayResult) => void;
}

/** The value of every setting that was not given. */
export const DEFAULT_RELAY_OPTIONS: { readonly clientStallMs: number; readonly failureLingerMs: number } = Object.freeze({
  clientStallMs: 120_000,
  failureLingerMs: 250,
});

/** Reads a duration, or its default; throws `RelayError` `invalid_option`. */
export function readDurationMs(name: string, value: number | undefined, defaultMs: number): number {
  if (value === undefined) return defaultMs;
  if (!Number.isFinite(value) || value <= 0 || value > 0x7fff_ffff) {
    throw new RelayError('invalid_option', `${name} must be a positive number of milliseconds of at most 2147483647, received ${String(value)}`);
  }
  return value;
}
