import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitSchema } from '../../src/messages-core/fit-schema.ts';
import type { JsonObject } from '../../src/json/json-value.ts';
import { mergeTopVariants } from '../../src/messages-core/merge-variants.ts';
import { refusal, translate } from '../support/translate.ts';

const object = (more: object = {}): JsonObject => ({ type: 'object', ...more });
const formatOf = (schema: unknown, strict: boolean): Record<string, unknown> => ({ response_format: { type: 'json_schema', json_schema: { name: 'x', strict, schema } } });

const closed = { additionalProperties: false };

describe('fitSchema', () => {
  it('adds additionalProperties: false to every object wherever a schema stands, and changes nothing else', () => {
    const given = object({
      properties: { a: object(), properties: { type: 'string' }, list: { type: 'array', items: object(), minItems: 1 }, b: { type: ['object', 'null'] }, c: { properties: {} }, d: { type: 'string', format: 'date' } },
      $defs: { d: { anyOf: [object(), { type: 'null' }] } }, required: ['a'], description: 'x', title: 'y',
    });
    const { schema, changed, openAt } = fitSchema(given);
    expect(schema).toEqual(object({
      properties: { a: object(closed), properties: { type: 'string' }, list: { type: 'array', items: object(closed), minItems: 1 }, b: { type: ['object', 'null'], ...closed }, c: { properties: {}, ...closed }, d: { type: 'string', format: 'date' } },
      $defs: { d: { anyOf: [object(closed), { type: 'null' }] } }, required: ['a'], description: 'x', title: 'y', ...closed,
    }));
    expect([[...changed], openAt]).toEqual([['additionalProperties'], undefined]);
  });

  it.each<[string, object, object]>([
    ['minLength', { type: 'string', minLength: 2, description: 'A name' }, { type: 'string', description: 'A name\n\n{minLength: 2}' }],
    ['maximum', { type: 'integer', maximum: 9 }, { type: 'integer', description: '{maximum: 9}' }],
    ['pattern', { type: 'string', pattern: '^a"' }, { type: 'string', description: '{pattern: "^a\\""}' }],
    ['format', { type: 'string', format: 'zip' }, { type: 'string', description: '{format: "zip"}' }],
    ['minItems', { type: 'array', minItems: 2, items: { type: 'null' } }, { type: 'array', items: { type: 'null' }, description: '{minItems: 2}' }],
    ['items', { type: 'array', items: [{ type: 'null' }] }, { type: 'array', description: '{items: [{"type":"null"}]}' }],
    ['enum', { enum: [{ a: 1 }] }, { description: '{enum: [{"a":1}]}' }],
    ['default', { type: 'boolean', default: false }, { type: 'boolean', description: '{default: false}' }],
    ['oneOf', { oneOf: [{ type: 'null' }] }, { anyOf: [{ type: 'null' }] }],
  ])('moves %s into the description, or to what can stand for it, and names it', (keyword, given, fitted) => {
    const { schema, changed } = fitSchema({ anyOf: [given as JsonObject] });
    expect(schema).toEqual({ anyOf: [fitted] });
    expect([...changed]).toEqual([keyword]);
  });

  it('moves several keywords in their order, keeps a number as it was written, and says nothing of the dialect', () => {
    const given = JSON.parse('{"$schema":"x","type":"integer","minimum":1,"exclusiveMaximum":7}') as JsonObject;
    expect(fitSchema(given)).toMatchObject({ schema: { type: 'integer', description: '{minimum: 1, exclusiveMaximum: 7}' } });
    const { body } = translate(JSON.parse(`{"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"integer","maximum":12345678901234567890}}}}`) as Record<string, unknown>);
    expect(JSON.stringify(body['output_config'])).toContain('maximum');
  });

  it('lets a reference stand alone, with the definitions of a root beside it', () => {
    const given = { $ref: '#/$defs/a', description: 'x', $defs: { a: object({ properties: { b: { $ref: '#/$defs/a', minLength: 1 } } }) } };
    const { schema, changed } = fitSchema(given);
    expect(schema).toEqual({ $ref: '#/$defs/a', $defs: { a: object({ properties: { b: { $ref: '#/$defs/a' } }, ...closed }) } });
    expect([...changed].toSorted()).toEqual(['additionalProperties', 'description', 'minLength']);
  });

  it('names the object that is described by members of any name, and closes one that only admits them', () => {
    expect(fitSchema(object({ properties: { a: object({ additionalProperties: { type: 'string' } }) } }))).toMatchObject({ openAt: '.properties.a' });
    expect(fitSchema(object({ additionalProperties: true })).openAt).toBe('');
    expect(fitSchema(object({ properties: { a: { type: 'string' } }, additionalProperties: true }))).toMatchObject({ openAt: undefined, schema: closed });
  });

  it('leaves what fits as it is, name for name', () => {
    fc.assert(fc.property(fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('type', 'anyOf', 'items', 'minimum', 'enum', '$ref', 'properties', 'description')), fc.jsonValue({ maxDepth: 3 })), (given) => {
      const once = fitSchema(given).schema;
      const twice = fitSchema(once);
      expect(JSON.stringify(twice.schema)).toBe(JSON.stringify(once));
      expect([...twice.changed]).toEqual([]);
    }), { numRuns: 1000 });
  });
});

