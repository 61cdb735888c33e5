import { Buffer } from 'node:buffer';
import { ByteBuffer } from '@penstock/sse-relay';
import type { JsonObject } from './json-values.ts';

const SPACE = 0x20;
const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** The bytes that a JSON value can begin with. */
const VALUE_START = Buffer.from('{["-0123456789tfn');
/** The bytes outside of strings that open, close or divide. */
const IS_STRUCTURE = Uint8Array.from({ length: 256 }, (_, byte) => ('{}[]:,"'.includes(String.fromCharCode(byte)) ? 1 : 0));
/** A longer name is not one of the chosen, whatever escapes it is written with. */
const MAX_NAME_BYTES = 128;

/** Settings of a member reader. */
export interface MemberReaderOptions {
  /** The members of the text's own object to keep. */
  readonly names: ReadonlySet<string>;
  /** The most bytes kept of one member; a longer one is left out. */
  readonly maxMemberBytes: number;
  readonly onMemberTooLarge: (name: string) => void;
}

/** Where in the text's own object the next byte stands; deeper ones are only counted. */
type Place = 'before' | 'name' | 'colon' | 'value' | 'after' | 'other';

/**
 * Reads chosen members of the object that a JSON text is, as its bytes pass. Only these members are kept, and parsed when the text
 * has ended; of all else the strings and brackets are followed, at one step a byte, to know where a member ends and whether the text is whole.
 */
export class MemberReader {
  readonly #options: MemberReaderOptions;
  #place: Place = 'before';
  /** Objects and arrays that are open. */
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** Whether bytes are kept: of a name, or of a chosen member's value. */
  #isKeeping = false;
  /** Where the kept bytes begin in this chunk, and those of earlier chunks. */
  #keptFrom = 0;
  #kept: ByteBuffer | undefined;
  #name: string | undefined;
  #members: Map<string, Buffer> | undefined;

  constructor(options: MemberReaderOptions) {
    this.#options = options;
  }

  /** Takes the next piece; it is not kept. */
  write(chunk: Uint8Array): void {
    this.#keptFrom = 0;
    let index = 0;
    while (index < chunk.length) index = this.#isInString ? this.#passString(chunk, index) : this.#passStructure(chunk, index);
    if (this.#isKeeping) this.#keepRest(chunk);
  }

  /** The chosen members, `undefined` for a text that is no object; throws a `SyntaxError` where the text, or a member that was kept, is not JSON. */
  end(): JsonObject | undefined {
    if (this.#depth > 0 || this.#isInString || this.#place === 'before') throw new SyntaxError('the text ends too early');
    if (this.#place === 'other') return undefined;
    return Object.fromEntries([...this.#members ?? []].map(([name, text]) => [name, JSON.parse(text.toString('utf8')) as unknown]));
  }

  /** Goes on to the byte behind the string's closing quote, or to the end of the chunk. */
  #passString(chunk: Uint8Array, start: number): number {
    const { length } = chunk;
    let index = start;
    if (this.#isEscaped) {
      this.#isEscaped = false;
      index += 1;
    }
    while (index < length) {
      const byte = chunk[index] as number;
      index += 1;
      if (byte === BACKSLASH) index += 1;
      else if (byte === QUOTE) {
        this.#isInString = false;
        if (this.#place === 'name') this.#endName(chunk, index);
        return index;
      }
    }
    this.#isEscaped = index > length;
    return length;
  }

  /** Goes on to the byte behind the next string's opening quote, or to the end of the chunk. */
  #passStructure(chunk: Uint8Array, start: number): number {
    const { length } = chunk;
    let depth = this.#depth;
    let index = start;
    for (; index < length; index += 1) {
      const byte = chunk[index] as number;
      if (depth === 0 && byte > SPACE) this.#passRoot(byte);
      if (IS_STRUCTURE[byte] === 0) continue;
      if (byte === QUOTE) {
        this.#isInString = true;
        if (depth === 1 && this.#place === 'name') this.#keepFrom(index);
        index += 1;
        break;
      }
      if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth += 1;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        if (depth === 0) throw new SyntaxError('the text closes what it did not open');
        depth -= 1;
        if (depth === 0) this.#endRoot(chunk, index);
      } else if (depth === 1) this.#passDivision(chunk, index, byte);
    }
    this.#depth = depth;
    return index;
  }

  /** A comma or colon of the text's own object. */
  #passDivision(chunk: Uint8Array, index: number, byte: number): void {
    if (byte === COLON) {
      if (this.#place === 'colon') this.#beginValue(index);
    } else if (this.#place !== 'other') this.#endMember(chunk, index);
  }

  /** The first byte says what the text is; nothing but space may come behind its value. */
  #passRoot(byte: number): void {
    if (this.#place === 'before') {
      if (!VALUE_START.includes(byte)) throw new SyntaxError('the text is not JSON');
      this.#place = byte === OPEN_OBJECT ? 'name' : 'other';
    } else if (this.#place === 'after') throw new SyntaxError('the text goes on behind its end');
  }

  #endRoot(chunk: Uint8Array, index: number): void {
    if (this.#place === 'other') return;
    this.#endMember(chunk, index);
    this.#place = 'after';
  }

  #endName(chunk: Uint8Array, end: number): void {
    const name = this.#takeKept(chunk, end);
    this.#place = 'colon';
    this.#name = name === undefined ? undefined : this.#chosen(name);
  }

  /** The name as the text writes it, with its quotes. */
  #chosen(written: Uint8Array): string | undefined {
    const text = Buffer.from(written.buffer, written.byteOffset, written.byteLength).toString('latin1');
    const name = text.includes('\\') ? String(JSON.parse(text)) : text.slice(1, -1);
    return this.#options.names.has(name) ? name : undefined;
  }

  #beginValue(colon: number): void {
    this.#place = 'value';
    if (this.#name !== undefined) this.#keepFrom(colon + 1);
  }

  #endMember(chunk: Uint8Array, end: number): void {
    if (this.#place === 'value' && this.#isKeeping && this.#name !== undefined) {
      const value = this.#takeKept(chunk, end);
      // Readers take the last of members with the same name.
      if (value !== undefined) (this.#members ??= new Map()).set(this.#name, Buffer.from(value));
    }
    this.#name = undefined;
    this.#place = 'name';
  }

  #keepFrom(index: number): void {
    this.#isKeeping = true;
    this.#keptFrom = index;
  }

  /** Keeps what a chunk has of a name or value that goes on in the next. */
  #keepRest(chunk: Uint8Array): void {
    const piece = chunk.subarray(this.#keptFrom);
    if (!this.#fits(piece.length)) return;
    if (this.#kept === undefined) this.#kept = new ByteBuffer(piece);
    else this.#kept.append(piece);
  }

  #takeKept(chunk: Uint8Array, end: number): Uint8Array | undefined {
    if (!this.#isKeeping) return undefined;
    const piece = chunk.subarray(this.#keptFrom, end);
    if (!this.#fits(piece.length)) return undefined;
    const kept = this.#kept;
    this.#isKeeping = false;
    this.#kept = undefined;
    if (kept === undefined) return piece;
    kept.append(piece);
    return kept.view();
  }

  #fits(more: number): boolean {
    const bytes = (this.#kept?.length ?? 0) + more;
    const isName = this.#place === 'name';
    if (bytes <= (isName ? MAX_NAME_BYTES : this.#options.maxMemberBytes)) return true;
    this.#isKeeping = false;
    this.#kept = undefined;
    if (!isName && this.#name !== undefined) this.#options.onMemberTooLarge(this.#name);
    return false;
  }
}
