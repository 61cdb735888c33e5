import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createZstdFrameWalk } from '../../src/body/zstd-frame-walk.ts';

function isWholeAfter(bytes: Uint8Array, pieceBytes: number = bytes.length): boolean {
  const walk = createZstdFrameWalk();
  for (let offset = 0; offset < bytes.length; offset += pieceBytes) walk.write(bytes.subarray(offset, offset + pieceBytes));
  return walk.isWhole;
}

const skippable = Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('abc')]);
const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const unsized = { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } };
// Raw, repeated and compressed blocks; one and several; every size of the content size field that fits a test.
const FRAMES: readonly (readonly [string, Buffer])[] = [
  ['nothing', zstdCompressSync(Buffer.alloc(0))],
  ['one byte', zstdCompressSync(Buffer.from('x'))],
  ['noise, which is stored as it is', zstdCompressSync(randomBytes(1_000))],
  ['one byte repeated', zstdCompressSync(Buffer.alloc(500_000, 'x'))],
  ['text', zstdCompressSync(Buffer.from('{"model":"m"}'.repeat(5_000)))],
  ['a checksum', zstdCompressSync(Buffer.from('{"model":"m"}'.repeat(50)), checked)],
  ['no content size', zstdCompressSync(randomBytes(300_000), unsized)],
  ['a skippable frame before it', Buffer.concat([skippable, zstdCompressSync(Buffer.from('x'))])],
  ['a second frame behind it', Buffer.concat([zstdCompressSync(Buffer.from('x')), zstdCompressSync(Buffer.from('y'), checked)])],
];

describe.each(FRAMES)('a frame with %s', (_what, frame) => {
  test('is whole at its end, however it is split', () => {
    for (const pieceBytes of [1, 2, 3, 7, 1_000, frame.length]) expect(isWholeAfter(frame, pieceBytes)).toBe(true);
  });

  test('is not whole with its last bytes missing, nor with more behind it', () => {
    for (const missing of [1, 2, 3, 4]) expect(isWholeAfter(frame.subarray(0, -missing))).toBe(false);
    expect(isWholeAfter(Buffer.concat([frame, Buffer.from('{')]))).toBe(false);
  });
});

test('bytes that are no frame are never whole', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('this was never compressed'), Buffer.alloc(1_000)]) expect(isWholeAfter(bytes)).toBe(false);
});
