import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJsonExactly } from '../../src/request/parse-json.ts';
import { parseJsonRequest, requireModel } from '../../src/request/parse-chat-request.ts';
import { duplicateMembers } from '../../src/request/top-level-members.ts';

describe('parseJsonExactly', () => {
  it.each(['{"id":12345678901234567890}', '[0.12345678901234567,1e400,-1e-400]', '{"a":{"b":[9007199254740993]}}', '{"big":123456789012345678901234567890.5}'])('writes %s back as it was', (text) => {
    expect(JSON.stringify(parseJsonExactly(text))).toBe(text);
  });

  it('leaves ordinary numbers numbers', () => {
    expect(parseJsonExactly('{"a":0.70,"b":1e5,"c":[1.0],"d":12345678901234567890}')).toMatchObject({ a: 0.7, b: 100_000, c: [1] });
  });
});

describe('parseJsonRequest', () => {
  it.each(['', '{', '[]', '"x"', 'null', '{"a":1}x', '{"a":\u0001}'])('refuses %j without quoting it (it is the client\'s prompt)', (text) => {
    expect(() => parseJsonRequest(Buffer.from(text))).toThrow(expect.objectContaining({ status: 400, code: 'invalid_json' }));
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parseJsonRequest(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toThrow(expect.objectContaining({ code: 'invalid_json' }));
  });

  it('refuses a second model, written plainly or escaped (two parsers could choose differently)', () => {
    expect(() => parseJsonRequest(Buffer.from('{"model":"a","x":{"model":"b"},"mod\\u0065l":"c"}'))).toThrow(expect.objectContaining({ param: 'model' }));
    expect(parseJsonRequest(Buffer.from('{"model":"a","x":{"model":"b"},"y":["model","model"]}'))).toMatchObject({ model: 'a' });
  });

  it.each([{}, { model: '' }, { model: 7 }, { model: null }])('refuses %j for want of a model', (request) => {
    expect(() => requireModel(request)).toThrow(expect.objectContaining({ status: 400, param: 'model' }));
  });
});

describe('duplicateMembers', () => {
  it('finds a second member whatever the values are, and none where there is none', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.oneof(fc.constantFrom('model', 'stream', 'x', '\\', '"'), fc.string({ unit: 'binary' })), fc.jsonValue()), { maxLength: 6 }), (members) => {
      const text = `{${members.map(([name, value]) => `${JSON.stringify(name)} :${JSON.stringify(value)}`).join(',')}}`;
      const isDoubled = members.filter(([name]) => name === 'model').length > 1;
      expect(duplicateMembers(text, new Set(['model']))).toEqual(isDoubled ? ['model'] : []);
    }), { numRuns: 300 });
  });

  it('sees members of the root only, whatever strings hold', () => {
    const text = JSON.stringify({ a: '"model":1', model: 'x\\', list: [{ model: 1 }, 'model'], '"model"': 2 });
    expect(duplicateMembers(text, new Set(['model']))).toEqual([]);
    expect(duplicateMembers('{ "model" : 1 , "b":"\\"" , "model"\n:2}', new Set(['model']))).toEqual(['model']);
  });
});