describe('response_format', () => {
  it.each([true, false])('fills in additionalProperties: false, which the upstream demands, and reports it (strict: %j)', (strict) => {
    const { body, ignored } = translate(formatOf(object({ properties: { a: { type: 'string' } } }), strict));
    expect(body['output_config']).toEqual({ format: { type: 'json_schema', schema: object({ properties: { a: { type: 'string' } }, additionalProperties: false }) } });
    expect(ignored).toEqual(['response_format.json_schema.schema.additionalProperties']);
  });

  it('refuses an object that demands to be open and names it (the upstream enforces every schema)', () => {
    expect(refusal(formatOf(object({ properties: { a: object({ additionalProperties: {} }) } }), false))).toMatchObject({ status: 400, param: 'response_format.json_schema.schema.properties.a' });
    const { param } = refusal(formatOf(object({ properties: { ['x'.repeat(100_000)]: object({ additionalProperties: true }) } }), true));
    expect(param?.length).toBeLessThan(300);
  });
});

describe('mergeTopVariants', () => {
  const STRING = { type: 'string' };
  const NUMBER = { type: 'number' };

  it.each(['anyOf', 'oneOf'])('makes one object of the variants of %s: all properties, and what all of them require', (combinator) => {
    const given = {
      description: 'd', [combinator]: [object({ title: 'A', properties: { kind: { const: 'a' }, x: STRING }, required: ['kind', 'x'] }), object({ properties: { kind: { const: 'b' }, x: STRING }, required: ['kind'] })],
    };
    expect(mergeTopVariants(given)).toEqual({ isMerged: true, schema: object({ description: 'd', properties: { kind: { anyOf: [{ const: 'a' }, { const: 'b' }] }, x: STRING }, required: ['kind'] }) });
  });

  it('makes one object of allOf: all properties, and what any of them requires', () => {
    const given = object({ properties: { a: STRING }, required: ['a'], allOf: [{ properties: { b: NUMBER }, required: ['b'] }, { properties: { a: NUMBER } }] });
    expect(mergeTopVariants(given)?.schema).toEqual(object({ properties: { a: { allOf: [STRING, NUMBER] }, b: NUMBER }, required: ['a', 'b'] }));
  });

  it('follows references to definitions, leaves out variants that are no objects, and stays closed where all are', () => {
    const given = { $defs: { 'a/b': object({ properties: { x: STRING }, additionalProperties: false }) }, anyOf: [{ $ref: '#/$defs/a~1b' }, { type: 'null' }, object({ properties: { y: STRING }, additionalProperties: false })] };
    expect(mergeTopVariants(given)?.schema).toEqual({ $defs: given.$defs, type: 'object', properties: { x: STRING, y: STRING }, additionalProperties: false });
  });

  it('takes variants that only require something', () => {
    expect(mergeTopVariants(object({ properties: { a: STRING, b: STRING }, required: ['c'], anyOf: [{ required: ['a'] }, { required: ['b'] }] }))?.schema)
      .toEqual(object({ properties: { a: STRING, b: STRING }, required: ['c'] }));
  });

  it('leaves a schema without them as it is', () => {
    const given = object({ properties: { a: { anyOf: [STRING, NUMBER] } } });
    expect(mergeTopVariants(given)).toEqual({ schema: given, isMerged: false });
    expect(mergeTopVariants(given)?.schema).toBe(given);
  });

  it.each([
    [{ anyOf: [] }], [{ anyOf: 'x' }], [{ anyOf: [STRING] }], [{ anyOf: [{ $ref: '#/$defs/none' }] }], [{ anyOf: [{ $ref: 'https://x.test/schema' }] }], [{ $defs: { a: { $ref: '#/$defs/a' } }, oneOf: [{ $ref: '#/$defs/a' }] }],
    [{ anyOf: [object({ patternProperties: {} })] }], [{ oneOf: [object(), true] }], [{ anyOf: [{ not: {} }] }], [{ allOf: [STRING] }],
  ])('has nothing to stand for %j', (schema) => {
    expect(mergeTopVariants(schema)).toBeUndefined();
    const tools = [{ type: 'function', function: { name: 'look_up', parameters: schema } }];
    expect(refusal({ tools })).toMatchObject({ status: 400, param: 'tools[0].function.parameters', message: expect.stringContaining('look_up') });
  });

  it('is reported, and gives an object at the top in every case', () => {
    const { body, ignored } = translate({ tools: [{ type: 'function', function: { name: 'a', parameters: { anyOf: [object()] } } }] });
    expect(body['tools']).toEqual([{ name: 'a', input_schema: object({ properties: {} }) }]);
    expect(ignored).toEqual(['tools.function.parameters']);
  });
});
