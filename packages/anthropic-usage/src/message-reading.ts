import { Buffer } from 'node:buffer';
import { asObject, asText, type JsonObject } from './json-values.ts';
import { TextMeter } from './text-meter.ts';
import { UsageFields } from './usage-fields.ts';
import type { UsageResult } from './usage-result.ts';

/** The events that `takeEvent` understands. Frozen, so that their names are looked up once for all streams. */
export const READ_EVENTS: readonly string[] = Object.freeze(['message_start', 'message_delta', 'message_stop', 'error', 'completion']);

/** The members that `takeMessage` understands. */
export const READ_MEMBERS: ReadonlySet<string> = new Set(['model', 'stop_reason', 'usage', 'error']);

/** `READ_EVENTS` with those that carry what the model writes. */
export const MEASURED_EVENTS: readonly string[] = Object.freeze([...READ_EVENTS, 'content_block_start', 'content_block_delta']);

/** Puts the events of a message stream, or one JSON body, together to what they say of the message. */
export class MessageReading {
  readonly #fields = new UsageFields();
  #hasStarted = false;
  #hasUsage = false;
  #hasDeltaUsage = false;
  #isFinal = false;
  #model: string | undefined;
  #stopReason: string | undefined;
  #sawStop = false;
  #sawErrorEvent = false;
  #errorType: string | undefined;
  /** Made for the first event that is measured. */
  #text: TextMeter | undefined;

  /** Bytes of what the model wrote, of the events that were taken. */
  get textBytes(): number {
    return this.#text?.bytes ?? 0;
  }

  /** Takes one event's data; throws a `SyntaxError` on data that is not JSON. */
  takeEvent(name: string, data: Uint8Array): void {
    if (name === 'content_block_delta' && this.#measureDelta(data)) return;
    if (name === 'message_stop') {
      this.#sawStop = true;
      this.#isFinal ||= this.#hasDeltaUsage;
    } else if (name === 'error') this.#sawErrorEvent = true;
    const event = asObject(parseJson(data));
    if (event === undefined) return;
    if (name === 'message_start') this.#takeStart(asObject(event['message']));
    else if (name === 'message_delta') this.#takeDelta(event);
    else if (name === 'error') this.#takeError(event);
    else if (name === 'completion') this.#takeCompletion(event);
    else if (name !== 'message_stop') this.#measure(event);
  }

  /** Takes the frame of an exception, which stands where a text stream has an `error` event. */
  takeException(type: string | undefined): void {
    this.#sawErrorEvent = true;
    this.#errorType = asText(type) ?? this.#errorType;
  }

  /** Takes the `READ_MEMBERS` of a whole JSON body. */
  takeMessage(message: JsonObject): void {
    this.#sawStop = true;
    if (message['error'] !== undefined) this.#takeError(message);
    this.#takeStart(message);
    this.#isFinal = this.#hasUsage;
  }

  get sawStop(): boolean {
    return this.#sawStop;
  }

  /** @param textBytes what is reported as such; absent where text is not measured */
  result(textBytes?: number): UsageResult {
    const result: { -readonly [Name in keyof UsageResult]: UsageResult[Name] } = {
      usage: this.#fields.read(),
      source: this.#isFinal ? 'final' : this.#hasUsage ? 'partial' : 'missing',
      sawStop: this.#sawStop,
      sawErrorEvent: this.#sawErrorEvent,
    };
    if (this.#model !== undefined) result.model = this.#model;
    if (this.#stopReason !== undefined) result.stopReason = this.#stopReason;
    if (this.#errorType !== undefined) result.errorType = this.#errorType;
    if (textBytes !== undefined) result.textBytes = textBytes;
    return result;
  }

  #takeUsage(source: JsonObject): boolean {
    const usage = asObject(source['usage']);
    if (usage === undefined) return false;
    this.#fields.overwrite(usage);
    this.#hasUsage = true;
    return true;
  }

  #takeStart(message: JsonObject | undefined): void {
    // A proxy on the way may repeat it: what came since then counts.
    if (this.#hasStarted || message === undefined) return;
    this.#hasStarted = true;
    this.#model = asText(message['model']);
    this.#stopReason = asText(message['stop_reason']);
    this.#takeUsage(message);
  }

  #takeDelta(event: JsonObject): void {
    this.#stopReason = asText(asObject(event['delta'])?.['stop_reason']) ?? this.#stopReason;
    this.#hasDeltaUsage = this.#takeUsage(event) || this.#hasDeltaUsage;
    this.#isFinal ||= this.#hasDeltaUsage && this.#stopReason !== undefined;
  }

  #takeError(event: JsonObject): void {
    this.#errorType = asText(asObject(event['error'])?.['type']) ?? this.#errorType;
  }

  /** The legacy completion carries no usage; its last event is the one with a stop reason. */
  #takeCompletion(event: JsonObject): void {
    this.#model = asText(event['model']) ?? this.#model;
    this.#stopReason = asText(event['stop_reason']) ?? this.#stopReason;
    this.#sawStop ||= this.#stopReason !== undefined;
    this.#measure(event);
  }

  /** Nearly every event of a stream is a delta of text in the API's own spelling, and is not parsed. */
  #measureDelta(data: Uint8Array): boolean {
    this.#text ??= new TextMeter();
    return this.#text.takePlainDelta(data);
  }

  #measure(event: JsonObject): void {
    this.#text ??= new TextMeter();
    this.#text.take(event);
  }
}

function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}
