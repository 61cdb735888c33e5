import { KeptBytes } from './kept-bytes.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;

/** The longest name that is compared. */
const MAX_NAME_BYTES = 64;

/**
 * Reads chosen members of a JSON object as its text arrives, and holds nothing else of it: an answer of any size is read in constant
 * memory, and texts are passed over by search. What is no JSON gives nothing, or nonsense: the values are for counting, not for acting on.
 */
export class JsonMembers {
  readonly #names: ReadonlySet<string>;
  readonly #name = new KeptBytes(MAX_NAME_BYTES);
  readonly #value: KeptBytes;
  readonly #found = new Map<string, string>();
  #depth = 0;
  #isInString = false;
  /** Whether the last byte of a string so far is a backslash that escapes the next one. */
  #isEscaping = false;
  /** What the bytes at hand belong to: the name of a member of the root, the value of a chosen one, or neither. */
  #part: 'none' | 'name' | 'value' = 'none';
  #isNameNext = false;
  #member: string | undefined;

  constructor(names: readonly string[], maxValueBytes: number) {
    this.#names = new Set(names);
    this.#value = new KeptBytes(maxValueBytes);
  }

  /** The texts of the members found so far; of one that is there twice the last. */
  found(): ReadonlyMap<string, string> {
    return this.#found;
  }

  write(chunk: Uint8Array): void {
    /** Where the part that is gathered begins in this chunk. */
    let start = 0;
    for (let index = 0; index < chunk.length;) {
      if (this.#isInString) {
        const quote = this.#endOfString(chunk, index);
        if (quote === -1) break;
        this.#isInString = false;
        index = quote + 1;
        if (this.#part === 'name') {
          this.#name.append(chunk.subarray(start, quote));
          this.#endName();
        }
        continue;
      }
      const byte = chunk[index] ?? 0;
      if (this.#depth === 1 && this.#part === 'value' && (byte === COMMA || byte === CLOSE_BRACE)) {
        this.#value.append(chunk.subarray(start, index));
        this.#endValue();
      }
      index += 1;
      switch (byte) {
        case QUOTE:
          this.#isInString = true;
          if (this.#isNameNext) {
            this.#part = 'name';
            this.#isNameNext = false;
            start = index;
          }
          break;
        case OPEN_BRACE: case OPEN_BRACKET:
          this.#depth += 1;
          this.#isNameNext = this.#depth === 1 && byte === OPEN_BRACE;
          break;
        case CLOSE_BRACE: case CLOSE_BRACKET:
          this.#depth -= 1;
          break;
        case COMMA:
          this.#isNameNext = this.#depth === 1;
          break;
        case COLON:
          if (this.#depth === 1 && this.#member !== undefined && this.#part === 'none') {
            this.#part = 'value';
            start = index;
          }
          break;
        default:
      }
    }
    if (this.#part === 'name') this.#name.append(chunk.subarray(start));
    else if (this.#part === 'value') this.#value.append(chunk.subarray(start));
  }

  /** The index of the quote that ends the string which is open, or -1. A run of backslashes is counted once. */
  #endOfString(chunk: Uint8Array, from: number): number {
    let first = from;
    for (;;) {
      const quote = chunk.indexOf(QUOTE, first);
      const end = quote === -1 ? chunk.length : quote;
      let backslashes = 0;
      while (end - 1 - backslashes >= first && chunk[end - 1 - backslashes] === BACKSLASH) backslashes += 1;
      const reachesBack = end - backslashes === first && this.#isEscaping;
      const isEscaped = (backslashes + (reachesBack ? 1 : 0)) % 2 === 1;
      this.#isEscaping = quote === -1 && isEscaped;
      if (quote === -1) return -1;
      if (!isEscaped) return quote;
      first = quote + 1;
    }
  }

  #endName(): void {
    const name = this.#name.take();
    this.#part = 'none';
    this.#member = name !== undefined && this.#names.has(name) ? name : undefined;
  }

  #endValue(): void {
    const text = this.#value.take();
    if (this.#member !== undefined && text !== undefined) this.#found.set(this.#member, text);
    this.#part = 'none';
    this.#member = undefined;
  }
}

/** The value of a JSON text, `undefined` for what is none. */
export function readJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
