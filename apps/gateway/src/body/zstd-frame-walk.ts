import { Buffer } from 'node:buffer';

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** The most bytes that one step gathers: the frame header behind its descriptor. */
const MAX_FIELD_BYTES = 13;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const CHECKSUM_BYTES = 4;
const RLE_BLOCK = 1;

/** Walks from block to block of zstd frames (RFC 8878 section 3.1) without decoding them, to know whether the last one came to its end. */
export interface ZstdFrameWalk {
  write(chunk: Uint8Array): void;
  /** Whether the bytes so far end where a frame ends. */
  readonly isWhole: boolean;
}

/** Begins a walk. Below Node 26 a decompressor ends without an error where its input stops in the middle of a frame. */
export function createZstdFrameWalk(): ZstdFrameWalk {
  const field = Buffer.alloc(MAX_FIELD_BYTES);
  let gathered = 0;
  let needed = 4;
  let toSkip = 0;
  let hasChecksum = false;
  let isWhole = false;
  let onField = readMagic;
  let onSkipped: () => void = () => undefined;

  function expect(bytes: number, next: () => void): void {
    gathered = 0;
    needed = bytes;
    onField = next;
  }
  /** Passes over content; nothing may be left of it when there is none. */
  function skip(bytes: number, next: () => void): void {
    toSkip = bytes;
    onSkipped = next;
    if (bytes === 0) next();
  }
  function beginFrame(): void {
    isWhole = true;
    expect(4, readMagic);
  }
  function readMagic(): void {
    const magic = field.readUInt32LE();
    if (magic === FRAME_MAGIC) expect(1, readDescriptor);
    // The sixteen of them differ in their lowest four bits.
    else if ((magic & ~0xf) >>> 0 === SKIPPABLE_MAGIC) expect(4, () => { skip(field.readUInt32LE(), beginFrame); });
    // What is no frame is for the decoder to refuse.
    else skip(Infinity, beginFrame);
  }
  function readDescriptor(): void {
    const descriptor = field.readUInt8();
    const isSingleSegment = (descriptor & 0x20) !== 0;
    hasChecksum = (descriptor & 0x04) !== 0;
    const contentSizeFlag = descriptor >> 6;
    const contentSizeBytes = contentSizeFlag === 0 && isSingleSegment ? 1 : CONTENT_SIZE_BYTES[contentSizeFlag] ?? 0;
    const rest = (isSingleSegment ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 0x03] ?? 0) + contentSizeBytes;
    expect(rest, () => { expect(3, readBlock); });
  }
  function readBlock(): void {
    const header = field.readUIntLE(0, 3);
    const isLast = (header & 1) !== 0;
    const content = (header >> 1 & 0x03) === RLE_BLOCK ? 1 : header >> 3;
    const afterLast = (): void => { skip(hasChecksum ? CHECKSUM_BYTES : 0, beginFrame); };
    skip(content, isLast ? afterLast : () => { expect(3, readBlock); });
  }

  return {
    write(chunk) {
      let offset = 0;
      while (offset < chunk.length) {
        isWhole = false;
        if (toSkip > 0) {
          const passed = Math.min(toSkip, chunk.length - offset);
          offset += passed;
          toSkip -= passed;
          if (toSkip === 0) onSkipped();
        } else {
          const taken = Math.min(needed - gathered, chunk.length - offset);
          field.set(chunk.subarray(offset, offset + taken), gathered);
          offset += taken;
          gathered += taken;
          if (gathered === needed) onField();
        }
      }
    },
    get isWhole() {
      return isWhole;
    },
  };
}
