import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAgainstParse, checkSplits } from './check-text.ts';
import { eachByte, readEnvelope, scanChunks, scanText } from './scan.ts';
import { brokenText, cuts, jsonText } from './texts.ts';

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

  it('points at the same byte wherever in a long string the mistake is', () => {
    const mistakes = [[0x00], [0x5c, 0x78], [0x5c, 0x75, 0x30, 0x67], [0x80], [0xe2, 0x28], [0xed, 0xa0], [0xf5], [0x5c, 0x0a], [0x5c, 0xc3]];
    for (const mistake of mistakes) {
      for (let place = 0; place < 140; place += 1) {
        const before = place % 2 === 0 ? 'x'.repeat(place) : '\\n'.repeat((place - 1) / 2);
        const bytes = Buffer.concat([Buffer.from(`"${before}`), Buffer.from(mistake), Buffer.from(`${'y'.repeat(150)}"`)]);
        const verdict = scanText(bytes);
        expect(verdict).toEqual(scanChunks(eachByte(bytes)));
        expect(verdict).toHaveProperty('byteOffset', 1 + before.length + mistake.length - 1);
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
