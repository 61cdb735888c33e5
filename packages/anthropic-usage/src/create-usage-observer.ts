import {
  createEventObserver, createFrameObserver, DEFAULT_EVENT_OBSERVER_LIMITS, ObserverError, readContentCoding,
  type BodyObserver, type EventObserverLimits, type EventObserverOptions, type Frame, type FrameObserverOptions,
} from '@penstock/sse-relay';
import { describeUnknownOption, describeWrongOption, type OptionType } from '@penstock/option-names';
import { readFramedEvent, type FramedEventSink } from './framed-events.ts';
import { JsonBody, type JsonBodyOptions } from './json-body.ts';
import type { JsonObject } from './json-values.ts';
import { MEASURED_EVENTS, MessageReading, READ_EVENTS, READ_MEMBERS } from './message-reading.ts';
import { UsageOptionError } from './usage-option-error.ts';
import type { UsageResult } from './usage-result.ts';

/** Settings of a usage observer; the limits are those of an event observer. */
export interface UsageObserverOptions extends Partial<EventObserverLimits> {
  /** Told once, when the body ended and all of it that can be read was read. */
  readonly onUsage?: (result: UsageResult) => void;
  /** Called with the error when a body cannot be read; the relayed bytes stay unchanged. */
  readonly onError?: (error: unknown) => void;
  /** The most bytes kept of each member that is read of a JSON body, whose own size does not matter; a larger member is left out. @defaultValue 65536 */
  readonly maxMemberBytes?: number;
  /** Whether what the model writes is counted (`UsageResult.textBytes`); each event of a stream is then parsed. @defaultValue false */
  readonly measuresText?: boolean;
}

/** An observer that reads the usage of one response of the Anthropic API. */
export interface UsageObserver extends BodyObserver {
  onHead(status: number, rawHeaders: readonly string[]): void;
  onEnd(how: string): Promise<void> | undefined;
  /** What is known so far; final once `onEnd` has returned, or its promise has resolved. */
  result(): UsageResult;
  /** Whether the stop event came, as far as is known. */
  readonly sawStop: boolean;
}

/** How many bytes of a member are kept when `maxMemberBytes` is not given. */
export const DEFAULT_MAX_MEMBER_BYTES = 65_536;

const OPTION_TYPES: Readonly<Record<keyof UsageObserverOptions, OptionType>> = Object.freeze({
  maxEventBytes: 'number?', maxLagBytes: 'number?', maxDecodedBytes: 'number?', onUsage: 'function?', onError: 'function?', maxMemberBytes: 'number?', measuresText: 'boolean?',
});
const NO_OPTIONS: UsageObserverOptions = Object.freeze({});
/** An options object is checked once, however many responses it is for. */
const checked = new WeakSet<UsageObserverOptions>();

/**
 * Creates the observer of one response, an event stream, the frames of Amazon Bedrock, or JSON, compressed or not. Fields are merged as the API means them:
 * `message_start` first, then each `message_delta` overwrites what it names. A body without a head is read as an event stream.
 */
export function createUsageObserver(options: UsageObserverOptions = NO_OPTIONS): UsageObserver {
  if (!checked.has(options)) {
    const unknown = describeUnknownOption(options, OPTION_TYPES);
    if (unknown !== undefined) throw new UsageOptionError('unknown_option', unknown);
    const wrong = describeWrongOption(options, OPTION_TYPES);
    if (wrong !== undefined) throw new UsageOptionError('invalid_option', wrong);
    checked.add(options);
  }
  return new UsageReader(options);
}

/** Takes a body as it passes. */
interface BodyReading {
  onChunk(chunk: Uint8Array): void;
  onEnd(how: string): Promise<void> | undefined;
}

const UNREAD: BodyReading = { onChunk: () => undefined, onEnd: () => undefined };

/** Also the options of the reading it makes, for there is one of each for every response. */
class UsageReader implements UsageObserver, EventObserverOptions, FrameObserverOptions, FramedEventSink, JsonBodyOptions {
  // First what each chunk needs.
  #body: BodyReading | undefined;
  #bodyBytes = 0;
  readonly events: readonly string[];
  readonly maxEventBytes: number;
  readonly maxLagBytes: number;
  readonly maxDecodedBytes: number;
  readonly maxMemberBytes: number;
  readonly memberNames = READ_MEMBERS;
  coding = 'identity';
  readonly #options: UsageObserverOptions;
  readonly #message = new MessageReading();
  readonly #measuresText: boolean;
  #json: JsonBody | undefined;
  #isStream = true;
  #isUnread = false;

