import { Buffer } from 'node:buffer';
import { asObject, type JsonObject } from './json-values.ts';

/** Members of a delta or a block that hold what the model wrote, besides thinking. */
const WRITTEN_MEMBERS = ['text', 'partial_json', 'content', 'data', 'completion'] as const;

/** Counts the bytes of what a model writes, of the events of its stream. */
export class TextMeter {
  #written = 0;
  #thinking = 0;
  #signatures = 0;

  /** Takes a `content_block_start`, a `content_block_delta` or a `completion`. */
  take(event: JsonObject): void {
    const part = asObject(event['delta']) ?? asObject(event['content_block']) ?? event;
    // What a server tool found is not written by the model; its call is, as `partial_json`.
    const type = part['type'];
    if (typeof type === 'string' && type.endsWith('_tool_result')) return;
    for (const member of WRITTEN_MEMBERS) this.#written += bytesOf(part[member]);
    this.#thinking += bytesOf(part['thinking']);
    this.#signatures += bytesOf(part['signature']);
  }

  /** Thinking that is hidden, or shown in a shorter form, is all in its signature. */
  get bytes(): number {
    return this.#written + Math.max(this.#thinking, this.#signatures);
  }
}

function bytesOf(value: unknown): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : 0;
}
