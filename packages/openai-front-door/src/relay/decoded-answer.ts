import type { Transform } from 'node:stream';
import zlib, { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';

/** What decodes an answer beside its path. */
export interface DecodedAnswer {
  /** Takes the next encoded bytes; the promise of a decoder that lags resolves when it takes more. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** Resolves when all that can be decoded was; true when that is the whole answer. The end of one that was cut is no error. */
  end(isCut: boolean): Promise<boolean>;
}

/** What a decoded answer needs. */
export interface DecodedAnswerOptions {
  /** The most decoded bytes: a small answer may decode to gigabytes. More are not read. */
  readonly maxDecodedBytes: number;
  readonly onDecoded: (bytes: Uint8Array) => void;
  /** Called at most once, when the bytes do not fit their coding or `onDecoded` throws; nothing is decoded after it. */
  readonly onError: (error: unknown) => void;
}

/** Makes a decoder from the first byte. What waits to be decoded is bounded by the streams' own high water mark, 64 KiB. */
type CreateDecoder = (first: number) => Transform;

/** The codings of RFC 9110 section 8.4.1 and RFC 8878; the first byte distinguishes zlib, which `deflate` should be, from the raw form that some servers send. */
const DECODERS: ReadonlyMap<string, CreateDecoder> = new Map<string, CreateDecoder>([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['deflate', (first) => ((first & 0x0f) === 8 ? createInflate() : createInflateRaw())],
  ['br', () => createBrotliDecompress()],
  ['zstd', () => zlib.createZstdDecompress()],
]);

const NOTHING = new Uint8Array(0);

/** Decodes an answer of one coding; `undefined` for a coding that is not known. */
export function createDecodedAnswer(coding: string, options: DecodedAnswerOptions): DecodedAnswer | undefined {
  const create = DECODERS.get(coding);
  return create === undefined ? undefined : new Decoding(create, options);
}

class Decoding implements DecodedAnswer {
  readonly #create: CreateDecoder;
  readonly #options: DecodedAnswerOptions;
  #decoder: Transform | undefined;
  #decodedBytes = 0;
  #isCut = false;
  /** Whether the decoder still has bytes to read before it may be ended. */
  #hasUnread = false;
  #state: 'reading' | 'whole' | 'given up' = 'reading';
  #wake: (() => void) | undefined;

  constructor(create: CreateDecoder, options: DecodedAnswerOptions) {
    this.#create = create;
    this.#options = options;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#state !== 'reading' || chunk.length === 0) return undefined;
    this.#decoder ??= this.#open(chunk[0] ?? 0);
    return this.#decoder.write(chunk) ? undefined : this.#wait();
  }

  async end(isCut: boolean): Promise<boolean> {
    this.#isCut = isCut;
    const decoder = this.#decoder;
    if (this.#state === 'reading' && decoder !== undefined) {
      // A decoder that is ended before it has read its last bytes emits none of them when the coding is cut.
      this.#hasUnread = true;
      decoder.write(NOTHING, () => {
        this.#hasUnread = false;
        this.#wake?.();
      });
      while (this.#hasUnread && this.#isReading()) await this.#wait();
      decoder.end();
      while (this.#isReading()) await this.#wait();
    }
    return this.#state === 'whole' || this.#decoder === undefined;
  }

  #isReading(): boolean {
    return this.#state === 'reading';
  }

  /** Until the decoder takes more, has ended, or was given up. */
  #wait(): Promise<void> {
    return new Promise((resolve) => { this.#wake = resolve; });
  }

  #open(first: number): Transform {
    const decoder = this.#create(first);
    decoder.on('data', (bytes: Uint8Array) => { this.#take(bytes); });
    decoder.on('drain', () => this.#wake?.());
    decoder.on('end', () => { this.#settle('whole'); });
    decoder.on('error', (error) => { this.#giveUp(error); });
    return decoder;
  }

  #take(bytes: Uint8Array): void {
    if (this.#state !== 'reading') return;
    this.#decodedBytes += bytes.length;
    if (this.#decodedBytes > this.#options.maxDecodedBytes) {
      this.#settle('given up');
      return;
    }
    try {
      this.#options.onDecoded(bytes);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #giveUp(error: unknown): void {
    if (this.#state === 'reading' && !this.#isCut) this.#options.onError(error);
    this.#settle('given up');
  }

  #settle(state: 'whole' | 'given up'): void {
    if (this.#state !== 'reading') return;
    this.#state = state;
    this.#decoder?.destroy();
    this.#wake?.();
  }
}
