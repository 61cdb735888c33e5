import { FrontDoorError } from '../errors/front-door-error.ts';
import { hasText } from '../messages-core/content-parts.ts';
import { isJsonObject, member, type JsonObject } from '../json/json-value.ts';
import { isUnfinished, mapFinishReason } from './finish-reason.ts';
import { refusalText } from './translate-message.ts';
import { readUpstreamFault, type UpstreamFault } from '../messages-core/upstream-error.ts';
import { createUsageTally, type UsageTally } from '../messages-core/usage.ts';
import { createChunkWriter, DONE_FRAME, KEEP_ALIVE_FRAME, type ChunkWriter } from './chunk-writer.ts';
import { createTextMeter, type TextMeter } from '../messages-core/text-meter.ts';
import { createThinkingKeeper, type ThinkingKeeper } from './thinking-keeper.ts';
import { createToolCallStream, type ToolCallStream } from './tool-call-stream.ts';

/** How a stream is to be written. */
export interface StreamSettings {
  readonly includeUsage: boolean;
  readonly wantsReasoning: boolean;
  readonly usesLegacyFunctions: boolean;
  readonly created: number;
  readonly maxThinkingChars: number;
  /** Whether what the model writes is counted. @defaultValue false */
  readonly measuresText?: boolean;
}

/** Translates the events of one stream; state is a few counters, whatever its length. */
export interface StreamTranslator {
  /** The frames for one event's data, often none. Throws `upstream_invalid` for what is no Messages stream. */
  translate(data: string): string;
  /** Set once the upstream sent an error event; nothing may follow but its frame. */
  fault(): UpstreamFault | undefined;
  /** Whether `message_stop` came: only then was `[DONE]` written. */
  isDone(): boolean;
  model(): string | undefined;
  stopReason(): string | undefined;
  /** Bytes of what the model wrote: text, tool input and thinking. Absent unless `measuresText`. */
  textBytes(): number | undefined;
  readonly usage: UsageTally;
}

function invalidStream(what: string): FrontDoorError {
  return new FrontDoorError('upstream_invalid', `The upstream sent a stream that cannot be read: ${what}.`);
}

function parseEvent(data: string): JsonObject {
  try {
    const event: unknown = JSON.parse(data);
    if (isJsonObject(event)) return event;
  } catch {
    // Told like any other unreadable event.
  }
  throw invalidStream('an event is not a JSON object');
}

function stringOf(object: JsonObject, name: string): string {
  const value = object[name];
  if (typeof value !== 'string') throw invalidStream(`${name} is missing`);
  return value;
}

function objectOf(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  if (!isJsonObject(value)) throw invalidStream(`${name} is missing`);
  return value;
}

/** What is known of the stream so far; none of it grows with the stream but thinking that is to be kept. */
interface StreamState {
  readonly settings: StreamSettings;
  readonly usage: UsageTally;
  readonly tools: ToolCallStream;
  readonly thinking: ThinkingKeeper;
  writer: ChunkWriter | undefined;
  id: string | undefined;
  model: string | undefined;
  stopReason: string | undefined;
  refusal: string | null;
  fault: UpstreamFault | undefined;
  isDone: boolean;
  /** Whether a text that is not blank was seen. */
  hasText: boolean;
  readonly written: TextMeter | undefined;
}

type EventHandler = (state: StreamState, event: JsonObject) => string;

function requireWriter(state: StreamState): ChunkWriter {
  if (state.writer === undefined) throw invalidStream('it does not begin with message_start');
  return state.writer;
}

function frame(state: StreamState, delta: unknown): string {
  return delta === undefined ? '' : requireWriter(state).delta(delta);
}

function onText(state: StreamState, text: string): string {
  state.hasText ||= hasText(text);
  return frame(state, { content: text });
}

const onStart: EventHandler = (state, event) => {
  const message = objectOf(event, 'message');
  const id = stringOf(message, 'id');
  state.usage.update(message['usage'], false);
  // A proxy on the way may repeat the start; a start with another id is a second answer inside the first.
  if (state.writer !== undefined && id !== state.id) throw invalidStream('a second message begins');
  if (state.writer !== undefined) return '';
  const { created, includeUsage } = state.settings;
  const model = stringOf(message, 'model');
  state.id = id;
  state.model = model;
  state.writer = createChunkWriter({ id, created, model, includeUsage });
  return state.writer.delta({ role: 'assistant', content: '' });
};

