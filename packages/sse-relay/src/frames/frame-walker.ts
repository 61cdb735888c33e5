import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { LEAST_FRAME_BYTES, PRELUDE_BYTES } from './encode-frame.ts';

/** Receives the frames of a stream in pieces. */
export interface FrameSink {
  /** A frame begins whose prelude is valid. `checksum` is the CRC32 of the prelude, to be continued. */
  onPrelude(frameBytes: number, headerBytes: number, checksum: number): void;
  /** The next bytes behind the prelude; a view of the chunk. A frame that lies in one chunk comes in one piece. */
  onPiece(piece: Uint8Array, isLast: boolean): void;
  /** No frame begins here: nothing more is read. */
  onLost(): void;
}

/**
 * Walks through a stream in the AWS event stream encoding (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html,
 * https://smithy.io/2.0/aws/amazon-eventstream.html) from prelude to prelude. Holds 12 bytes, whatever a frame's length, and its
 * work is that of the frames in a chunk, not of the bytes.
 */
export class FrameWalker {
  readonly #sink: FrameSink | undefined;
  readonly #prelude = Buffer.alloc(PRELUDE_BYTES);
  #preludeBytes = 0;
  /** Bytes of the frame that are still to come; 0 between frames. */
  #left = 0;
  #isLost = false;

  constructor(sink?: FrameSink) {
    this.#sink = sink;
  }

  /** True at the start of the stream and behind every whole frame; false for good behind bytes that are no frame. */
  get isAtBoundary(): boolean {
    return this.#left === 0 && this.#preludeBytes === 0 && !this.#isLost;
  }

  write(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length && !this.#isLost) offset += this.#left > 0 ? this.#skip(chunk, offset) : this.#readPrelude(chunk, offset);
  }

  /** Nothing more is read. */
  stop(): void {
    this.#isLost = true;
  }

  #skip(chunk: Uint8Array, offset: number): number {
    const taken = Math.min(this.#left, chunk.length - offset);
    this.#left -= taken;
    this.#sink?.onPiece(chunk.subarray(offset, offset + taken), this.#left === 0);
    return taken;
  }

  #readPrelude(chunk: Uint8Array, offset: number): number {
    const prelude = this.#prelude;
    const taken = Math.min(PRELUDE_BYTES - this.#preludeBytes, chunk.length - offset);
    prelude.set(chunk.subarray(offset, offset + taken), this.#preludeBytes);
    this.#preludeBytes += taken;
    if (this.#preludeBytes === PRELUDE_BYTES) this.#open(prelude.readUInt32BE(0), prelude.readUInt32BE(4));
    return taken;
  }

  #open(frameBytes: number, headerBytes: number): void {
    const prelude = this.#prelude;
    const checksum = crc32(prelude.subarray(0, 8));
    if (frameBytes < LEAST_FRAME_BYTES + headerBytes || checksum !== prelude.readUInt32BE(8)) {
      this.#isLost = true;
      this.#sink?.onLost();
      return;
    }
    this.#preludeBytes = 0;
    this.#left = frameBytes - PRELUDE_BYTES;
    this.#sink?.onPrelude(frameBytes, headerBytes, crc32(prelude.subarray(8), checksum));
  }
}
