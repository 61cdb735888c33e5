import { Buffer } from 'node:buffer';

const KEEP_BYTES = 16 * 1024;
const BLOCK_BYTES = 64 * 1024;

/**
 * Gathers a body as a list of chunks that is never joined above 64 KiB. Chunks of 16 KiB and more are kept as they came;
 * smaller ones are copied together into 64 KiB blocks, because a body sent in one-byte chunks would otherwise cost a hundred
 * times its size in Buffer objects.
 */
export class ChunkList {
  #chunks: Buffer[] = [];
  #block: Buffer | undefined;
  #blockLength = 0;
  byteLength = 0;

  append(chunk: Buffer): void {
    this.byteLength += chunk.length;
    // The first chunk is kept whatever its size: most bodies arrive in one.
    if (chunk.length >= KEEP_BYTES || (this.#chunks.length === 0 && this.#block === undefined)) {
      this.#closeBlock();
      this.#chunks.push(chunk);
      return;
    }
    let offset = 0;
    while (offset < chunk.length) {
      this.#block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
      const copied = chunk.copy(this.#block, this.#blockLength, offset);
      offset += copied;
      this.#blockLength += copied;
      if (this.#blockLength === BLOCK_BYTES) this.#closeBlock();
    }
  }

  /** The gathered chunks; the list is empty afterwards, so that the bytes are held in one place only. */
  take(): Buffer[] {
    this.#closeBlock();
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }

  #closeBlock(): void {
    if (this.#block === undefined) return;
    // The last block is copied to its size: a 1 KB body must not hold 64 KiB while its answer streams.
    this.#chunks.push(this.#blockLength === BLOCK_BYTES ? this.#block : Buffer.from(this.#block.subarray(0, this.#blockLength)));
    this.#block = undefined;
    this.#blockLength = 0;
  }
}
