import { Buffer } from 'node:buffer';

const KEEP_BYTES = 16 * 1024;
const BLOCK_BYTES = 64 * 1024;

/**
 * Gathers bytes that arrive in chunks. Chunks of 16 KiB and more are kept as they came; smaller ones are copied together into blocks of
 * 64 KiB, because a body that arrives in one-byte chunks would otherwise cost a hundred times its size in Buffer objects.
 */
export class ChunkList {
  #chunks: Uint8Array[] = [];
  #block: Buffer | undefined;
  #blockLength = 0;
  byteLength = 0;

  append(chunk: Uint8Array): void {
    this.byteLength += chunk.length;
    if (chunk.length >= KEEP_BYTES) {
      this.#closeBlock();
      this.#chunks.push(chunk);
      return;
    }
    for (let offset = 0; offset < chunk.length;) {
      this.#block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
      const copied = Math.min(BLOCK_BYTES - this.#blockLength, chunk.length - offset);
      this.#block.set(chunk.subarray(offset, offset + copied), this.#blockLength);
      offset += copied;
      this.#blockLength += copied;
      if (this.#blockLength === BLOCK_BYTES) this.#closeBlock();
    }
  }

  /** All bytes in one piece; the list is empty afterwards, so that they are held in one place only. */
  join(): Buffer {
    this.#closeBlock();
    const joined = Buffer.concat(this.#chunks, this.byteLength);
    this.#chunks = [];
    this.byteLength = 0;
    return joined;
  }

  /** How many pieces are held. */
  get pieces(): number {
    return this.#chunks.length + (this.#block === undefined ? 0 : 1);
  }

  #closeBlock(): void {
    if (this.#block === undefined) return;
    this.#chunks.push(this.#block.subarray(0, this.#blockLength));
    this.#block = undefined;
    this.#blockLength = 0;
  }
}
