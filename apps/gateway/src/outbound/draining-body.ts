const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * A gathered body that lets go of each chunk as it is taken, and can be read once. Who sends a body keeps hold of it until
 * the answer ended, which for a stream is minutes after its last byte went out.
 */
export class DrainingBody implements IterableIterator<Uint8Array> {
  #chunks: Uint8Array[];

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks.toReversed();
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Uint8Array> {
    const value = this.#chunks.pop();
    return value === undefined ? DONE : { done: false, value };
  }

  return(): IteratorResult<Uint8Array> {
    this.#chunks = [];
    return DONE;
  }

  /** Bytes that are still held. */
  get heldBytes(): number {
    return this.#chunks.reduce((total, { byteLength }) => total + byteLength, 0);
  }
}
