import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEventBoundary } from '../src/index.ts';

/** The definition taken literally, without the tracker's shortcuts: split into lines, look at the last one. */
function endsAtBoundary(bytes: readonly number[]): boolean {
  const text = Buffer.from(bytes).toString('latin1');
  const body = text.startsWith('\xef\xbb\xbf') ? text.slice(3) : text;
  if (body === '') return true;
  const lines = body.split(/\r\n|\n|\r/);
  return lines.at(-1) === '' && lines.at(-2) === '';
}

function track(bytes: readonly number[], cuts: readonly number[]): boolean {
  const boundary = createEventBoundary();
  let offset = 0;
  for (const cut of [...cuts.map((value) => value % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]) {
    boundary.update(Uint8Array.from(bytes.slice(offset, cut)));
    offset = Math.max(offset, cut);
  }
  return boundary.isAtBoundary;
}

describe('createEventBoundary', () => {
  it.each([
    ['', true], ['\n', true], ['\r', true], ['\r\n', true], ['a', false], ['a\n', false], ['a\r\n', false], ['a\r', false],
    ['a\n\n', true], ['a\r\r', true], ['a\r\n\r\n', true], ['a\n\r', true], ['a\n\r\n', true], ['a\r\n\r', true], ['a\r\n\n', true],
    ['\xef\xbb\xbf', true], ['\xef\xbb', false], ['\xef', false], ['\xef\xbb\xbf\n', true], ['\xef\xbb\xbfa\n', false], ['a\xef\xbb\xbf', false],
    [': comment\n', false], [': comment\n\n', true],
  ])('event boundary: %j ends at a boundary: %s', (text, expected) => {
    expect(track([...Buffer.from(text, 'latin1')], [])).toBe(expected);
  });

  it('agrees with the definition for every text of line ends, letters and BOM bytes, split anywhere', () => {
    const byte = fc.constantFrom(10, 13, 10, 13, 97, 0xef, 0xbb, 0xbf);
    const start = fc.constantFrom<number[]>([], [0xef, 0xbb, 0xbf], [0xef, 0xbb], [0xef]);
    fc.assert(fc.property(start, fc.array(byte, { maxLength: 12 }), fc.array(fc.nat(20), { maxLength: 12 }), (head, tail, cuts) => {
      const bytes = [...head, ...tail];
      expect(track(bytes, cuts)).toBe(endsAtBoundary(bytes));
    }), { numRuns: 20_000 });
  });
});
