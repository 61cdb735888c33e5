import type { FlushedBody } from '@penstock/upstream-client';
import { freeMemory } from './free-memory.ts';

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * A gathered body that drops its reference to each chunk as it is taken, and can be read once. The upstream client references a body
 * until the answer ended, which for a stream is minutes after its last byte was sent.
 */
export class SelfReleasingBody implements IterableIterator<Uint8Array>, FlushedBody {
  #chunks: Uint8Array[];
  #taken: Uint8Array | undefined;

  /** The chunks are the body's own from here on; the caller must not read them again. */
  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks.toReversed();
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Uint8Array> {
    const value = this.#chunks.pop();
    this.#taken = value;
    return value === undefined ? DONE : { done: false, value };
  }

  /** Only the last chunk is freed here: one that was still on its way when the next was taken is left to the collector. */
  onFlushed(): void {
    if (this.#taken === undefined) return;
    freeMemory(this.#taken);
    this.#taken = undefined;
  }

  return(): IteratorResult<Uint8Array> {
    this.#chunks = [];
    this.#taken = undefined;
    return DONE;
  }

  /** Bytes that are still held. */
  get heldBytes(): number {
    return this.#chunks.reduce((total, { byteLength }) => total + byteLength, 0);
  }
}
