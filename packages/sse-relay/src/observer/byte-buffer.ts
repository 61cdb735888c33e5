const MIN_GROWTH_BYTES = 64;

/**
 * Copies pieces into one buffer that doubles when it is full. A list of pieces would cost about 140 bytes of objects for each
 * piece: a body in chunks of one byte, a hundred times its size. The first piece is copied to its size, because most need no second.
 */
export class ByteBuffer {
  #bytes: Uint8Array;
  length: number;

  constructor(first: Uint8Array) {
    this.#bytes = Uint8Array.from(first);
    this.length = first.length;
  }

  append(piece: Uint8Array): void {
    const length = this.length + piece.length;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length, MIN_GROWTH_BYTES));
      grown.set(this.view());
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.length);
    this.length = length;
  }

  /** The bytes so far; valid until the next `append`. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}
