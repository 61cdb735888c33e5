import { Buffer } from 'node:buffer';
import { describe, expect, test, vi } from 'vitest';
import { textFields } from '../src/exchange/text-fields.ts';
import { seededRandom } from './abort-storm.ts';

const TEXTS = ['Date', 'Mon, 30 Nov 2026 12:00:00 GMT', 'x-empty', '', 'x-latin', 'caf\u00e9 \u00ff', 'a-name-of-many-characters', 'v'];

function inOwnMemory(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text, 'latin1');
  return bytes;
}

/** The fields as undici has them: views of the bytes that one read brought. */
function viewsOf(texts: readonly string[], gapBytes = 2): Buffer[] {
  const read = inOwnMemory(texts.map((text) => text + ' '.repeat(gapBytes)).join(''));
  let at = 0;
  return texts.map((text) => {
    const view = read.subarray(at, at + text.length);
    at += text.length + gapBytes;
    return view;
  });
}

function decodingsOf(fields: readonly (Buffer | string)[]): { readonly texts: string[]; readonly decodings: number } {
  const decode = vi.spyOn(Buffer.prototype, 'toString');
  try {
    return { texts: textFields(fields), decodings: decode.mock.calls.length };
  } finally {
    decode.mockRestore();
  }
}

describe('the fields of a head as texts', () => {
  test('are cut from one text where one read brought them', () => {
    expect(decodingsOf(viewsOf(TEXTS))).toEqual({ texts: TEXTS, decodings: 1 });
  });

  test('have a field that came in two reads, and was put together elsewhere', () => {
    const fields = viewsOf(TEXTS);
    // At a place that the first read has, too.
    fields[5] = inOwnMemory(`together: caf\u00e9 \u00ff`).subarray(10);
    expect(decodingsOf(fields)).toEqual({ texts: TEXTS, decodings: 2 });
  });

  test('have a field that lies before or behind the others in the same memory', () => {
    const views = viewsOf([...TEXTS, 'server', 'elsewhere']);
    const [before, behind] = [views.slice(2), views.slice(0, -2)];
    expect(textFields([...before.slice(0, -2), views[0], before.at(-1)])).toEqual([...TEXTS.slice(2), 'Date', 'elsewhere']);
    expect(textFields([...behind.slice(0, 4), views.at(-1), ...behind.slice(4)])).toEqual([...TEXTS.slice(0, 4), 'elsewhere', ...TEXTS.slice(4)]);
  });

  test('are decoded one by one where other memory lies between them, and where they stand in another order', () => {
    expect(decodingsOf(viewsOf(TEXTS, 4_096))).toEqual({ texts: TEXTS, decodings: TEXTS.length });
    expect(decodingsOf(viewsOf(TEXTS).toReversed())).toEqual({ texts: TEXTS.toReversed(), decodings: TEXTS.length });
  });

  test('are the same as decoded one by one, wherever in which memory they lie', () => {
    const below = seededRandom(20_261_130);
    const reads = [20_000, 600, 600].map((length) => inOwnMemory(Array.from({ length }, () => String.fromCharCode(below(256))).join('')));
    for (let round = 0; round < 2_000; round += 1) {
      let next = below(400);
      const fields = Array.from({ length: below(12) }, () => {
        const read = reads[below(8)] ?? reads[1]!;
        const start = below(4) === 0 ? below(read.length) : next;
        next = Math.min(start + below(40), read.length);
        return read.subarray(start, next);
      });
      expect(textFields(fields)).toEqual(fields.map((field) => field.toString('latin1')));
    }
  });

  test('stay as they are where they are texts, and are none where there is no list', () => {
    expect(textFields(TEXTS)).toEqual(TEXTS);
    expect(textFields([])).toEqual([]);
    expect(textFields({ date: 'x' })).toEqual([]);
    expect(textFields(null)).toEqual([]);
  });
});
