import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { outlineOf } from '../../src/json/json-outline.ts';
import { createStringEnds } from '../../src/json/json-strings.ts';
import { isKeptNumber, parseJsonExactly, stringifyExactly } from '../../src/json/parse-json.ts';
import { parseJsonRequest, requireModel } from '../../src/json/parse-json-request.ts';

const NO_BOUND = Number.POSITIVE_INFINITY;

describe('parseJsonExactly', () => {
  it.each([
    '{"id":12345678901234567890}', '[0.12345678901234567,1e400,-1e-400]', '{"a":{"b":[9007199254740993]}}', '{"big":123456789012345678901234567890.5}', '-12345678901234567890',
    '{"1234567890123456789":"12345678901234567890","\\\\":"\\"12345678901234567890","x":[12345678901234567890,"12345678901234567890"]}',
  ])('writes %s back as it was', (text) => {
    expect(stringifyExactly(parseJsonExactly(text))).toBe(text);
  });

  it('leaves ordinary numbers numbers', () => {
    expect(parseJsonExactly('{"a":0.70,"b":1e5,"c":[1.0],"d":12345678901234567890}')).toMatchObject({ a: 0.7, b: 100_000, c: [1] });
  });

  it.each(['012345678901234567890', '-', '[12345678901234567890.]', '12345678901234567890e', '{12345678901234567890:1}', '[1 12345678901234567890]', '+12345678901234567890', '1234567890123456.7.8'])('refuses %s as any parser does', (text) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    expect(() => parseJsonExactly(text)).toThrow(SyntaxError);
  });

  it('reads any JSON as a parser does and writes it as it was', () => {
    const number = fc.oneof(fc.bigInt().map(String), fc.double({ noDefaultInfinity: true, noNaN: true }).map(String), fc.constantFrom('-0', '1E5', '0.1e-7', '1e-999', '123456789012345.6789'));
    const { value } = fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof({ maxDepth: 3 }, number, fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)), fc.constantFrom('true', 'null'), fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
        fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 3 }).map((members) => `{${members.map(([name, item], index) => `${JSON.stringify(`${index}x${name}`)}:${item}`).join(',')}}`)),
    }));
    fc.assert(fc.property(value, (text) => {
      const parsed = parseJsonExactly(text);
      expect(JSON.stringify(JSON.parse(stringifyExactly(parsed)))).toBe(JSON.stringify(JSON.parse(text)));
      // A long number keeps its digits; a short one is written as JavaScript writes it.
      if (isKeptNumber(parsed)) expect(stringifyExactly(parsed)).toBe(text);
    }), { numRuns: 500 });
  });
});