const onBlockStart: EventHandler = (state, event) => {
  const block = objectOf(event, 'content_block');
  const index = Number(event['index']);
  switch (block['type']) {
    case 'tool_use': return frame(state, state.tools.start(index, stringOf(block, 'id'), stringOf(block, 'name'), member(block, 'input')));
    case 'text': return block['text'] === '' || block['text'] === undefined ? '' : onText(state, stringOf(block, 'text'));
    case 'thinking':
    case 'redacted_thinking':
      if (state.settings.wantsReasoning) state.thinking.start(index, block, { tools: state.tools.count(), hasText: state.hasText });
      return '';
    default: return '';
  }
};

function onThinking(state: StreamState, index: number, delta: JsonObject): string {
  if (!state.settings.wantsReasoning) return '';
  if (delta['type'] === 'signature_delta') {
    state.thinking.sign(index, stringOf(delta, 'signature'));
    return '';
  }
  const text = stringOf(delta, 'thinking');
  state.thinking.append(index, text);
  return frame(state, { reasoning_content: text });
}

const onBlockDelta: EventHandler = (state, event) => {
  const delta = objectOf(event, 'delta');
  state.written?.take(delta);
  const index = Number(event['index']);
  switch (delta['type']) {
    case 'text_delta': return onText(state, stringOf(delta, 'text'));
    case 'input_json_delta': return frame(state, state.tools.append(index, stringOf(delta, 'partial_json')));
    case 'thinking_delta':
    case 'signature_delta': return onThinking(state, index, delta);
    default: return '';
  }
};

const onMessageDelta: EventHandler = (state, event) => {
  requireWriter(state);
  const delta = objectOf(event, 'delta');
  state.usage.update(event['usage'], true);
  const reason = member(delta, 'stop_reason');
  // The finish chunk waits for message_stop: until then the stream may still break, and must not look whole.
  if (typeof reason === 'string') {
    state.stopReason = reason;
    state.refusal = refusalText(reason, delta['stop_details']);
  }
  return '';
};

const onStop: EventHandler = (state) => {
  const { settings, usage, refusal, stopReason } = state;
  const writer = requireWriter(state);
  if (stopReason === undefined) throw invalidStream('it has no stop reason');
  if (isUnfinished(stopReason)) throw invalidStream('the answer is not finished');
  const blocks = state.thinking.blocks(state.hasText);
  const frames = frame(state, state.tools.stopAll())
    + (blocks.length === 0 ? '' : writer.delta({ thinking_blocks: blocks }))
    + (refusal === null ? '' : writer.delta({ refusal }))
    + writer.finish(mapFinishReason(stopReason, settings.usesLegacyFunctions))
    + (settings.includeUsage ? writer.usage(usage.openAiUsage()) : '')
    + DONE_FRAME;
  state.isDone = true;
  return frames;
};

const onError: EventHandler = (state, event) => {
  state.fault = readUpstreamFault(event) ?? { message: 'The upstream reported an error.', type: 'api_error' };
  return '';
};

/** By event type; a type that is not here is of an API to come, and skipped. */
const HANDLERS: ReadonlyMap<unknown, EventHandler> = new Map<unknown, EventHandler>([
  ['message_start', onStart],
  ['content_block_start', onBlockStart],
  ['content_block_delta', onBlockDelta],
  ['content_block_stop', (state, event) => frame(state, state.tools.stop(Number(event['index'])))],
  ['message_delta', onMessageDelta],
  ['message_stop', onStop],
  ['ping', () => KEEP_ALIVE_FRAME],
  ['error', onError],
]);

/** Begins the translation of one Messages stream into Chat Completions chunks. */
export function createStreamTranslator(settings: StreamSettings): StreamTranslator {
  const usage = createUsageTally();
  const state: StreamState = {
    settings, usage,
    tools: createToolCallStream(settings.usesLegacyFunctions),
    thinking: createThinkingKeeper(settings.maxThinkingChars),
    writer: undefined, id: undefined, model: undefined, stopReason: undefined, refusal: null, fault: undefined, isDone: false, hasText: false, written: settings.measuresText === true ? createTextMeter() : undefined,
  };
  return {
    usage,
    translate: (data) => {
      if (state.isDone || state.fault !== undefined) return '';
      const event = parseEvent(data);
      return HANDLERS.get(event['type'])?.(state, event) ?? '';
    },
    fault: () => state.fault,
    isDone: () => state.isDone,
    model: () => state.model,
    stopReason: () => state.stopReason,
    textBytes: () => state.written?.bytes(),
  };
}
