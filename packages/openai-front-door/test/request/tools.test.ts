import { describe, expect, it } from 'vitest';
import { PERMISSIVE, refusal, settingsOf, translate } from '../support/translate.ts';

const tool = (name: string, more: object = {}): object => ({ type: 'function', function: { name, ...more } });
const TWO = [tool('a'), tool('b')];
const EMPTY = { type: 'object', properties: {} };
const CLOSED = { type: 'object', properties: { x: { type: 'object', additionalProperties: false } }, additionalProperties: false };

describe('tools', () => {
  it('carries the whole JSON Schema verbatim (a rebuilt one loses what it does not know)', () => {
    const parameters = {
      $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object', additionalProperties: false, required: ['x'], $defs: { n: { anyOf: [{ type: 'null' }, { const: 1 }] } },
      properties: { x: { $ref: '#/$defs/n' }, y: { enum: [1, null, 'z'], default: 'z' }, z: { oneOf: [{ type: 'string' }, { type: 'object' }] } }, dependentRequired: { x: ['y'] },
    };
    expect(translate({ tools: [tool('a', { description: 'An a', parameters })] }).body['tools']).toEqual([{ name: 'a', description: 'An a', input_schema: parameters }]);
  });

  it.each([[undefined, EMPTY], [null, EMPTY], [{}, EMPTY], [{ type: null }, EMPTY], [{ type: null, properties: { x: {} } }, { type: 'object', properties: { x: {} } }], [{ properties: { x: {} } }, { type: 'object', properties: { x: {} } }]])('completes parameters %j', (parameters, expected) => {
    expect(translate({ tools: [tool('a', { parameters })] }).body['tools']).toEqual([{ name: 'a', input_schema: expected }]);
  });

  it.each([
    ['without a type', { function: { name: 'a', description: 'An a', parameters: EMPTY } }],
    ['flat, as in the Responses API', { type: 'function', name: 'a', description: 'An a', parameters: EMPTY, strict: false }],
    ['flat, without a type', { name: 'a', description: 'An a', parameters: EMPTY }],
    ['as Anthropic writes it', { name: 'a', description: 'An a', input_schema: EMPTY }],
    ['as Anthropic writes it, with its type', { type: 'custom', name: 'a', description: 'An a', input_schema: EMPTY }],
  ])('takes a tool %s (Cursor and others mix the shapes)', (_shape, given) => {
    const { body, ignored } = translate({ tools: [given, tool('b')] });
    expect(body['tools']).toEqual([{ name: 'a', description: 'An a', input_schema: EMPTY }, { name: 'b', input_schema: EMPTY }]);
    expect(ignored).toEqual([]);
  });

  it('keeps cache breakpoints and strict of flat tools and reports their unknown members', () => {
    const { body, ignored } = translate({ tools: [{ type: 'function', name: 'a', strict: true, defer_loading: true, cache_control: { type: 'ephemeral' }, parameters: { type: 'object', additionalProperties: false } }] });
    expect(body['tools']).toEqual([{ name: 'a', input_schema: { type: 'object', additionalProperties: false }, strict: true, cache_control: { type: 'ephemeral' } }]);
    expect(ignored).toEqual(['tools[0].defer_loading'.replace('[0]', '')]);
  });

  it('takes an empty list of functions beside tools, and of tools beside functions', () => {
    expect(translate({ tools: TWO, functions: [] }).body['tools']).toHaveLength(2);
    expect(translate({ tools: [], functions: [{ name: 'a' }] }).body['tools']).toHaveLength(1);
  });

  it('passes strict where the model takes it, else reports it', () => {
    expect(translate({ tools: [tool('a', { strict: true, parameters: CLOSED })] })).toMatchObject({ body: { tools: [{ strict: true, input_schema: CLOSED }] }, ignored: [] });
    const weak = translate({ tools: [tool('a', { strict: true })] }, { capabilities: { ...PERMISSIVE, structuredOutputs: false } });
    expect(weak.body['tools']).toEqual([{ name: 'a', input_schema: EMPTY }]);
    expect(weak.ignored).toEqual(['tools.function.strict']);
  });

  it('maps legacy functions', () => {
    expect(translate({ functions: [{ name: 'a', parameters: {} }] }).body).toMatchObject({ tools: [{ name: 'a' }], tool_choice: { type: 'auto', disable_parallel_tool_use: true } });
    expect(translate({ functions: [{ name: 'a' }], function_call: 'none' }).body['tool_choice']).toEqual({ type: 'none' });
    expect(translate({ functions: [{ name: 'a' }], function_call: { name: 'a' } }).body['tool_choice']).toEqual({ type: 'tool', name: 'a', disable_parallel_tool_use: true });
  });

  it('reports what it does not know of a tool', () => {
    const { ignored } = translate({ tools: [{ ...tool('a', { examples: [1], strict: false }), defer: true, cache_control: null }] });
    expect(ignored).toEqual(['tools.defer', 'tools.function.examples']);
    expect(translate({ functions: [{ name: 'a', examples: [1] }] }).ignored).toEqual(['functions.examples']);
  });

  it('reports a wish for parallel legacy calls, for which an answer has no room', () => {
    expect(translate({ functions: [{ name: 'a' }], parallel_tool_calls: true }).ignored).toEqual(['parallel_tool_calls']);
    expect(translate({ functions: [{ name: 'a' }], parallel_tool_calls: false }).ignored).toEqual([]);
  });

  it.each([
    [{ tools: 'x' }, 'tools'], [{ tools: [7] }, 'tools[0]'], [{ tools: [{ type: 'custom', custom: { name: 'a' } }] }, 'tools[0].type'],
    [{ tools: [tool('a b')] }, 'tools[0].function.name'], [{ tools: [tool('')] }, 'tools[0].function.name'], [{ tools: [tool('x'.repeat(129))] }, 'tools[0].function.name'],
    [{ tools: [tool('a'), tool('a')] }, 'tools[1].function.name'], [{ tools: [tool('a', { parameters: { type: 'array' } })] }, 'tools[0].function.parameters.type'],
    [{ tools: [tool('a', { parameters: [] })] }, 'tools[0].function.parameters'], [{ tools: [tool('a', { description: 1 })] }, 'tools[0].function.description'],
    [{ tools: [tool('a', { strict: 'yes' })] }, 'tools[0].function.strict'], [{ tools: TWO, functions: [{ name: 'a' }] }, 'functions'],
    [{ tools: TWO, function_call: 'auto' }, 'function_call'], [{ functions: [{ name: 'a' }], tool_choice: 'auto' }, 'tool_choice'],
    [{ functions: [{ name: 'a' }], function_call: { name: 'b' } }, 'function_call.name'], [{ functions: [{ name: 'a' }, { name: 'a' }] }, 'functions[1].name'],
    [{ functions: [{ name: 'a' }], function_call: 'maybe' }, 'function_call'],
    [{ tools: [{}] }, 'tools[0].function'], [{ tools: [{ name: 'a b' }] }, 'tools[0].name'], [{ tools: [tool('a'), { name: 'a' }] }, 'tools[1].name'],
    [{ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'tools[0].type'], [{ tools: [{ name: 'a', input_schema: 7 }] }, 'tools[0].input_schema'],
    [{ tools: [tool('a', { strict: true, parameters: { type: 'object', properties: { x: { type: 'object', additionalProperties: true } } } })] }, 'tools[0].function.parameters.properties.x'],
  ])('refuses %j and names %s', (fields, param) => {
    expect(refusal(fields)).toMatchObject({ status: 400, param });
  });
});

describe('tool_choice', () => {
  it.each<[object, object]>([
    [{ tool_choice: 'required' }, { type: 'auto' }], [{ tool_choice: { type: 'function', function: { name: 'a' } } }, { type: 'auto' }],
    [{ tool_choice: { type: 'any' }, parallel_tool_calls: false }, { type: 'auto', disable_parallel_tool_use: true }],
  ])('leaves the choice %j to a model that refuses to be forced, and reports it (the upstream answers 400)', (fields, sent) => {
    for (const model of ['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-fable-5']) {
      const { body, ignored } = translate({ tools: TWO, ...fields }, settingsOf(model));
      expect([body['tool_choice'], body['tools'], ignored]).toMatchObject([sent, [{ name: 'a' }, { name: 'b' }], ['tool_choice']]);
    }
    expect(translate({ tools: TWO, ...fields }, settingsOf('claude-haiku-5-5')).ignored).toEqual([]);
  });

  it('leaves a legacy choice to such a model as well', () => {
    expect(translate({ functions: [{ name: 'a' }], function_call: { name: 'a' } }, settingsOf('claude-opus-5-5'))).toMatchObject({ body: { tool_choice: { type: 'auto', disable_parallel_tool_use: true } }, ignored: ['function_call'] });
  });

  it.each([
    ['auto', { type: 'auto' }], ['required', { type: 'any' }], ['none', { type: 'none' }],
    [{ type: 'function', function: { name: 'b' } }, { type: 'tool', name: 'b' }],
    ['any', { type: 'any' }], [{ type: 'function', name: 'b' }, { type: 'tool', name: 'b' }], [{ type: 'tool', name: 'b' }, { type: 'tool', name: 'b' }],
    [{ type: 'auto' }, { type: 'auto' }], [{ type: 'any', disable_parallel_tool_use: true }, { type: 'any', disable_parallel_tool_use: true }], [{ type: 'none' }, { type: 'none' }],
  ])('translates %j', (choice, expected) => {
    const { body } = translate({ tools: TWO, tool_choice: choice });
    expect(body['tool_choice']).toEqual(expected);
    expect(body['tools']).toHaveLength(2);
  });

  it('sends only the allowed tools (choosing any of all would let the others be called)', () => {
    const choice = { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [tool('b')] } };
    const flat = { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'b' }] };
    for (const given of [choice, flat]) expect(translate({ tools: TWO, tool_choice: given }).body).toMatchObject({ tools: [{ name: 'b' }], tool_choice: { type: 'any' } });
  });

  it('disables parallel calls, creating a choice where there is none', () => {
    expect(translate({ tools: TWO, parallel_tool_calls: false }).body['tool_choice']).toEqual({ type: 'auto', disable_parallel_tool_use: true });
    expect(translate({ tools: TWO, parallel_tool_calls: false, tool_choice: 'required' }).body['tool_choice']).toEqual({ type: 'any', disable_parallel_tool_use: true });
    expect(translate({ tools: TWO, parallel_tool_calls: true }).body['tool_choice']).toBeUndefined();
    expect(translate({ tools: TWO, parallel_tool_calls: false, tool_choice: 'none' })).toMatchObject({ body: { tool_choice: { type: 'none' } }, ignored: ['parallel_tool_calls'] });
  });

  it('drops and reports a choice that demands nothing of no tools', () => {
    const { body, ignored } = translate({ tools: [], tool_choice: 'auto', parallel_tool_calls: false });
    expect([body['tools'], body['tool_choice'], ignored]).toEqual([undefined, undefined, ['tool_choice', 'parallel_tool_calls']]);
    expect(translate({ tool_choice: { type: 'none' } }).ignored).toEqual(['tool_choice']);
  });

  it.each([
    [{ tool_choice: 'required' }, 'tool_choice'], [{ tools: TWO, tool_choice: 'some' }, 'tool_choice'], [{ tools: TWO, tool_choice: 7 }, 'tool_choice'],
    [{ tools: TWO, tool_choice: { type: 'function', function: { name: 'c' } } }, 'tool_choice.function.name'], [{ tools: TWO, tool_choice: { type: 'custom', custom: { name: 'a' } } }, 'tool_choice.type'],
    [{ tools: TWO, tool_choice: { type: 'tool', name: 'c' } }, 'tool_choice.name'], [{ tools: TWO, tool_choice: { type: 'any', disable_parallel_tool_use: 1 } }, 'tool_choice.disable_parallel_tool_use'],
    [{ tools: TWO, tool_choice: {} }, 'tool_choice.type'], [{ tools: TWO, parallel_tool_calls: 'no' }, 'parallel_tool_calls'],
    [{ tools: TWO, tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } } }, 'tool_choice.allowed_tools.tools'],
    [{ tools: TWO, tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'x', tools: [] } } }, 'tool_choice.allowed_tools.mode'],
    [{ tools: TWO, tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [tool('z')] } } }, 'tool_choice.allowed_tools.tools[0].function.name'],
  ])('refuses %j and names %s', (fields, param) => {
    expect(refusal(fields)).toMatchObject({ status: 400, param });
  });
});
