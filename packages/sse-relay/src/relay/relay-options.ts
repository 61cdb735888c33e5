import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import type { Dispatcher } from 'undici';
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
  /** The chunk may be kept: it is not written again. A piece of it keeps all that was read with it in memory. */
  onChunk(chunk: Uint8Array): void;
  /**
   * Called once, when no chunk follows: `complete` when the upstream's body was whole, even if the client leaves before it
   * has all of it, otherwise how the relay ended. A promise holds `onSettled` back for at most
   * `observerGraceMs`, and nothing else.
   */
  onEnd(how: RelayEnd): Promise<void> | undefined | void;
}

/** The spans of a relay, in milliseconds. */
export interface RelayTimeouts {
  /** Without progress, after which a client that does not read is given up. Runs only while the upstream is paused or a finished body waits for the client. @defaultValue 120000 */
  readonly clientStallMs: number;
  /** What was written before a failure gets this long to reach the client before the connection is broken. @defaultValue 250 */
  readonly failureLingerMs: number;
  /** How long `onSettled` waits for an observer that still decodes. @defaultValue 1000 */
  readonly observerGraceMs: number;
}

/** Comments in the silence of an event stream. */
export interface KeepAliveOptions {
  /** Milliseconds of silence after which one is written. */
  readonly intervalMs: number;
}

/** Settings of one relayed response. */
export interface RelayOptions extends Partial<RelayTimeouts> {
  /** Handed the dispatcher's controller when the request starts, for a caller that wants to read or abort it. Must not throw. */
  readonly onStart?: (controller: Dispatcher.DispatchController) => void;
  /**
   * Decides the head that the client gets, from the upstream's. `undefined` or a throw refuses the response: the upstream
   * is aborted, nothing is written. Never called for 1xx.
   */
  readonly onHead: (status: number, rawHeaders: string[], statusMessage: string) => RelayHead | undefined;
  /** Chooses the trailer fields to relay, for a client that takes them. Absent: none cross. */
  readonly onTrailers?: (rawTrailers: string[]) => readonly string[];
  /** Makes the protocol's own error event for a stream that broke at an event boundary. Absent, `undefined` or a throw: the connection is broken instead. */
  readonly failureEvent?: (failure: RelayFailure) => Uint8Array | undefined;
  /** The same for a stream of binary frames (`application/vnd.amazon.eventstream`): makes its last frame, by `encodeExceptionFrame`. */
  readonly failureFrame?: (failure: RelayFailure) => Uint8Array | undefined;
  /** Sees the same chunks after the client. */
  readonly observer?: BodyObserver;
  /** Called when the observer threw; it has been dropped by then. */
  readonly onObserverError?: (error: unknown) => void;
  /**
   * Asked when an event stream framed by connection close ends, after the observer's `onEnd`: false means that the stop
   * event never came, so the stream was cut. Absent: such an end is taken as whole.
   */
  readonly sawStop?: () => boolean;
  /** Writes comments into the silence of an identity-encoded event stream of text, at event boundaries only. Absent: none. */
  readonly keepAlive?: KeepAliveOptions;
  /**
   * Leaves all framing and buffering to node:http: chunks are not framed by the relay, and a first chunk is not joined with the head. The client gets
   * the same head and body, in more writes. @defaultValue false
   */
  readonly plain?: boolean;
  /** Called exactly once, with how the response ended. Must not throw. */
  readonly onSettled: (result: RelayResult) => void;
}

/** The value of every span that was not given. */
export const DEFAULT_RELAY_TIMEOUTS: RelayTimeouts = Object.freeze({ clientStallMs: 120_000, failureLingerMs: 250, observerGraceMs: 1_000 });

const OPTION_TYPES: Readonly<Record<keyof RelayOptions, OptionType>> = Object.freeze({
  clientStallMs: 'number?', failureLingerMs: 'number?', observerGraceMs: 'number?', onStart: 'function?', onHead: 'function', onTrailers: 'function?', failureEvent: 'function?',
  failureFrame: 'function?', observer: 'object?', onObserverError: 'function?', sawStop: 'function?', keepAlive: 'object?', plain: 'boolean?', onSettled: 'function',
});

/** Refuses an option that does not exist, is absent or has another type. An object of a class has fields of its own and is not looked at: one is made for each response. */
export function checkRelayOptions(options: RelayOptions): void {
  if (typeof options === 'object' && options !== null && Object.getPrototypeOf(options) !== Object.prototype) return;
  const unknown = describeUnknownOption(options, OPTION_TYPES);
  if (unknown !== undefined) throw new RelayError('unknown_option', unknown);
  const wrong = describeWrongOption(options, OPTION_TYPES);
  if (wrong !== undefined) throw new RelayError('invalid_option', wrong);
}

/** Longer spans overflow a timer, which would then fire at once. */
const MAX_SPAN_MS = 0x7fff_ffff;

/** Checks a span of milliseconds; throws `RelayError` `invalid_option`. */
export function checkSpanMs(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0 && value <= MAX_SPAN_MS) return value;
  throw new RelayError('invalid_option', `${name} must be a positive number of at most ${MAX_SPAN_MS}, received ${String(value)}`);
}
