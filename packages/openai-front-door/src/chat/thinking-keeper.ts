import { FrontDoorError } from '../errors/front-door-error.ts';
import type { JsonObject } from '../json/json-value.ts';
import { thinkingIndex, type ThinkingPlace } from './thinking-place.ts';

/** What a block without any text counts for: it takes memory, too. */
const BLOCK_CHARS = 64;

interface KeptBlock {
  readonly place: ThinkingPlace;
  readonly type: 'thinking' | 'redacted_thinking';
  readonly data: unknown;
  text: string;
  signature: string;
}

/** Keeps the thinking of one stream, to hand it over whole and signed at the end: a signature holds for the whole text only. */
export interface ThinkingKeeper {
  /** Begins a block that stands behind so many tool calls, and behind visible text or not. */
  start(index: number, block: JsonObject, before: { readonly tools: number; readonly hasText: boolean }): void;
  append(index: number, text: string): void;
  sign(index: number, signature: string): void;
  /** The blocks, with their places in an answer that has visible text or none. */
  blocks(hasText: boolean): readonly JsonObject[];
}

/** Begins to keep thinking, at most `maxChars` of it; more ends the stream. */
export function createThinkingKeeper(maxChars: number): ThinkingKeeper {
  const kept = new Map<number, KeptBlock>();
  let size = 0;
  const grow = (text: string): void => {
    growBy(text.length);
  };
  const growBy = (chars: number): void => {
    size += chars;
    if (size > maxChars) throw new FrontDoorError('upstream_invalid', 'The upstream sent more thinking than can be kept.');
  };
  return {
    start: (index, block, { tools, hasText }) => {
      growBy(BLOCK_CHARS);
      const type = block['type'] === 'thinking' ? 'thinking' : 'redacted_thinking';
      if (typeof block['data'] === 'string') grow(block['data']);
      const place = { blocksBefore: kept.size + tools, isAfterTool: tools > 0, isAfterText: hasText };
      kept.set(index, { place, type, data: block['data'], text: typeof block['thinking'] === 'string' ? block['thinking'] : '', signature: '' });
    },
    append: (index, text) => {
      grow(text);
      const block = kept.get(index);
      if (block !== undefined) block.text += text;
    },
    sign: (index, signature) => {
      grow(signature);
      const block = kept.get(index);
      if (block !== undefined) block.signature += signature;
    },
    blocks: (hasText) => [...kept.values()].map(({ place, type, text, signature, data }) => ({
      index: thinkingIndex(place, hasText), type, ...(type === 'thinking' ? { thinking: text, signature } : { data }),
    })),
  };
}
