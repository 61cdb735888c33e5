import { Buffer } from 'node:buffer';
import type { JsonObject } from '../json/json-value.ts';

/** Counts the bytes of what a model writes, delta by delta. */
export interface TextMeter {
  take(delta: JsonObject): void;
  bytes(): number;
}

/** Members of a delta that hold what the model wrote, besides thinking. */
const WRITTEN_MEMBERS = ['text', 'partial_json', 'content'] as const;

function bytesOf(value: unknown): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : 0;
}

/** Makes a meter for one stream. */
export function createTextMeter(): TextMeter {
  let written = 0;
  let thinking = 0;
  let signatures = 0;
  return {
    take: (delta) => {
      for (const member of WRITTEN_MEMBERS) written += bytesOf(delta[member]);
      thinking += bytesOf(delta['thinking']);
      signatures += bytesOf(delta['signature']);
    },
    // Thinking that is hidden, or shown in a shorter form, is all in its signature.
    bytes: () => written + Math.max(thinking, signatures),
  };
}
