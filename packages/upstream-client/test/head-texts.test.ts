import { array, assert, constantFrom, property, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeadTexts } from '../src/undici/head-texts.ts';

/** The parts of a head as undici cuts them out of what it read. */
function cut(texts: readonly string[]): Buffer[] {
  const bytes = Buffer.from(texts.map((text, index) => `${text}${index % 2 === 0 ? ': ' : '\r\n'}`).join(''), 'latin1');
  let offset = 0;
  return texts.map((text) => {
    const part = bytes.subarray(offset, offset + text.length);
    offset += text.length + 2;
    return part;
  });
}

describe('decoding the parts of a head', () => {
  const texts = ['a', '1', 'bb', 'caf\u00e9', 'longer-than-thirteen', 'and-so-is-this-one'];

  test.each<[string, Buffer[]]>([
    ['of one read', cut(texts)],
    ['of several reads', texts.map((text) => Buffer.from(text, 'latin1'))],
    ['of one read, one of them put together elsewhere', cut(texts).map((part, index) => index === 3 ? Buffer.from(part) : part)],
  ])('%s', (_name, parts) => {
    const heads = new HeadTexts();
    for (let head = 0; head < 3; head += 1) expect(heads.decode(parts)).toEqual(texts);
  });

  test('out of their order, and none', () => {
    const [a, , bb] = cut(texts) as [Buffer, Buffer, Buffer];
    expect(new HeadTexts().decode([bb, a])).toEqual(['bb', 'a']);
    expect(new HeadTexts().decode([])).toEqual([]);
  });

  test('gives each head its own texts, whatever the ones before had in their places', () => {
    const text = constantFrom('', 'x', 'xx', 'xy', 'content-type', 'content-typf', 'longer-than-thirteen', 'longer-than-thirteem', 'caf\u00e9', 'y'.repeat(200));
    const head = array(tuple(text, text), { maxLength: 60 }).map((fields) => fields.flat());
    assert(property(array(head, { minLength: 1, maxLength: 140 }), (sent) => {
      const heads = new HeadTexts();
      for (const fields of sent) expect(heads.decode(cut(fields))).toEqual(fields);
    }), { numRuns: 300 });
  });

  test('learns another layout, and what is too long or stands too far behind is not kept', () => {
    const heads = new HeadTexts();
    const known = (): string[] => heads.known.flatMap((one) => one === undefined ? [] : [one.text]);
    for (let head = 0; head < 65; head += 1) heads.decode(cut(['first-of-all', 'x'.repeat(129)]));
    expect(known()).toEqual(['first-of-all']);
    for (let head = 0; head < 64; head += 1) heads.decode(cut(['another-name', 'a-value']));
    expect(known()).toEqual(['another-name', 'a-value']);
    for (let head = 0; head < 64; head += 1) heads.decode(cut(Array.from({ length: 400 }, (_, index) => `part-${index}`)));
    expect(known()).toHaveLength(96);
  });
});
