import { Buffer } from 'node:buffer';

const FIRST_CAPACITY = 1024;

/** Bytes gathered from pieces into one buffer that doubles: a byte is copied twice at most however small the pieces are, and no piece is held. */
export class KeptBytes {
  readonly #maxBytes: number;
  #buffer: Buffer | undefined;
  #length = 0;
  #isOver = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#length === 0 && !this.#isOver;
  }

  /** Adds a copy; over the bound nothing is kept until the next `take`. */
  append(piece: Uint8Array): void {
    if (this.#isOver || piece.length === 0) return;
    const length = this.#length + piece.length;
    if (length > this.#maxBytes) {
      this.#isOver = true;
      this.#buffer = undefined;
      this.#length = 0;
      return;
    }
    if (this.#buffer === undefined || length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#maxBytes, Math.max(FIRST_CAPACITY, 2 * length)));
      this.#buffer?.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#length);
    this.#length = length;
  }

  /** The text of what was gathered, `undefined` when it was over the bound; begins anew. */
  take(): string | undefined {
    const text = this.#isOver ? undefined : this.#buffer?.toString('utf8', 0, this.#length) ?? '';
    this.#length = 0;
    this.#isOver = false;
    // A large buffer is not kept for small texts.
    if (this.#buffer !== undefined && this.#buffer.length > 64 * FIRST_CAPACITY) this.#buffer = undefined;
    return text;
  }
}

/** The text of bytes that are not kept. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