  constructor(options: UsageObserverOptions) {
    this.#options = options;
    this.#measuresText = options.measuresText === true;
    this.events = this.#measuresText ? MEASURED_EVENTS : READ_EVENTS;
    this.maxEventBytes = options.maxEventBytes ?? DEFAULT_EVENT_OBSERVER_LIMITS.maxEventBytes;
    this.maxLagBytes = options.maxLagBytes ?? DEFAULT_EVENT_OBSERVER_LIMITS.maxLagBytes;
    this.maxDecodedBytes = options.maxDecodedBytes ?? DEFAULT_EVENT_OBSERVER_LIMITS.maxDecodedBytes;
    this.maxMemberBytes = options.maxMemberBytes ?? DEFAULT_MAX_MEMBER_BYTES;
  }

  onHead(status: number, rawHeaders: readonly string[]): void {
    const mediaType = readMediaType(rawHeaders);
    const isFramed = mediaType === 'application/vnd.amazon.eventstream';
    this.#isStream = isFramed || mediaType === 'text/event-stream';
    const isJson = !this.#isStream && (mediaType === 'application/json' || mediaType.endsWith('+json'));
    if (isJson || this.#measuresText) this.coding = readContentCoding(rawHeaders);
    if (this.#isStream) {
      const events = isFramed ? createFrameObserver(this) : createEventObserver(this);
      events.onHead(status, rawHeaders);
      this.#body = events;
    } else if (isJson) {
      this.#json = new JsonBody(this);
      this.#body = this.#json;
    } else this.#body = UNREAD;
  }

  onChunk(chunk: Uint8Array): void {
    this.#bodyBytes += chunk.length;
    this.#body ??= createEventObserver(this);
    this.#body.onChunk(chunk);
  }

  onEnd(how: string): Promise<void> | undefined {
    const ended = this.#body?.onEnd(how);
    if (ended !== undefined) return ended.then(() => this.#options.onUsage?.(this.result()));
    if (this.#options.onUsage !== undefined) this.#options.onUsage(this.result());
    return undefined;
  }

  onEvent(name: string, data: Uint8Array): void {
    try {
      this.#message.takeEvent(name, data);
    } catch (cause) {
      this.onError(new ObserverError('invalid_json', `the data of a ${name} event is not JSON`, { cause }));
    }
  }

  onFrame(frame: Frame): void {
    try {
      readFramedEvent(frame, this.events, this);
    } catch (cause) {
      this.onError(new ObserverError('invalid_json', 'a frame does not carry JSON', { cause }));
    }
  }

  onException(type: string | undefined): void {
    this.#message.takeException(type);
  }

  onMembers(members: JsonObject): void {
    this.#message.takeMessage(members);
  }

  onError(error: unknown): void {
    this.#isUnread = true;
    this.#options.onError?.(error);
  }

  result(): UsageResult {
    return this.#message.result(this.#measuresText ? this.#textBytes() : undefined);
  }

  #textBytes(): number {
    const read = this.#isStream ? this.#message.textBytes : this.#json?.bytes ?? 0;
    if (!this.#isUnread && (this.#isStream || this.#json !== undefined)) return read;
    return Math.max(read, this.coding === 'identity' ? this.#bodyBytes : this.#bodyBytes * USUAL_COMPRESSION);
  }

  get sawStop(): boolean {
    return this.#message.sawStop;
  }
}

/** Text compresses to a fourth or less. */
const USUAL_COMPRESSION = 4;

function readMediaType(rawHeaders: readonly string[]): string {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length !== 12 || name.toLowerCase() !== 'content-type') continue;
    const value = rawHeaders[index + 1] ?? '';
    if (value === 'application/json' || value === 'text/event-stream') return value;
    return value.split(';')[0]?.trim().toLowerCase() ?? '';
  }
  return '';
}
