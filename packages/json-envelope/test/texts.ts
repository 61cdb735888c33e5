import * as fc from 'fast-check';

const NAMES = ['model', 'stream', 'max_tokens', 'fallbacks', 'tools', 'stop'];

/** Pieces of strings in JSON, as they stand in a text; long plain ones push the others across the edges of vectors. */
const stringPiece = fc.oneof(
  { weight: 3, arbitrary: fc.nat(70).map((length) => 'x'.repeat(length)) },
  { weight: 3, arbitrary: fc.constantFrom('\\n', '\\"', '\\\\', '\\/', '\\b', '\\f', '\\r', '\\t', '\\u0041', '\\ud83d\\ude00', '\\ud800') },
  { weight: 2, arbitrary: fc.constantFrom('\u00e9', '\u20ac', '\u{1f600}', '\ud7ff', '\ue000', '\u{10ffff}', '\u007f') },
  { weight: 1, arbitrary: fc.nat(9).map((count) => '\\\\'.repeat(count)) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => JSON.stringify(text).slice(1, -1)) },
);

/** A string as it stands in a JSON text. */
const stringText = fc.array(stringPiece, { maxLength: 12 }).map((pieces) => `"${pieces.join('')}"`);

/** A name, often a chosen one, in one of its spellings. */
const nameText = fc.oneof(
  fc.constantFrom(...NAMES).map((name) => `"${name}"`),
  fc.constantFrom('"mod\\u0065l"', '"\\u0074ools"', '"mode"', '"models"'),
  stringText,
);

const space = fc.oneof({ weight: 6, arbitrary: fc.constant('') }, fc.constantFrom(' ', '\n', '\t', '\r\n', ' '.repeat(33)));
const scalarText = fc.oneof(
  stringText,
  fc.constantFrom('true', 'false', 'null', '0', '-0', '-1', '1.5', '10e3', '1E-2', '0.5e+10'),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
);

const { text } = fc.letrec<{ text: string; array: string; object: string }>((tie) => ({
  text: fc.oneof({ depthSize: 'small', withCrossShrink: true }, scalarText, tie('array'), tie('object')),
  array: fc.tuple(space, fc.array(tie('text'), { maxLength: 5 })).map(([gap, items]) => `[${gap}${items.join(`${gap},${gap}`)}]`),
  object: fc
    .tuple(space, fc.array(fc.tuple(nameText, tie('text')), { maxLength: 6 }))
    .map(([gap, members]) => `{${gap}${members.map(([name, value]) => `${name}${gap}:${gap}${value}`).join(`,${gap}`)}${gap}}`),
}));

/** Valid JSON texts of every form, not only those that JSON.stringify writes. */
export const jsonText: fc.Arbitrary<string> = text;

/** Places to cut at. */
export const cuts: fc.Arbitrary<number[]> = fc.array(fc.nat(), { maxLength: 12 });

/** A text as bytes with up to three bytes changed, left out or put in: some stay valid, most do not. */
export const brokenText: fc.Arbitrary<Buffer> = fc
  .tuple(jsonText, fc.array(fc.tuple(fc.nat(), byteArbitrary(), fc.constantFrom('set', 'remove', 'insert')), { minLength: 1, maxLength: 3 }))
  .map(([whole, changes]) => {
    const bytes = [...Buffer.from(whole)];
    for (const [place, byte, change] of changes) {
      bytes.splice(place % (bytes.length + 1), change === 'insert' ? 0 : 1, ...(change === 'remove' ? [] : [byte]));
    }
    return Buffer.from(bytes);
  });

function byteArbitrary(): fc.Arbitrary<number> {
  return fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('"\\{}[]:,u0e-.t'), 0x00, 0x1f, 0x80, 0xbf, 0xc2, 0xed, 0xf4));
}
