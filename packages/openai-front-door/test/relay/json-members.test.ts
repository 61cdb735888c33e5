import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { JsonMembers, readJson } from '../../src/relay/json-members.ts';

const NAMES = ['model', 'usage', 'error'];

function membersOf(text: string, size: number, maxValueBytes = 1_000): Record<string, unknown> {
  const members = new JsonMembers(NAMES, maxValueBytes);
  const bytes = Buffer.from(text);
  for (let index = 0; index < bytes.length; index += size) members.write(bytes.subarray(index, index + size));
  return Object.fromEntries([...members.found()].map(([name, value]) => [name, readJson(value)]));
}

it('reads the chosen members of the root, and only of the root, of any JSON, cut anywhere', () => {
  const key = fc.oneof(fc.constantFrom('model', 'usage', 'other', 'a"b', 'c\\'), fc.string({ maxLength: 3 }));
  const value = fc.oneof(fc.string(), fc.constantFrom('\\', '"', '{"usage":1}', ',"model":"x"}'), fc.jsonValue({ maxDepth: 3 }), fc.dictionary(key, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }));
  fc.assert(fc.property(fc.dictionary(key, value, { maxKeys: 6 }), fc.integer({ min: 1, max: 9 }), fc.constantFrom(0, 1), (object, size, indent) => {
    const parsed = JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
    const expected = Object.fromEntries(Object.entries(parsed).filter(([name]) => NAMES.includes(name)));
    expect(membersOf(JSON.stringify(object, null, indent), size, 1_000_000)).toEqual(expected);
  }), { numRuns: 1_000 });
});

it('holds no more of a value than its bound, and reads on', () => {
  for (const size of [1, 10, 10_000]) expect(membersOf(`{"error":"${'x'.repeat(2_000)}","usage":{"a":[1,{"b":2}]}}`, size)).toEqual({ usage: { a: [1, { b: 2 }] } });
});

it.each(['', '[', '[{"usage":1}]', '"usage"', '{"usage":', '{"usage":{"a":1}', '}}}]],,::"', '{"usage" 1}'])('finds nothing in %j, and does not throw', (text) => {
  for (const size of [1, 100]) expect(membersOf(text, size)).toEqual({});
});
