import { FrontDoorError } from '../errors/front-door-error.ts';
import type { JsonObject } from '../request/json-value.ts';

interface KeptBlock {
  readonly index: number;
  readonly type: 'thinking' | 'redacted_thinking';
  readonly data: unknown;
  text: string;
  signature: string;
}

/** Keeps the thinking of one stream, to hand it over whole and signed at the end: a signature holds for the whole text only. */
export interface ThinkingKeeper {
  start(index: number, block: JsonObject): void;
  append(index: number, text: string): void;
  sign(index: number, signature: string): void;
  blocks(): readonly JsonObject[];
}

/** Begins to keep thinking, at most `maxChars` of it; more ends the stream. */
export function createThinkingKeeper(maxChars: number): ThinkingKeeper {
  const kept = new Map<number, KeptBlock>();
  let size = 0;
  const grow = (text: string): void => {
    size += text.length;
    if (size > maxChars) throw new FrontDoorError('upstream_invalid', 'The upstream sent more thinking than can be kept.');
  };
  return {
    start: (index, block) => {
      const type = block['type'] === 'thinking' ? 'thinking' : 'redacted_thinking';
      if (typeof block['data'] === 'string') grow(block['data']);
      kept.set(index, { index, type, data: block['data'], text: typeof block['thinking'] === 'string' ? block['thinking'] : '', signature: '' });
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
    blocks: () => [...kept.values()].map((block) => (block.type === 'thinking'
      ? { index: block.index, type: block.type, thinking: block.text, signature: block.signature }
      : { index: block.index, type: block.type, data: block.data })),
  };
}
