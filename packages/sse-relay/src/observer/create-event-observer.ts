import type { OptionType } from '@penstock/option-names';
import type { BodyObserver } from '../relay/relay-options.ts';
import { createDecodedCopy, readContentCoding, type DecodedCopy } from './decoded-copy.ts';
import { type DropReason, EventSplitter } from './event-splitter.ts';
import { checkObserverOptions } from './observer-options.ts';
import { ObserverError } from './observer-error.ts';

/** Bounds of an event observer. */
export interface EventObserverLimits {
  /** The most bytes of data kept of one event; a larger one is reported, not told. @defaultValue 262144 */
  readonly maxEventBytes: number;
  /** The most compressed bytes that wait to be decoded before the copy is given up: nothing waits for an observer. @defaultValue 1048576 */
  readonly maxLagBytes: number;
  /** The most decoded bytes of one compressed body. @defaultValue 268435456 */
  readonly maxDecodedBytes: number;
}

/** The limits that hold when none are given. */
export const DEFAULT_EVENT_OBSERVER_LIMITS: EventObserverLimits = Object.freeze({
  maxEventBytes: 262_144,
  maxLagBytes: 1_048_576,
  maxDecodedBytes: 268_435_456,
});

/** Settings of an event observer. */
export interface EventObserverOptions extends Partial<EventObserverLimits> {
  /** The names of the events to tell of; `message` stands for events without a name. */
  readonly events: readonly string[];
  /** Called with each whole event of those, after its bytes went out. The data is a view: copy what must outlive the call. */
  readonly onEvent: (name: string, data: Uint8Array) => void;
  /** Told of what could not be read. After `lagging`, `decoding`, `unsupported_coding` and `body_too_large` nothing more is read. */
  readonly onError?: (error: unknown) => void;
}

const OPTION_TYPES: Readonly<Record<keyof EventObserverOptions, OptionType>> = Object.freeze({
  events: 'list', onEvent: 'function', onError: 'function?', maxEventBytes: 'number?', maxLagBytes: 'number?', maxDecodedBytes: 'number?',
});

/** An observer that tells of chosen events. */
export interface EventObserver extends BodyObserver {
  onHead(status: number, rawHeaders: readonly string[]): void;
  /** For a compressed body, resolves when the copy was decoded to its end. */
  onEnd(how: string): Promise<void> | undefined;
}

/**
 * Creates an observer of one event stream. The other events cost a search for their line ends; a compressed stream (gzip,
 * deflate, br, zstd) is decoded on a copy. Throws `ObserverError` `invalid_option`, `unknown_option`.
 */
export function createEventObserver(options: EventObserverOptions): EventObserver {
  if (!Array.isArray(options?.events)) throw new ObserverError('invalid_option', 'events must be a list of names');
  checkObserverOptions(options, OPTION_TYPES);
  return new StreamObserver(options);
}

class StreamObserver extends EventSplitter implements EventObserver {
  #copy: DecodedCopy | undefined;
  readonly #options: EventObserverOptions;
  readonly #maxLagBytes: number;
  readonly #maxDecodedBytes: number;

  constructor(options: EventObserverOptions) {
    super(options.events, readObserverLimit('maxEventBytes', options.maxEventBytes));
    this.#options = options;
    this.#maxLagBytes = readObserverLimit('maxLagBytes', options.maxLagBytes);
    this.#maxDecodedBytes = readObserverLimit('maxDecodedBytes', options.maxDecodedBytes);
  }

  onHead(_status: number, rawHeaders: readonly string[]): void {
    const coding = readContentCoding(rawHeaders);
    if (coding === 'identity') return;
    this.#copy = createDecodedCopy({
      coding, maxLagBytes: this.#maxLagBytes, maxDecodedBytes: this.#maxDecodedBytes,
      onError: (error) => this.#options.onError?.(error),
      onDecoded: (bytes) => this.split(bytes),
    });
  }

  onChunk(chunk: Uint8Array): void {
    if (this.#copy === undefined) this.split(chunk);
    else this.#copy.write(chunk);
  }

  onEnd(how: string): Promise<void> | undefined {
    return this.#copy?.end(how === 'complete');
  }

  protected override onEvent(name: string, data: Uint8Array): void {
    this.#options.onEvent(name, data);
  }

  protected override onDropped(reason: DropReason): void {
    this.#options.onError?.(reason === 'too_large'
      ? new ObserverError('event_too_large', `an event has over ${this.maxEventBytes} bytes of data`)
      : new ObserverError('event_ambiguous', 'an event was renamed after its data'));
  }
}

/** The value of a limit, the default where it is absent; throws `ObserverError` `invalid_option`. */
export function readObserverLimit(name: keyof EventObserverLimits, value: number | undefined): number {
  if (value === undefined) return DEFAULT_EVENT_OBSERVER_LIMITS[name];
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new ObserverError('invalid_option', `${name} must be a positive integer, received ${String(value)}`);
}
