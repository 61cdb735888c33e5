import { Buffer } from 'node:buffer';
import { asObject, type JsonObject } from './json-values.ts';

/** Members of a delta or a block that hold what the model wrote, besides thinking. */
const WRITTEN_MEMBERS = ['text', 'partial_json', 'content', 'data', 'completion'] as const;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const CLOSING = 0x7d;
const SPACE = 0x20;

/** A delta as the API spells it, up to its text: that of a text and that of tool input. */
const PLAIN_DELTAS: readonly (readonly [before: Buffer, after: Buffer])[] = [['text_delta', 'text'], ['input_json_delta', 'partial_json']]
  .map(([type, member]) => [Buffer.from('{"type":"content_block_delta","index":'), Buffer.from(`,"delta":{"type":"${type}","${member}":"`)]);

/** Digits of an index; no message has a thousand blocks. */
const MAX_INDEX_DIGITS = 3;

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

  /** Takes the data of a `content_block_delta` that is spelled as the API does; false for any other, which has to be parsed. Of an escape its one byte counts, of `\u` three. */
  takePlainDelta(data: Uint8Array): boolean {
    for (const [before, after] of PLAIN_DELTAS) {
      const start = textStart(data, before, after);
      if (start === -1) continue;
      const written = textBytes(data, start);
      if (written === -1) return false;
      this.#written += written;
      return true;
    }
    return false;
  }

  /** Thinking that is hidden, or shown in a shorter form, is all in its signature. */
  get bytes(): number {
    return this.#written + Math.max(this.#thinking, this.#signatures);
  }
}

/** Where the text begins; -1 where the data is spelled otherwise. */
function textStart(data: Uint8Array, before: Uint8Array, after: Uint8Array): number {
  if (!hasAt(data, before, 0)) return -1;
  for (let digits = 1; digits <= MAX_INDEX_DIGITS; digits += 1) {
    const end = before.length + digits;
    if (data[end] === after[0]) return hasAt(data, after, end) ? end + after.length : -1;
  }
  return -1;
}

function hasAt(data: Uint8Array, bytes: Uint8Array, offset: number): boolean {
  if (data.length < offset + bytes.length) return false;
  for (let index = 0; index < bytes.length; index += 1) if (data[offset + index] !== bytes[index]) return false;
  return true;
}

/** The bytes of a JSON string from behind its opening quotation mark; -1 where more follows it than the ends of the objects. */
function textBytes(data: Uint8Array, start: number): number {
  let written = 0;
  let offset = start;
  for (; data[offset] !== QUOTE; written += 1) {
    if (offset >= data.length) return -1;
    if (data[offset] !== BACKSLASH) offset += 1;
    else if (data[offset + 1] === LETTER_U) {
      offset += 6;
      written += 2;
    } else offset += 2;
  }
  for (offset += 1; offset < data.length; offset += 1) if (data[offset] !== CLOSING && data[offset] !== SPACE) return -1;
  return written;
}

function bytesOf(value: unknown): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : 0;
}
