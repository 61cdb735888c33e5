import { describe, expect, it } from 'vitest';
import { findRefusedReference } from '../../src/messages-core/schema-references.ts';
import { responseRefusal } from '../support/translate-response.ts';
import { refusal, translate } from '../support/translate.ts';

const to = (target: string): object => ({ $ref: target });
const leaf = { type: 'string' };

describe('findRefusedReference', () => {
  it.each<[string, object]>([
    ['no reference', { properties: { a: leaf } }],
    ['one definition used twice', { properties: { a: to('#/$defs/x'), b: to('#/$defs/x') }, $defs: { x: leaf } }],
    ['a chain', { properties: { a: to('#/$defs/x') }, $defs: { x: { items: to('#/$defs/y') }, y: leaf } }],
    ['a place that is no definition', { properties: { a: leaf, b: to('#/properties/a') } }],
    ['a name that is escaped', { properties: { a: to('#/$defs/a~1b%20~0') }, $defs: { 'a/b ~': leaf } }],
    ['a property of that name', { properties: { $ref: leaf } }],
  ])('takes %s', (_what, schema) => {
    expect(findRefusedReference(schema)).toBeUndefined();
  });

  it.each<[string, string, object, string]>([
    ['another document', 'elsewhere', { properties: { a: to('https://example.com/a.json') } }, '/properties/a'],
    ['nothing', 'nowhere', { properties: { a: to('#/$defs/x') } }, '/properties/a'],
    ['an anchor', 'nowhere', { properties: { a: to('#x') }, $defs: { x: leaf } }, '/properties/a'],
    ['the whole', 'recursive', { properties: { a: to('#') } }, '/properties/a'],
    ['itself', 'recursive', { properties: { n: to('#/$defs/n') }, $defs: { n: { properties: { child: to('#/$defs/n') } } } }, '/$defs/n/properties/child'],
    ['itself by another', 'recursive', { anyOf: [to('#/$defs/a')], $defs: { a: { items: to('#/$defs/b') }, b: { items: to('#/$defs/a') } } }, '/$defs/b/items'],
    ['what is around it', 'recursive', { properties: { a: { properties: { b: to('#/properties/a') } } } }, '/properties/a/properties/b'],
  ])('refuses a reference to %s: %s', (_what, problem, schema, at) => {
    const refused = findRefusedReference(schema);
    expect(refused?.problem).toBe(problem);
    // Of a circle any reference may be named.
    if (problem === 'recursive') expect(refused?.at).toMatch(/^\/(?:\$defs|properties)/);
    else expect(refused?.at).toBe(at);
  });

  it('follows a chain of 12,000 definitions without recursion of its own', () => {
    const names = Array.from({ length: 12_000 }, (_, index) => `d${index}`);
    const definitions = (last: object): object => ({ properties: { a: to('#/$defs/d0') }, $defs: Object.fromEntries(names.map((name, index) => [name, index === names.length - 1 ? last : { items: to(`#/$defs/d${index + 1}`) }])) });
    expect(findRefusedReference(definitions(leaf))).toBeUndefined();
    expect(findRefusedReference(definitions(to('#/$defs/d0')))).toMatchObject({ problem: 'recursive' });
  });
});

describe('a schema that is enforced', () => {
  const node = { type: 'object', properties: { child: to('#/$defs/node') }, $defs: { node: { type: 'object', properties: { child: to('#/$defs/node') } } } };

  it('cannot contain itself: the 400 names where, in both protocols and in strict tools', () => {
    const at = /\.\$defs\.node\.properties\.child\.\$ref$/;
    for (const error of [
      refusal({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema: node } } }), refusal({ tools: [{ type: 'function', function: { name: 'f', strict: true, parameters: node } }] }),
      responseRefusal({ text: { format: { type: 'json_schema', name: 'x', schema: node } } }), responseRefusal({ tools: [{ type: 'function', name: 'f', strict: true, parameters: node }] }),
    ]) expect(error).toMatchObject({ status: 400, param: expect.stringMatching(at) as string, message: expect.stringContaining('as many levels as are needed') as string });
  });

  it('may where it is not enforced', () => {
    expect(translate({ tools: [{ type: 'function', function: { name: 'f', parameters: node } }] }).body['tools']).toMatchObject([{ input_schema: node }]);
  });

  it('has a reference with a description beside it as pydantic writes it: allOf takes none upstream', () => {
    const schema = { type: 'object', properties: { a: { allOf: [to('#/$defs/x')], description: 'An x' } }, $defs: { x: leaf }, additionalProperties: false };
    const { body, ignored } = translate({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } });
    expect(body['output_config']).toMatchObject({ format: { schema: { properties: { a: { anyOf: [to('#/$defs/x')], description: 'An x' } } } } });
    expect(ignored).toEqual(['response_format.json_schema.schema.allOf']);
    const several = { type: 'object', properties: { a: { allOf: [to('#/$defs/x'), { title: 'A' }] } }, $defs: { x: leaf }, additionalProperties: false };
    expect(translate({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema: several } } }).body['output_config']).toMatchObject({ format: { schema: { properties: { a: { description: '{allOf: [{"$ref":"#/$defs/x"},{"title":"A"}]}' } } } } });
  });
});
