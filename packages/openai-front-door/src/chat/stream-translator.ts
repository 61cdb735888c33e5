import { member, type JsonObject } from '../json/json-value.ts';
import { hasText } from '../messages-core/content-parts.ts';
import { createMessagesStream, stringOf, type AnswerEnd, type AnswerWriter, type StreamTranslator } from '../messages-core/messages-stream.ts';
import { servedTier } from '../messages-core/service-tier.ts';
import { BlockCitations } from '../messages-core/web-search.ts';
import { createChunkWriter, DONE_FRAME, errorFrame, type ChunkWriter } from './chunk-writer.ts';
import { mapFinishReason } from './finish-reason.ts';
import { createThinkingKeeper, type ThinkingKeeper } from './thinking-keeper.ts';
import { createToolCallStream, type ToolCallStream } from './tool-call-stream.ts';
import { refusalText, urlAnnotations } from './translate-message.ts';

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

/** Writes the chunks of one answer; none of its state grows with the stream but thinking that is to be kept. */
class ChunkAnswer implements AnswerWriter {
  readonly #settings: StreamSettings;
  readonly #tools: ToolCallStream;
  readonly #thinking: ThinkingKeeper;
  #chunks: ChunkWriter | undefined;
  /** Whether a text that is not blank was seen. */
  #hasText = false;
  #textLength = 0;
  /** Where the text of the block that is open began. */
  #blockStart = 0;
  readonly #citations = new BlockCitations();

  constructor(settings: StreamSettings) {
    this.#settings = settings;
    this.#tools = createToolCallStream(settings.usesLegacyFunctions);
    this.#thinking = createThinkingKeeper(settings.maxThinkingChars);
  }

  start(id: string, model: string): string {
    const { created, includeUsage } = this.#settings;
    this.#chunks = createChunkWriter({ id, created, model, includeUsage });
    return this.#chunks.delta({ role: 'assistant', content: '' });
  }

  blockStart(index: number, block: JsonObject): string {
    switch (block['type']) {
      case 'tool_use': return this.#frame(this.#tools.start(index, stringOf(block, 'id'), stringOf(block, 'name'), member(block, 'input')));
      case 'text':
        this.#blockStart = this.#textLength;
        this.#citations.takeAll(block['citations']);
        return block['text'] === '' || block['text'] === undefined ? '' : this.#text(stringOf(block, 'text'));
      case 'thinking':
      case 'redacted_thinking':
        if (this.#settings.wantsReasoning) this.#thinking.start(index, block, { tools: this.#tools.count(), hasText: this.#hasText });
        return '';
      default: return '';
    }
  }

  blockDelta(index: number, delta: JsonObject): string {
    switch (delta['type']) {
      case 'text_delta': return this.#text(stringOf(delta, 'text'));
      case 'input_json_delta': return this.#frame(this.#tools.append(index, stringOf(delta, 'partial_json')));
      case 'thinking_delta':
      case 'signature_delta': return this.#think(index, delta);
      case 'citations_delta':
        this.#citations.take(delta['citation']);
        return '';
      default: return '';
    }
  }

  blockStop(index: number): string {
    const places = this.#citations.drain();
    const annotations = places.length === 0 ? undefined : { annotations: urlAnnotations(places, this.#blockStart, this.#textLength) };
    return this.#frame(this.#tools.stop(index)) + this.#frame(annotations);
  }

  finish({ stopReason, stopDetails, usage }: AnswerEnd): string {
    const { includeUsage, usesLegacyFunctions } = this.#settings;
    const blocks = this.#thinking.blocks(this.#hasText);
    const refusal = refusalText(stopReason, stopDetails);
    return this.#frame(this.#tools.stopAll())
      + this.#frame(blocks.length === 0 ? undefined : { thinking_blocks: blocks })
      + this.#frame(refusal === null ? undefined : { refusal })
      + (this.#chunks?.finish(mapFinishReason(stopReason, usesLegacyFunctions), servedTier(usage)) ?? '')
      + (includeUsage ? this.#chunks?.usage(usage.openAiUsage()) ?? '' : '')
      + DONE_FRAME;
  }

  fail(error: Parameters<AnswerWriter['fail']>[0]): string {
    return errorFrame({ error });
  }

  #frame(delta: unknown): string {
    return delta === undefined ? '' : this.#chunks?.delta(delta) ?? '';
  }

  #text(text: string): string {
    this.#hasText ||= hasText(text);
    this.#textLength += text.length;
    return this.#frame({ content: text });
  }

  #think(index: number, delta: JsonObject): string {
    if (!this.#settings.wantsReasoning) return '';
    if (delta['type'] === 'signature_delta') {
      this.#thinking.sign(index, stringOf(delta, 'signature'));
      return '';
    }
    const text = stringOf(delta, 'thinking');
    this.#thinking.append(index, text);
    return this.#frame({ reasoning_content: text });
  }
}

/** Begins the translation of one Messages stream into Chat Completions chunks. */
export function createStreamTranslator(settings: StreamSettings): StreamTranslator {
  return createMessagesStream(new ChunkAnswer(settings), settings);
}
