import { FrontDoorError } from '../errors/front-door-error.ts';
import { isJsonObject, member, type JsonObject } from '../request/json-value.ts';
import { isUnfinished, mapFinishReason } from '../response/finish-reason.ts';
import { refusalText } from '../response/translate-message.ts';
import { readUpstreamFault, type UpstreamFault } from '../response/upstream-error.ts';
import { createUsageTally, type UsageTally } from '../response/usage.ts';
import { createChunkWriter, DONE_FRAME, KEEP_ALIVE_FRAME, type ChunkWriter } from './chunk-writer.ts';
import { createThinkingKeeper } from './thinking-keeper.ts';
import { createToolCallStream } from './tool-call-stream.ts';

/** How a stream is to be written. */
export interface StreamSettings {
  readonly includeUsage: boolean;
  readonly wantsReasoning: boolean;
  readonly usesLegacyFunctions: boolean;
  readonly created: number;
  readonly maxThinkingChars: number;
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

/** Begins the translation of one Messages stream into Chat Completions chunks. */
export function createStreamTranslator(settings: StreamSettings): StreamTranslator {
  const usage = createUsageTally();
  const tools = createToolCallStream(settings.usesLegacyFunctions);
  const thinking = createThinkingKeeper(settings.maxThinkingChars);
  let writer: ChunkWriter | undefined;
  let id: string | undefined;
  let model: string | undefined;
  let stopReason: string | undefined;
  let refusal: string | null = null;
  let fault: UpstreamFault | undefined;
  let isDone = false;

  const requireWriter = (): ChunkWriter => {
    if (writer === undefined) throw invalidStream('it does not begin with message_start');
    return writer;
  };
  const frame = (delta: unknown): string => (delta === undefined ? '' : requireWriter().delta(delta));

  const onStart = (event: JsonObject): string => {
    const message = objectOf(event, 'message');
    const startedId = stringOf(message, 'id');
    usage.update(message['usage'], false);
    // A proxy on the way may repeat the start; a start with another id is a second answer inside the first.
    if (writer !== undefined && startedId !== id) throw invalidStream('a second message begins');
    if (writer !== undefined) return '';
    id = startedId;
    model = stringOf(message, 'model');
    writer = createChunkWriter({ id, created: settings.created, model, includeUsage: settings.includeUsage });
    return writer.delta({ role: 'assistant', content: '' });
  };

  const onBlockStart = (event: JsonObject): string => {
    const block = objectOf(event, 'content_block');
    const index = Number(event['index']);
    switch (block['type']) {
      case 'tool_use': return frame(tools.start(index, stringOf(block, 'id'), stringOf(block, 'name'), member(block, 'input')));
      case 'text': return block['text'] === '' || block['text'] === undefined ? '' : frame({ content: stringOf(block, 'text') });
      case 'thinking':
      case 'redacted_thinking':
        if (settings.wantsReasoning) thinking.start(index, block);
        return '';
      default: return '';
    }
  };

  const onBlockDelta = (event: JsonObject): string => {
    const delta = objectOf(event, 'delta');
    const index = Number(event['index']);
    switch (delta['type']) {
      case 'text_delta': return frame({ content: stringOf(delta, 'text') });
      case 'input_json_delta': return frame(tools.append(index, stringOf(delta, 'partial_json')));
      case 'thinking_delta': {
        if (!settings.wantsReasoning) return '';
        const text = stringOf(delta, 'thinking');
        thinking.append(index, text);
        return frame({ reasoning_content: text });
      }
      case 'signature_delta':
        if (settings.wantsReasoning) thinking.sign(index, stringOf(delta, 'signature'));
        return '';
      default: return '';
    }
  };

  const onMessageDelta = (event: JsonObject): string => {
    requireWriter();
    const delta = objectOf(event, 'delta');
    usage.update(event['usage'], true);
    const reason = member(delta, 'stop_reason');
    // The finish chunk waits for message_stop: until then the stream may still break, and must not look whole.
    if (typeof reason === 'string') {
      stopReason = reason;
      refusal = refusalText(reason, delta['stop_details']);
    }
    return '';
  };

  const onStop = (): string => {
    const chunks = requireWriter();
    if (stopReason === undefined) throw invalidStream('it has no stop reason');
    if (isUnfinished(stopReason)) throw invalidStream('the answer is not finished');
    isDone = true;
    const blocks = thinking.blocks();
    return frame(tools.stopAll())
      + (blocks.length === 0 ? '' : chunks.delta({ thinking_blocks: blocks }))
      + (refusal === null ? '' : chunks.delta({ refusal }))
      + chunks.finish(mapFinishReason(stopReason, settings.usesLegacyFunctions))
      + (settings.includeUsage ? chunks.usage(usage.openAiUsage()) : '')
      + DONE_FRAME;
  };

  const translate = (data: string): string => {
    if (isDone || fault !== undefined) return '';
    const event = parseEvent(data);
    switch (event['type']) {
      case 'message_start': return onStart(event);
      case 'content_block_start': return onBlockStart(event);
      case 'content_block_delta': return onBlockDelta(event);
      case 'content_block_stop': return frame(tools.stop(Number(event['index'])));
      case 'message_delta': return onMessageDelta(event);
      case 'message_stop': return onStop();
      case 'ping': return KEEP_ALIVE_FRAME;
      case 'error':
        fault = readUpstreamFault(event) ?? { message: 'The upstream reported an error.', type: 'api_error' };
        return '';
      default: return '';
    }
  };

  return { translate, fault: () => fault, isDone: () => isDone, model: () => model, stopReason: () => stopReason, usage };
}
