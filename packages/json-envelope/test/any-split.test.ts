import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAgainstParse, checkSplits } from './check-text.ts';
import { readEnvelope, scanChunks, scanText } from './scan.ts';
import { brokenText, cuts, jsonText } from './texts.ts';

/** The last byte of each is the one to point at, whatever comes after. */
const MISTAKES: readonly (readonly number[])[] = [
  [0x00], [0x1f], [0x5c, 0x78], [0x5c, 0x0a], [0x5c, 0xc3], [0x5c, 0x75, 0x30, 0x67], [0x80], [0xc0], [0xe2, 0x28],
  [0xe0, 0x9f], [0xed, 0xa0], [0xf0, 0x8f], [0xf4, 0x90], [0xf5], [0xe2, 0x82, 0x22], [0xf0, 0x9f, 0x98, 0x22],
];

describe('any split', () => {
  it('gives the same envelope, and it is what JSON.parse reads', () => {
    fc.assert(
      fc.property(jsonText, cuts, (text, places) => {
        checkAgainstParse(Buffer.from(text));
        checkSplits(Buffer.from(text), places);
      }),
      { numRuns: 600 },
    );
  });

  it('gives the same refusal at the same byte', () => {
    fc.assert(
      fc.property(brokenText, cuts, (bytes, places) => {
        checkAgainstParse(bytes);
        checkSplits(bytes, places);
      }),
      { numRuns: 600 },
    );
  });

  it('gives the same verdict at each cut in two of a text that has everything (vectors begin elsewhere each time)', () => {
    const content = `${'plain '.repeat(12)}\\n\\"\\\\\u00e9\u20ac\u{1f600}\\u00e9\\ud83d\\ude00${'\\\\'.repeat(40)}${'tail '.repeat(20)}`;
    const bytes = Buffer.from(`{"model":"${content}","x":[1.5e3,true,false,null,{"y":"z"}],\n      "tools":[{"model":"m"}]}`);
    const whole = scanText(bytes, { members: ['model', 'tools[].model'] });
    expect(whole).toHaveProperty('envelope');
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)];
      expect(scanChunks(chunks, { members: ['model', 'tools[].model'] })).toEqual(whole);
    }
  });

  it('points at the same byte wherever in a string the mistake is, and however short what follows', () => {
    for (const mistake of MISTAKES) {
      for (let place = 0; place < 140; place += 1) {
        for (const before of ['x'.repeat(place), `${'x'.repeat(place % 2)}${'\\n'.repeat(place >> 1)}`]) {
          for (const after of ['"', `${'y'.repeat(150)}"`]) {
            const bytes = Buffer.concat([Buffer.from(`"${before}`), Buffer.from(mistake), Buffer.from(after)]);
            expect(scanText(bytes)).toHaveProperty('byteOffset', place + mistake.length);
          }
        }
      }
    }
  });

  it.each(['0', '"', '\\', 'n', 'é'])('takes nothing from what a text before left in the memory: %s', (left) => {
    for (let place = 0; place < 140; place += 1) {
      for (const cut of ['\\', '\\u', '\\u0', '\\u00', '\\u000', '\xc3', '\xe2', '\xe2\x82', '\xf0\x9f\x98', '']) {
        scanText(Buffer.from(left.repeat(400)));
        const chunks = [`"${'x'.repeat(place)}${cut}`, `zzzz${'z'.repeat(70)}"`].map((chunk) => Buffer.from(chunk, 'latin1'));
        const expected = cut === '' ? { envelope: expect.anything() } : { byteOffset: 1 + place + cut.length };
        expect(scanChunks(chunks), `${place} ${cut}`).toMatchObject(expected);
      }
    }
  });

  it('takes chunks longer than the machine takes at once', () => {
    const text = JSON.stringify({ model: 'm', text: 'line\n"quoted"\u20ac'.repeat(20_000), stream: true });
    const { members, byteLength } = readEnvelope(text, { members: ['model', 'stream'] });
    expect([...members.keys()]).toEqual(['model', 'stream']);
    expect(byteLength).toBe(Buffer.byteLength(text));
  });
});