describe('parseJsonRequest', () => {
  it.each(['', '{', '[]', '"x"', 'null', '{"a":1}x', '{"a":\u0001}', '\ufeff{"a":1}'])('refuses %j without quoting it (it is the client\'s prompt)', (text) => {
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

describe('a request of too many values', () => {
  const TOO_MANY = `{"model":"m","x":[${'{},'.repeat(600)}`;

  it('a body with too many values: is refused before it is parsed (30 MB of {} would take 1 GB and block the event loop for seconds)', () => {
    // The body is not valid JSON: the 413 shows that it was not parsed.
    expect(() => parseJsonRequest(Buffer.from(TOO_MANY), 1000)).toThrow(expect.objectContaining({ status: 413, code: 'too_large' }));
    expect(() => parseJsonRequest(Buffer.from(TOO_MANY), 2000)).toThrow(expect.objectContaining({ status: 400, code: 'invalid_json' }));
    expect(parseJsonRequest(Buffer.from(`${TOO_MANY}1]}`), 2000)).toMatchObject({ model: 'm' });
  });

  it('counts a text once, whatever it holds', () => {
    expect(outlineOf(JSON.stringify({ a: '{},[],'.repeat(1000), b: [1, 2] }), new Set(), NO_BOUND).values).toBeLessThan(10);
  });

  it('refuses objects and arrays that are nested too deeply, as the native side does', () => {
    const nested = (depth: number): Buffer => Buffer.from(`{"model":"m","x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`);
    expect(parseJsonRequest(nested(1000))).toMatchObject({ model: 'm' });
    expect(() => parseJsonRequest(nested(1001))).toThrow(expect.objectContaining({ status: 400, code: 'invalid_json' }));
  });

  it('refuses more numbers of many digits than are kept (each becomes an object)', () => {
    const numbers = (count: number): Buffer => Buffer.from(`{"model":"m","x":[${'1e999,'.repeat(count)}1]}`);
    expect(parseJsonRequest(numbers(50_000))).toMatchObject({ model: 'm' });
    expect(() => parseJsonRequest(numbers(50_001))).toThrow(expect.objectContaining({ status: 413, code: 'too_large' }));
    // A number that JavaScript writes as it was read is not kept apart.
    expect(parseJsonRequest(Buffer.from(`{"model":"m","x":[${'0.12345678901234567,'.repeat(60_000)}1]}`.replaceAll('0.12345678901234567', String(0.1234567890123456))))).toMatchObject({ model: 'm' });
  });

  it('counts no further than its bound', () => {
    expect(outlineOf('[,'.repeat(1000), new Set(), 10).values).toBe(11);
  });
});

describe('outlineOf', () => {
  it('finds a second member whatever the values are, and none where there is none', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.oneof(fc.constantFrom('model', 'stream', 'x', '\\', '"'), fc.string({ unit: 'binary' })), fc.jsonValue()), { maxLength: 6 }), (members) => {
      const text = `{${members.map(([name, value]) => `${JSON.stringify(name)} :${JSON.stringify(value)}`).join(',')}}`;
      const isDoubled = members.filter(([name]) => name === 'model').length > 1;
      expect(outlineOf(text, new Set(['model']), NO_BOUND).duplicates).toEqual(isDoubled ? ['model'] : []);
    }), { numRuns: 300 });
  });

  it('counts at least as many values as there are', () => {
    const count = (value: unknown): number => (typeof value !== 'object' || value === null ? 1 : 1 + Object.values(value).reduce<number>((sum, inner) => sum + count(inner), 0));
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      expect(outlineOf(JSON.stringify(value), new Set(), NO_BOUND).values).toBeGreaterThanOrEqual(count(value));
    }), { numRuns: 300 });
  });

  it('sees members of the root only, whatever strings hold', () => {
    const duplicatesOf = (text: string): readonly string[] => outlineOf(text, new Set(['model']), NO_BOUND).duplicates;
    expect(duplicatesOf(JSON.stringify({ a: '"model":1', model: 'x\\', list: [{ model: 1 }, 'model'], '"model"': 2 }))).toEqual([]);
    expect(duplicatesOf('{ "model" : 1 , "b":"\\"" , "model"\n:2}')).toEqual(['model']);
  });
});

describe('what a text costs before it is known to be JSON', () => {
  /** The texts that marking numbers in, or counting values of, would take longest. */
  const TEXTS: readonly (readonly [string, string])[] = [
    ['numbers that no comma divides', `{"y":${'1e999 '.repeat(500_000)}}`], ['digits alone', '0'.repeat(3_000_000)], ['single digits', '1 '.repeat(1_500_000)],
    ['an open string of quotes', `{"y":"${'\\"'.repeat(1_500_000)}`], ['backslashes', `{"y":"${'\\\\'.repeat(1_500_000)}`], ['empty strings', '""'.repeat(1_500_000)],
  ];

  it.each(TEXTS)('is what the parser itself takes to refuse it: no number is looked at before (%s)', (_name, text) => {
    const parse = vi.spyOn(JSON, 'parse');
    expect(() => parseJsonRequest(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'invalid_json' }));
    const parsed = parse.mock.calls.map(([given]) => given === text);
    parse.mockRestore();
    expect(parsed).toEqual([true]);
  });

  it('finds the end of each string, whatever stands in it', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('\\', '"', '\\"', '\\\\', 'plain')), { maxLength: 8 }), (strings) => {
      const text = JSON.stringify(strings);
      const endOfString = createStringEnds(text);
      const found: string[] = [];
      for (let index = text.indexOf('"'); index !== -1;) {
        const end = endOfString(index);
        found.push(JSON.parse(text.slice(index, end)) as string);
        index = text.indexOf('"', end);
      }
      expect(found).toEqual(strings);
    }), { numRuns: 500 });
    expect([createStringEnds('"a')(0), createStringEnds('"a\\"')(0), createStringEnds('"\\')(0)]).toEqual([2, 4, 2]);
  });
});
