import * as fc from 'fast-check';

const { schema } = fc.letrec<{ schema: Record<string, unknown> }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ type: fc.constant('string'), minLength: fc.nat(3), maxLength: fc.nat(9), format: fc.constantFrom('date', 'zip', 'uuid'), pattern: fc.constantFrom('^a', '\\d+'), description: fc.constant('A text') }, { requiredKeys: ['type'] }),
    fc.record({ type: fc.constantFrom('integer', 'number', ['integer', 'null']), minimum: fc.integer(), exclusiveMaximum: fc.integer(), multipleOf: fc.constant(2), default: fc.constant(1) }, { requiredKeys: ['type'] }),
    fc.record({ enum: fc.constantFrom(['a', null], [1, { a: 1 }], []), const: fc.constantFrom(1, 'x', {}), title: fc.constant('T') }, { requiredKeys: ['enum'] }),
    fc.record({ type: fc.constantFrom('array', ['array', 'null']), items: tie('schema'), minItems: fc.nat(3), maxItems: fc.nat(3), uniqueItems: fc.boolean(), prefixItems: fc.tuple(tie('schema')) }, { requiredKeys: ['type'] }),
    fc.record({ oneOf: fc.tuple(tie('schema')), anyOf: fc.tuple(tie('schema'), tie('schema')), allOf: fc.tuple(tie('schema')), not: tie('schema') }, { requiredKeys: ['oneOf'] }),
    fc.record({ $ref: fc.constant('#/$defs/a'), description: fc.constant('A'), nullable: fc.boolean() }, { requiredKeys: ['$ref'] }),
    fc.record({ type: fc.constantFrom('object', ['object', 'null']), properties: fc.dictionary(fc.constantFrom('a', 'b', 'type', '__proto__'), tie('schema'), { maxKeys: 3 }), required: fc.constant(['a']), additionalProperties: fc.constantFrom(false, true, {}), minProperties: fc.nat(2), patternProperties: fc.constant({ '^x': {} }), $schema: fc.constant('https://json-schema.org/draft/2020-12/schema') }, { requiredKeys: ['type', 'properties'] }),
  ) as fc.Arbitrary<Record<string, unknown>>,
}));

/** A schema as libraries write them, with keywords that decoding can enforce and others. */
export const librarySchema: fc.Arbitrary<Record<string, unknown>> = schema.map((inner) => ({ type: 'object', properties: { a: inner }, required: ['a'], $defs: { a: { type: 'string', maxLength: 3 } } }));
