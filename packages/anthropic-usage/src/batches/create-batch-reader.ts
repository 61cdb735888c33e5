import { Buffer } from 'node:buffer';

/** What a request that makes a message batch asks for, as far as it was read. */
export interface BatchRequests {
  /** Entries of `requests`. */
  readonly count: number;
  /** The entries by the model that they name, in the order of their first one. */
  readonly models: readonly BatchModel[];
  /** Bytes that were read. */
  readonly bytes: number;
}

/** The entries of a batch that name one model. */
export interface BatchModel {
  /** Empty where they name none. */
  readonly model: string;
  readonly count: number;
  /** Bytes of their `params`, as written. */
  readonly paramsBytes: number;
  /** The sum of their `max_tokens`, each up to 10⁷. */
  readonly maxTokens: number;
}

/** Reads the body of a request to `POST /v1/messages/batches` as it passes. */
export interface BatchReader {
  /** Takes the next piece; it is not kept. */
  write(chunk: Uint8Array): void;
  result(): BatchRequests;
}

/** Models that are told apart; entries of further ones count as the last of these. */
export const MOST_BATCH_MODELS = 16;
/** The most `max_tokens` of one entry that are believed: a hundred times what a model writes. */
const MOST_MAX_TOKENS = 10_000_000;
/** A longer name or number is none of those that are read, whatever escapes it is written with; of a model it is the beginning that counts. */
const MOST_TEXT_BYTES = 256;

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** The objects in which names are read, by how many are open: the body, an entry of `requests`, its `params`. */
const BODY = 1;
const ENTRY = 3;
const PARAMS = 4;

/** Makes a reader. It reads what is well-formed, one step a byte and in constant memory, and checks nothing: the API refuses the rest. */
export function createBatchReader(): BatchReader {
  return new Reader();
}

interface ModelSum {
  count: number;
  paramsBytes: number;
  maxTokens: number;
}

class Reader implements BatchReader {
  readonly #models = new Map<string, ModelSum>();
  #bytes = 0;
  #count = 0;
  /** Objects and arrays that are open. */
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** Whether a string is a name, in the objects whose names are read. */
  #isName = true;
  /** The text that is being read: a name, a model or a number; absent where none is. */
  #text: string | undefined;
  #name = '';
  #isInRequests = false;
  #isInParams = false;
  #paramsBytes = 0;
  #model = '';
  #maxTokens = 0;

  write(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    let index = 0;
    while (index < chunk.length) index = this.#isInString ? this.#passString(chunk, index) : this.#passStructure(chunk, index);
  }

  result(): BatchRequests {
    return { count: this.#count, bytes: this.#bytes, models: Array.from(this.#models, ([model, sum]) => ({ model, ...sum })) };
  }

  /** Goes on to the byte behind the closing quote, or to the end of the chunk. */
  #passString(chunk: Uint8Array, start: number): number {
    let index = start;
    while (index < chunk.length) {
      const byte = chunk[index] as number;
      index += 1;
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) {
        this.#isInString = false;
        break;
      }
    }
    if (this.#isInParams) this.#paramsBytes += index - start;
    if (this.#text !== undefined) this.#keep(chunk, start, this.#isInString ? index : index - 1);
    if (!this.#isInString && this.#text !== undefined) this.#endString();
    return index;
  }

  /** Goes on to the byte behind the next opening quote, or to the end of the chunk. */
  #passStructure(chunk: Uint8Array, start: number): number {
    let index = start;
    while (index < chunk.length) {
      const byte = chunk[index] as number;
      index += 1;
      if (this.#isInParams) this.#paramsBytes += 1;
      if (byte === QUOTE) {
        this.#isInString = true;
        this.#text = this.#readsString() ? '' : undefined;
        break;
      }
      if (byte > SPACE) this.#passByte(byte);
    }
    return index;
  }

  #passByte(byte: number): void {
    switch (byte) {
      case OPEN_OBJECT: case OPEN_LIST:
        this.#open(byte);
        break;
      case CLOSE_OBJECT: case CLOSE_LIST:
        this.#close();
        break;
      case COLON:
        this.#isName = false;
        this.#text = this.#isInParams && this.#depth === PARAMS && this.#name === 'max_tokens' ? '' : undefined;
        break;
      case COMMA:
        this.#endNumber();
        this.#isName = true;
        break;
      default:
        if (this.#text !== undefined && this.#text.length < MOST_TEXT_BYTES) this.#text += String.fromCharCode(byte);
    }
  }

  /** Whether the string that begins is a name that matters, or the model. */
  #readsString(): boolean {
    if (this.#isName) return this.#depth === BODY || (this.#isInRequests && this.#depth === ENTRY) || (this.#isInParams && this.#depth === PARAMS);
    return this.#isInParams && this.#depth === PARAMS && this.#name === 'model';
  }

  #open(byte: number): void {
    this.#text = undefined;
    if (byte === OPEN_LIST && this.#depth === BODY && this.#name === 'requests') this.#isInRequests = true;
    if (byte === OPEN_OBJECT && this.#isInRequests && this.#depth === ENTRY && this.#name === 'params') this.#beginParams();
    this.#depth += 1;
    this.#isName = true;
  }

  #beginParams(): void {
    this.#isInParams = true;
    this.#paramsBytes = 1;
    this.#model = '';
    this.#maxTokens = 0;
  }

  #close(): void {
    this.#endNumber();
    this.#depth -= 1;
    if (this.#isInParams && this.#depth === ENTRY) this.#isInParams = false;
    else if (this.#isInRequests && this.#depth === ENTRY - 1) this.#endEntry();
    else if (this.#isInRequests && this.#depth === BODY) this.#isInRequests = false;
  }

  #endEntry(): void {
    this.#count += 1;
    const sum = this.#models.get(this.#model) ?? this.#sumOfNew();
    sum.count += 1;
    sum.paramsBytes += this.#paramsBytes;
    sum.maxTokens += this.#maxTokens;
    this.#paramsBytes = 0;
    this.#model = '';
    this.#maxTokens = 0;
  }

  #sumOfNew(): ModelSum {
    const last = this.#models.size < MOST_BATCH_MODELS ? undefined : [...this.#models.values()].at(-1);
    if (last !== undefined) return last;
    const sum: ModelSum = { count: 0, paramsBytes: 0, maxTokens: 0 };
    this.#models.set(this.#model, sum);
    return sum;
  }

  #keep(chunk: Uint8Array, from: number, to: number): void {
    const room = MOST_TEXT_BYTES - (this.#text?.length ?? 0);
    if (room > 0) this.#text += Buffer.from(chunk.buffer, chunk.byteOffset + from, Math.min(to - from, room)).toString('latin1');
  }

  #endString(): void {
    const written = this.#text ?? '';
    this.#text = undefined;
    const text = written.includes('\\') ? unescape(written) : written;
    if (this.#isName) this.#name = text;
    else this.#model = text;
  }

  /** Of two numbers with one name readers take the last; what is estimated is the larger. */
  #endNumber(): void {
    const number = Number(this.#text || Number.NaN);
    this.#text = undefined;
    if (number > this.#maxTokens) this.#maxTokens = Math.min(MOST_MAX_TOKENS, Math.ceil(number));
  }
}

/** A string that is cut, or no string, is none of those that are looked for. */
function unescape(written: string): string {
  try {
    return String(JSON.parse(`"${written}"`));
  } catch {
    return written;
  }
}
