import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argumentsForSchema, valueForSchema } from '../src/messages/value-for-schema.ts';
import { createSeededRandom } from '../src/seeded-random.ts';

const valueFor = (schema: unknown, seed = 'x'): unknown => valueForSchema(schema, createSeededRandom(seed));

/** Schemas of the kinds that tools use, each with a check of its values. */
const leaf = fc.oneof(
  fc.constant({ schema: { type: 'boolean' }, holds: (value: unknown) => typeof value === 'boolean' }),
  fc.constant({ schema: { type: 'null' }, holds: (value: unknown) => value === null }),
  fc.tuple(fc.integer({ min: -50, max: 50 }), fc.nat(40)).map(([low, span]) => ({
    schema: { type: 'integer', minimum: low, maximum: low + span }, holds: (value: unknown) => Number.isInteger(value) && Number(value) >= low && Number(value) <= low + span,
  })),
  fc.tuple(fc.nat(5), fc.nat(10)).map(([low, span]) => ({
    schema: { type: 'string', minLength: low, maxLength: low + span }, holds: (value: unknown) => typeof value === 'string' && value.length >= low && value.length <= low + span,
  })),
  fc.array(fc.jsonValue(), { minLength: 1 }).map((values) => ({ schema: { enum: values }, holds: (value: unknown) => values.includes(value as never) })),
);

describe('valueForSchema', () => {
  it('makes values that hold to the schema, whatever the seed', () => {
    fc.assert(fc.property(leaf, fc.string(), ({ schema, holds }, seed) => holds(valueFor(schema, seed))));
  });

  it('makes objects with every required member and arrays of an allowed length', () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), leaf), fc.nat(4), fc.string(), (members, fewest, seed) => {
      const properties = Object.fromEntries(Object.entries(members).map(([name, { schema }]) => [name, schema]));
      const schema = { type: 'array', minItems: fewest, items: { type: 'object', properties, required: Object.keys(properties) } };
      const list = valueFor(schema, seed) as ReadonlyArray<Record<string, unknown>>;
      return list.length >= fewest && list.every((item) => Object.entries(members).every(([name, { holds }]) => Object.hasOwn(item, name) && holds(item[name])));
    }));
  });

  it('follows references and alternatives, and ends in a schema that contains itself', () => {
    const tree = { $ref: '#/$defs/node', $defs: { node: { type: 'object', properties: { next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } }, required: ['next'] } } };
    expect(JSON.stringify(valueFor(tree))).toContain('"next":null');
    expect(valueFor({ allOf: [{ properties: { a: { const: 1 } }, required: ['a'] }, { properties: { b: { const: 2 } }, required: ['b'] }] })).toEqual({ a: 1, b: 2 });
    expect(valueFor({ type: ['integer', 'null'], exclusiveMinimum: 4, exclusiveMaximum: 6 })).toBe(5);
  });

  it('never throws, and gives a tool an object in any case', () => {
    fc.assert(fc.property(fc.jsonValue(), (schema) => {
      const value = argumentsForSchema(schema, createSeededRandom('x'));
      return typeof value === 'object' && !Array.isArray(value);
    }));
  });
});
