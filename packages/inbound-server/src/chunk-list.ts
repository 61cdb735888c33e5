import { Buffer } from 'node:buffer';

const KEEP_BYTES = 16 * 1024;
const FIRST_BLOCK_BYTES = 1024;
const LAST_BLOCK_BYTES = 64 * 1024;

/**
 * Gathers bytes as a list of chunks that is never joined above 64 KiB. Chunks of 16 KiB and more are kept as they came;
 * smaller ones are copied together into blocks, each twice as large as the one before, up to 64 KiB: in one-byte chunks the
 * bytes would otherwise cost a hundred times their size in Buffer objects.
 */
export class ChunkList {
  #chunks: Buffer[] = [];
  #block: Buffer | undefined;
  #blockLength = 0;
  #nextBlockBytes = FIRST_BLOCK_BYTES;
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
      this.#block ??= this.#openBlock();
      const copied = chunk.copy(this.#block, this.#blockLength, offset);
      offset += copied;
      this.#blockLength += copied;
      if (this.#blockLength === this.#block.length) this.#closeBlock();
    }
  }

  /** The gathered chunks; the list is empty afterwards, so that the bytes are held in one place only. */
  take(): Buffer[] {
    this.#closeBlock();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#nextBlockBytes = FIRST_BLOCK_BYTES;
    this.byteLength = 0;
    return chunks;
  }

  #openBlock(): Buffer {
    const block = Buffer.allocUnsafeSlow(this.#nextBlockBytes);
    this.#nextBlockBytes = Math.min(2 * this.#nextBlockBytes, LAST_BLOCK_BYTES);
    return block;
  }

  #closeBlock(): void {
    if (this.#block === undefined) return;
    // The last block is copied to its size: a 1 KB body must not hold 64 KiB while its answer streams.
    this.#chunks.push(this.#blockLength === this.#block.length ? this.#block : Buffer.from(this.#block.subarray(0, this.#blockLength)));
    this.#block = undefined;
    this.#blockLength = 0;
  }
}
