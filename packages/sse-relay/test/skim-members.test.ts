import { array, assert, constantFrom, json, jsonValue, nat, oneof, property, record, string, tuple, uint8Array, dictionary } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { skimMembers } from '../src/usage/skim-members.ts';

const NAMES = ['model', 'stop_reason', 'usage', 'error'];
const skim = (text: string): unknown => skimMembers(Buffer.from(text), NAMES);

/** What the parser says of the same members. */
function parsed(text: string): unknown {
  const value = JSON.parse(text) as Record<string, unknown>;
  return Object.fromEntries(NAMES.filter((name) => Object.hasOwn(value, name)).map((name) => [name, value[name]]));
}

/** Texts with what is hard to find the end of. */
const hardText = array(constantFrom('"', '\\', '\\\\"', '{', '}', '[', ']', ',', ':', '"usage":', 'é', '😀', ' '.repeat(30), 'x'.repeat(40), '\n'), { maxLength: 12 }).map((parts) => parts.join(''));
const value = oneof(hardText, jsonValue({ maxDepth: 3 }), record({ usage: jsonValue({ maxDepth: 1 }), model: hardText }), array(hardText));
const member = tuple(oneof(constantFrom(...NAMES), string({ maxLength: 12 }).filter((name) => !JSON.stringify(name).includes('\\'))), value);

describe('skimming a JSON object', () => {
  it.each([
    ['{"usage":{"input_tokens":1},"model":"m"}', { usage: { input_tokens: 1 }, model: 'm' }],
    ['{ "a" : [1, {"usage": 2}] , "usage" : null }', { usage: null }],
    ['{"text":"\\"usage\\":{}, \\\\","usage":1}\n', { usage: 1 }],
    ['{"usage":1,"usage":2}', { usage: 2 }],
    ['{"error":{"type":"overloaded_error"},"n":-1.5e3,"t":true}', { error: { type: 'overloaded_error' } }],
  ])('reads %s', (text, expected) => {
    expect(skim(text)).toEqual(expected);
  });

  it.each([
    '', '{', '{}', '[]', '"usage"', '{"usage"', '{"usage":', '{"usage":}', '{"usage" 1}', '{"a":1', '{"a":1}}', '{"a":1}x', '{"a":1,}', '{,"a":1}', '{"us\\u0061ge":1}', '\ufeff{"a":1}', '{"a":"x}', '{a:1}',
  ])('leaves %s to the parser', (text) => {
    expect(skim(text)).toBeUndefined();
  });

  it.each(['{"usage":nul}', '{"usage":{"a":1,}}', '{"model":"\n"}'])('throws where a wanted value is no JSON: %s', (text) => {
    expect(() => skim(text)).toThrow(SyntaxError);
  });

  it('says of any object what the parser says, however it is spaced', () => {
    assert(property(array(member, { minLength: 1, maxLength: 8 }), constantFrom('', ' ', '\n\t'), (members, space) => {
      const text = `{${space}${members.map(([name, content]) => `${JSON.stringify(name)}${space}:${space}${JSON.stringify(content, undefined, space === '' ? 0 : 2)}${space}`).join(`,${space}`)}}${space}`;
      expect(skim(text)).toEqual(parsed(text));
    }), { numRuns: 2_000 });
  });

  it('takes no cut text for a whole one', () => {
    assert(property(dictionary(string({ minLength: 1 }), value, { minKeys: 1 }), nat(), (object, cut) => {
      const bytes = Buffer.from(JSON.stringify(object));
      const whole = skimMembers(bytes, []);
      expect(whole === undefined ? Object.keys(object).some((name) => JSON.stringify(name).includes('\\')) : whole).toEqual(whole === undefined ? true : {});
      expect(skimMembers(bytes.subarray(0, cut % bytes.length), [])).toBeUndefined();
    }), { numRuns: 2_000 });
  });

  it('ends for any bytes, with nothing but an object, nothing or a SyntaxError', () => {
    assert(property(oneof(uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)), json().map((text) => Buffer.from(`{"usage":${text}`)), hardText.map((text) => Buffer.from(`{"usage":"${text}`))), (bytes) => {
      try {
        skimMembers(bytes, NAMES);
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
    }), { numRuns: 3_000 });
  });
});
