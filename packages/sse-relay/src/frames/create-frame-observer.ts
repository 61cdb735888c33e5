import { crc32 } from 'node:zlib';
import type { OptionType } from '@penstock/option-names';
import { ByteBuffer } from '../observer/byte-buffer.ts';
import { readObserverLimit, type EventObserver, type EventObserverLimits } from '../observer/create-event-observer.ts';
import { createDecodedCopy, readContentCoding, type DecodedCopy } from '../observer/decoded-copy.ts';
import { ObserverError } from '../observer/observer-error.ts';
import { checkObserverOptions } from '../observer/observer-options.ts';
import { PRELUDE_BYTES } from './encode-frame.ts';
import { FrameView, type Frame } from './frame.ts';
import { FrameWalker, type FrameSink } from './frame-walker.ts';

/** Settings of a frame observer. `maxEventBytes` bounds the bytes kept of one frame. */
export interface FrameObserverOptions extends Partial<EventObserverLimits> {
  /** Called with each whole frame, after its bytes went out. */
  readonly onFrame: (frame: Frame) => void;
  /**
   * Called with what could not be read. A frame that is too large is left out (`event_too_large`); after `invalid_frame`, `lagging`, `decoding`,
   * `unsupported_coding` and `body_too_large` nothing more is read.
   */
  readonly onError?: (error: unknown) => void;
}

const OPTION_TYPES: Readonly<Record<keyof FrameObserverOptions, OptionType>> = Object.freeze({
  onFrame: 'function', onError: 'function?', maxEventBytes: 'number?', maxLagBytes: 'number?', maxDecodedBytes: 'number?',
});

/**
 * Creates an observer of one stream of binary frames (`application/vnd.amazon.eventstream`), whose checksums it verifies. A compressed
 * stream is decoded on a copy. Throws `ObserverError` `invalid_option`, `unknown_option`.
 */
export function createFrameObserver(options: FrameObserverOptions): EventObserver {
  checkObserverOptions(options, OPTION_TYPES);
  return new FrameObserver(options);
}

class FrameObserver implements EventObserver, FrameSink {
  readonly #options: FrameObserverOptions;
  readonly #maxFrameBytes: number;
  readonly #maxLagBytes: number;
  readonly #maxDecodedBytes: number;
  readonly #walker: FrameWalker;
  #copy: DecodedCopy | undefined;
  /** Of the frame that is being read. */
  #headerBytes = 0;
  #checksum = 0;
  #isLeftOut = false;
  /** The pieces of a frame that did not come in one. */
  #pieces: ByteBuffer | undefined;

  constructor(options: FrameObserverOptions) {
    this.#options = options;
    this.#maxFrameBytes = readObserverLimit('maxEventBytes', options.maxEventBytes);
    this.#maxLagBytes = readObserverLimit('maxLagBytes', options.maxLagBytes);
    this.#maxDecodedBytes = readObserverLimit('maxDecodedBytes', options.maxDecodedBytes);
    this.#walker = new FrameWalker(this);
  }

  onHead(_status: number, rawHeaders: readonly string[]): void {
    const coding = readContentCoding(rawHeaders);
    if (coding === 'identity') return;
    this.#copy = createDecodedCopy({
      coding, maxLagBytes: this.#maxLagBytes, maxDecodedBytes: this.#maxDecodedBytes,
      onError: (error) => this.#options.onError?.(error),
      onDecoded: (bytes) => this.#walker.write(bytes),
    });
  }

  onChunk(chunk: Uint8Array): void {
    if (this.#copy === undefined) this.#walker.write(chunk);
    else this.#copy.write(chunk);
  }

  onEnd(how: string): Promise<void> | undefined {
    this.#pieces = undefined;
    return this.#copy?.end(how === 'complete');
  }

  onPrelude(frameBytes: number, headerBytes: number, checksum: number): void {
    this.#headerBytes = headerBytes;
    this.#checksum = checksum;
    this.#isLeftOut = frameBytes > this.#maxFrameBytes;
    if (this.#isLeftOut) this.#options.onError?.(new ObserverError('event_too_large', `a frame has over ${this.#maxFrameBytes} bytes`));
  }

  onPiece(piece: Uint8Array, isLast: boolean): void {
    if (this.#isLeftOut) return;
    if (this.#pieces !== undefined) this.#pieces.append(piece);
    else if (!isLast) this.#pieces = new ByteBuffer(piece);
    if (!isLast) return;
    const rest = this.#pieces?.view() ?? piece;
    this.#pieces = undefined;
    this.#takeFrame(rest);
  }

  onLost(): void {
    this.#options.onError?.(new ObserverError('invalid_frame', `the stream has ${PRELUDE_BYTES} bytes that begin no frame`));
  }

  #takeFrame(rest: Uint8Array): void {
    const end = rest.length - 4;
    const stated = new DataView(rest.buffer, rest.byteOffset, rest.byteLength).getUint32(end);
    if (crc32(rest.subarray(0, end), this.#checksum) === stated) {
      this.#options.onFrame(new FrameView(rest.subarray(0, end), this.#headerBytes));
      return;
    }
    this.#walker.stop();
    this.#options.onError?.(new ObserverError('invalid_frame', 'a frame does not have its checksum'));
  }
}
