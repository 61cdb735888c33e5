import { FrontDoorError } from '../errors/front-door-error.ts';
import type { OpenAiErrorBody } from '../errors/openai-error-body.ts';
import { isJsonObject, member, type JsonObject } from '../json/json-value.ts';
import { createTextMeter } from './text-meter.ts';
import { readUpstreamFault, type UpstreamFault } from './upstream-error.ts';
import { createUsageTally, type UsageTally } from './usage.ts';

/** A comment: every OpenAI client skips it, where a named event or an empty `data:` would kill the stream. */
export const KEEP_ALIVE_FRAME = ': keep-alive\n\n';

/** How a whole stream ended. */
export interface AnswerEnd {
  readonly stopReason: string;
  /** The upstream's `stop_details`, as it came. */
  readonly stopDetails: unknown;
  readonly usage: UsageTally;
}

/** Writes the frames of one protocol; each method gives what the client gets for a part of the answer, often nothing. */
export interface AnswerWriter {
  /** The answer begins. Called once, before all others but `fail`. */
  start(id: string, model: string): string;
  blockStart(index: number, block: JsonObject): string;
  blockDelta(index: number, delta: JsonObject): string;
  blockStop(index: number): string;
  /** The answer is whole: only here may stand what a client takes for its end. */
  finish(end: AnswerEnd): string;
  /** The answer broke; nothing follows. */
  fail(error: OpenAiErrorBody['error'], usage: UsageTally): string;
}

/** Translates the events of one stream. */
export interface StreamTranslator {
  /** The frames for one event's data, often none. Throws `upstream_invalid` for what is no Messages stream. */
  translate(data: string): string;
  /** The frames that end a broken stream. */
  fail(error: OpenAiErrorBody['error']): string;
  /** Set once the upstream sent an error event; nothing may follow but its frame. */
  fault(): UpstreamFault | undefined;
  /** Whether `message_stop` came: only then the end of the answer was written. */
  isDone(): boolean;
  model(): string | undefined;
  stopReason(): string | undefined;
  /** Bytes of what the model wrote: text, tool input and thinking. Absent unless `measuresText`. */
  textBytes(): number | undefined;
  readonly usage: UsageTally;
}

/** The error for a stream that cannot be read. */
export function invalidStream(what: string): FrontDoorError {
  return new FrontDoorError('upstream_invalid', `The upstream sent a stream that cannot be read: ${what}.`);
}

/** A member of an event that must be a string. */
export function stringOf(object: JsonObject, name: string): string {
  const value = object[name];
  if (typeof value !== 'string') throw invalidStream(`${name} is missing`);
  return value;
}

function objectOf(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  if (!isJsonObject(value)) throw invalidStream(`${name} is missing`);
  return value;
}

function parseEvent(data: string): JsonObject {
  try {
    const event: unknown = JSON.parse(data);
    if (isJsonObject(event)) return event;
  } catch {
    // Reported like any other unreadable event.
  }
  throw invalidStream('an event is not a JSON object');
}

/** What is known of the stream so far; none of it grows with the stream. */
class MessagesStream {
  readonly usage = createUsageTally();
  readonly written: ReturnType<typeof createTextMeter> | undefined;
  readonly #writer: AnswerWriter;
  #id: string | undefined;
  #stopDetails: unknown;
  model: string | undefined;
  stopReason: string | undefined;
  fault: UpstreamFault | undefined;
  isDone = false;

  constructor(writer: AnswerWriter, measuresText: boolean) {
    this.#writer = writer;
    this.written = measuresText ? createTextMeter() : undefined;
  }

  fail(error: OpenAiErrorBody['error']): string {
    return this.#writer.fail(error, this.usage);
  }

  /** By event type; a type that is not here is of an API to come, and skipped. */
  take(event: JsonObject): string {
    switch (event['type']) {
      case 'message_start': return this.#start(objectOf(event, 'message'));
      case 'content_block_start': return this.#begun().blockStart(Number(event['index']), objectOf(event, 'content_block'));
      case 'content_block_delta': return this.#delta(Number(event['index']), objectOf(event, 'delta'));
      case 'content_block_stop': return this.#begun().blockStop(Number(event['index']));
      case 'message_delta': return this.#messageDelta(event);
      case 'message_stop': return this.#stop();
      case 'ping': return KEEP_ALIVE_FRAME;
      case 'error':
        this.fault = readUpstreamFault(event) ?? { message: 'The upstream reported an error.', type: 'api_error' };
        return '';
      default: return '';
    }
  }

  #begun(): AnswerWriter {
    if (this.#id === undefined) throw invalidStream('it does not begin with message_start');
    return this.#writer;
  }

  #start(message: JsonObject): string {
    const id = stringOf(message, 'id');
    this.usage.update(message['usage'], false);
    // A proxy on the way may repeat the start; a start with another id is a second answer inside the first.
    if (this.#id !== undefined && id !== this.#id) throw invalidStream('a second message begins');
    if (this.#id !== undefined) return '';
    this.model = stringOf(message, 'model');
    this.#id = id;
    return this.#writer.start(id, this.model);
  }

  #delta(index: number, delta: JsonObject): string {
    const writer = this.#begun();
    this.written?.take(delta);
    return writer.blockDelta(index, delta);
  }

  #messageDelta(event: JsonObject): string {
    this.#begun();
    const delta = objectOf(event, 'delta');
    this.usage.update(event['usage'], true);
    const reason = member(delta, 'stop_reason');
    // The end waits for message_stop: until then the stream may still break, and must not look whole.
    if (typeof reason === 'string') {
      this.stopReason = reason;
      this.#stopDetails = delta['stop_details'];
    }
    return '';
  }

  #stop(): string {
    const writer = this.#begun();
    if (this.stopReason === undefined) throw invalidStream('it has no stop reason');
    const frames = writer.finish({ stopReason: this.stopReason, stopDetails: this.#stopDetails, usage: this.usage });
    this.isDone = true;
    return frames;
  }
}

/** Begins the translation of one Messages stream into what a protocol's writer makes of it. */
export function createMessagesStream(writer: AnswerWriter, { measuresText = false }: { readonly measuresText?: boolean | undefined } = {}): StreamTranslator {
  const stream = new MessagesStream(writer, measuresText);
  return {
    usage: stream.usage,
    translate: (data) => (stream.isDone || stream.fault !== undefined ? '' : stream.take(parseEvent(data))),
    fail: (error) => stream.fail(error),
    fault: () => stream.fault,
    isDone: () => stream.isDone,
    model: () => stream.model,
    stopReason: () => stream.stopReason,
    textBytes: () => stream.written?.bytes(),
  };
}
