import { createParser } from 'eventsource-parser';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createEventDataReader } from '../../src/relay/event-data.ts';

function dataOf(chunks: readonly Uint8Array[], maxEventBytes = 10_000): string[] {
  const read: string[] = [];
  const reader = createEventDataReader({ maxEventBytes, onData: (data) => { read.push(data); } });
  for (const chunk of chunks) reader.write(chunk);
  return read;
}

function cut(text: string, size: number): Uint8Array[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

describe('the data of events', () => {
  it('is what another parser reads, cut anywhere', () => {
    const line = fc.constantFrom('data: a', 'data:b', 'data', 'data: ü€😀', 'event: x', ': comment', 'id: 1', '', '');
    fc.assert(fc.property(fc.array(line, { maxLength: 12 }), fc.constantFrom('\n', '\r\n'), fc.integer({ min: 1, max: 9 }), (lines, end, size) => {
      const text = lines.map((content) => content + end).join('');
      const expected: string[] = [];
      createParser({ onEvent: ({ data }) => { expected.push(data); } }).feed(text);
      expect(dataOf(cut(text, size)).filter((data) => data !== '')).toEqual(expected.filter((data) => data !== ''));
    }), { numRuns: 500 });
  });

  it('is read where lines end in CR alone, and behind a byte order mark', () => {
    for (const size of [1, 2, 3, 100]) expect(dataOf(cut('\uFEFFdata: a\r\rdata: b\rdata: c\r\r', size))).toEqual(['a', 'b\nc']);
  });

  it('the data of an event over the bound: is skipped, and the next event is read', () => {
    for (const size of [1, 7, 10_000]) expect(dataOf(cut(`data: ${'x'.repeat(200)}\n\ndata: b\n\n`, size), 100)).toEqual(['b']);
  });
});

/** Bytes that count how many of them were looked through. */
class SearchedBytes extends Uint8Array {
  static searched = 0;

  override indexOf(byte: number, from = 0): number {
    const found = super.indexOf(byte, from);
    SearchedBytes.searched += (found === -1 ? this.length : found + 1) - from;
    return found;
  }
}

describe('the work for an event', () => {
  it.each([
    ['events of CR alone', 'a\r'], ['events of LF alone', 'a\n\n'], ['events of both', 'a\r\n\r\n'], ['one event of many lines', 'data: x\n'],
  ])('grows as its bytes do: %s are searched twice', (_what, line) => {
    const chunk = new SearchedBytes(Buffer.from(line.repeat(20_000)));
    SearchedBytes.searched = 0;
    dataOf([chunk], 1_000_000);
    expect(SearchedBytes.searched).toBeGreaterThanOrEqual(chunk.length);
    expect(SearchedBytes.searched).toBeLessThanOrEqual(2 * chunk.length);
  });

  it('grows as its bytes do: of an open event that comes byte by byte four times its length is allocated at most', () => {
    const allocate = vi.spyOn(Buffer, 'allocUnsafe');
    try {
      const length = 300_000;
      expect(dataOf([...cut(`data: ${'x'.repeat(length)}`, 1), Buffer.from('\n\n')], 1_000_000)).toEqual(['x'.repeat(length)]);
      const allocated = allocate.mock.calls.reduce((sum, [size]) => sum + size, 0);
      expect(allocated).toBeGreaterThan(length);
      expect(allocated).toBeLessThanOrEqual(4 * length);
    } finally {
      allocate.mockRestore();
    }
  });
});
