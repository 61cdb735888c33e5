import { array, assert, integer, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChunkList } from '../src/chunk-list.ts';

describe('a chunk list', () => {
  test('gives the same bytes whatever the split, never joined above 64 KiB', () => {
    assert(property(array(integer({ min: 0, max: 90_000 }), { maxLength: 30 }), (sizes) => {
      const list = new ChunkList();
      const chunks = sizes.map((size, index) => Buffer.alloc(size, index + 1));
      for (const chunk of chunks) list.append(chunk);
      const gathered = Buffer.concat(chunks);
      expect(list.byteLength).toBe(gathered.length);
      const taken: Buffer[] = list.take();
      expect(Buffer.concat(taken).equals(gathered)).toBe(true);
      for (const chunk of taken) expect(chunk.length <= 65_536 || chunks.some((one) => one === chunk)).toBe(true);
      expect([list.take(), list.byteLength]).toEqual([[], 0]);
    }), { numRuns: 40 });
  });

  test('keeps large chunks as they came, without a copy', () => {
    const list = new ChunkList();
    const chunk = Buffer.alloc(65_536);
    list.append(chunk);
    list.append(chunk);
    expect(list.take()[1]).toBe(chunk);
  });

  test('a million one-byte chunks cost their bytes, not a million objects', () => {
    const list = new ChunkList();
    const byte = Buffer.from('x');
    for (let index = 0; index < 1_000_000; index += 1) list.append(byte);
    const taken = list.take();
    expect(taken.length).toBeLessThan(25);
    expect(taken.reduce((total, chunk) => total + chunk.buffer.byteLength, 0)).toBeLessThan(1_200_000);
  });
});
