import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemberReader } from '../src/member-reader.ts';

const NAMES = new Set(['usage', 'model', 'error']);

interface Read { readonly members: unknown; readonly tooLarge: readonly string[] }

/** Reads a text in pieces; every piece is overwritten after the call, as a socket buffer may be. */
function read(text: string, pieceBytes = Infinity, maxMemberBytes = 65_536): Read {
  const tooLarge: string[] = [];
  const reader = new MemberReader({ names: NAMES, maxMemberBytes, onMemberTooLarge: (name) => { tooLarge.push(name); } });
  const bytes = Buffer.from(text);
  for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
    const piece = Uint8Array.from(bytes.subarray(offset, offset + pieceBytes));
    reader.write(piece);
    piece.fill(0x21);
  }
  return { members: reader.end(), tooLarge };
}

function chosen(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.fromEntries(Object.entries(value).filter(([name]) => NAMES.has(name)));
}

const name = fc.oneof(fc.constantFrom(...NAMES, 'usage\\', '"', ''), fc.string());
const value = fc.letrec((tie) => ({
  any: fc.oneof({ depthSize: 'small' }, fc.string({ unit: 'binary' }), fc.constantFrom('{', '}"', '\\', '\\"', ',:[', '"usage":1'), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null), fc.array(tie('any'), { maxLength: 4 }), fc.dictionary(name, tie('any'), { maxKeys: 4 })),
})).any;

describe('a member reader', () => {
  it('reads the chosen members as JSON.parse does, wherever the text is cut', () => {
    fc.assert(fc.property(fc.oneof(fc.dictionary(name, value, { maxKeys: 6 }), value), fc.integer({ min: 1, max: 40 }), fc.constantFrom(undefined, 1, '\r\t '), (document, pieceBytes, space) => {
      const text = JSON.stringify(document, null, space);
      expect(read(text, pieceBytes).members).toEqual(chosen(text));
      expect(read(text).members).toEqual(chosen(text));
    }), { numRuns: 500 });
  });

  it.each([
    ['a name with escapes', '{"us\\u0061ge":1}', { usage: 1 }],
    ['a name that only contains a chosen one', '{"usage ":1,"xusage":2,"usages":3}', {}],
    ['a member of a deeper object', '{"a":{"usage":1},"b":[{"usage":2}]}', {}],
    ['the last of two members', '{"usage":1,"usage":{"a":2}}', { usage: { a: 2 } }],
    ['brackets and names in strings', '{"a":"{\\"usage\\":1}","usage":"]\\\\"}', { usage: ']\\' }],
    ['space everywhere', ' {\n"usage" : [ 1 ] , "model":\t"m" } \r\n', { usage: [1], model: 'm' }],
    ['an empty object', '{}', {}],
    ['a long name', `{"${'n'.repeat(1_000)}":1,"usage":2}`, { usage: 2 }],
    ['a list', '[{"usage":1}]', undefined],
    ['a number', '12', undefined],
  ])('reads %s', (_, text, members) => {
    expect(read(text, 1).members).toEqual(members);
    expect(read(text).members).toEqual(members);
  });

  it.each(['', ' ', '{', '{"usage":1', '{"usage":', '{"usage":1}}', '{"usage":1} 2', '{"usage":1},', '}', 'usage', '\ufeff{}', '{"usage":1x}', '{"usage":"\\x"}', '{"a":"', '[', '"a'])('refuses %j (it is not JSON, or not whole)', (text) => {
    expect(() => read(text)).toThrow(SyntaxError);
    expect(() => read(text, 1)).toThrow(SyntaxError);
  });

  it.each([1, 7, Infinity])('leaves out and reports a member over its limit and reads the others, in pieces of %d bytes', (pieceBytes) => {
    const text = `{"usage":"${'x'.repeat(100)}","model":"m","error":"${'y'.repeat(28)}"}`;
    expect(read(text, pieceBytes, 30)).toEqual({ members: { model: 'm', error: 'y'.repeat(28) }, tooLarge: ['usage'] });
  });
});
