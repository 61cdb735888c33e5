import { describe, expect, it } from 'vitest';
import { responseRefusal, translateResponses } from '../support/translate-response.ts';

const PARAMETERS = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] };
const LOOK = { type: 'function', name: 'look', description: 'Looks', parameters: PARAMETERS, strict: false };
const LOG = { type: 'function', name: 'log', parameters: PARAMETERS };
const GIT = { type: 'namespace', name: 'git', description: 'Git', tools: [LOG, { type: 'custom', name: 'patch', description: 'Patches' }] };
const PATCH = { type: 'custom', name: 'patch', description: 'Patches files', format: { type: 'grammar', syntax: 'lark', definition: 'start: "*** Begin"' } };
const TEXT_INPUT = { type: 'object', properties: { input: { type: 'string' } }, required: ['input'], additionalProperties: false };

const toolsOf = (fields: Record<string, unknown>): unknown => translateResponses(fields).body['tools'];

describe('the tools of a response', () => {
  it('are functions, whose schema goes along as it is', () => {
    expect(toolsOf({ tools: [LOOK] })).toEqual([{ name: 'look', description: 'Looks', input_schema: PARAMETERS }]);
    expect(translateResponses({ tools: [LOOK] })).toMatchObject({ names: {}, ignoredParams: [] });
  });

  it('are custom tools, as functions with one text whose grammar is described', () => {
    const { body, names } = translateResponses({ tools: [PATCH, { type: 'custom', name: 'free', format: { type: 'text' } }] });
    expect(body['tools']).toEqual([
      { name: 'patch', description: 'Patches files\n\nThe text of "input" must follow this lark grammar:\nstart: "*** Begin"', input_schema: TEXT_INPUT },
      { name: 'free', input_schema: TEXT_INPUT },
    ]);
    expect(names).toEqual({ patch: { name: 'patch', isCustom: true }, free: { name: 'free', isCustom: true } });
  });

  it('of a namespace stand in one list, and their names can be turned back', () => {
    const { body, names } = translateResponses({ tools: [LOOK, GIT] });
    expect(body['tools']).toMatchObject([{ name: 'look' }, { name: 'git__log' }, { name: 'git__patch', input_schema: TEXT_INPUT }]);
    expect(names).toEqual({ git__log: { name: 'log', namespace: 'git', isCustom: false }, git__patch: { name: 'patch', namespace: 'git', isCustom: true } });
  });

  it('that stand in the input follow the others; one that is declared again keeps its place', () => {
    const input = [{ type: 'additional_tools', role: 'developer', tools: [GIT] }, { role: 'user', content: 'Hi' }, { type: 'additional_tools', role: 'developer', tools: [{ ...GIT, tools: [{ ...LOG, description: 'New' }] }, PATCH] }];
    expect(toolsOf({ tools: [LOOK], input })).toMatchObject([{ name: 'look' }, { name: 'git__log', description: 'New' }, { name: 'git__patch' }, { name: 'patch' }]);
  });

  it.each(['tool_search', 'image_generation', 'local_shell', 'shell', 'apply_patch', 'hosted_of_tomorrow'])('drop %s, which clients declare unasked, and report it', (type) => {
    const { body, ignoredParams } = translateResponses({ tools: [LOOK, { type }] });
    expect([body['tools'], ignoredParams]).toEqual([[expect.objectContaining({ name: 'look' })], [`tools.${type}`]]);
  });

  it.each(['file_search', 'code_interpreter', 'mcp', 'computer_use_preview'])('refuse %s, without which the answer would be another one, with the way out', (type) => {
    expect(responseRefusal({ tools: [{ type }] })).toMatchObject({ param: 'tools[0].type', code: 'unsupported_parameter', message: expect.stringMatching(/not|no code/) as string });
  });

  it.each([
    [{}, 'tools'], [[7], 'tools[0]'], [[{ name: 'look' }], 'tools[0].type'], [[{ type: 'function' }], 'tools[0].name'], [[{ type: 'function', name: 'a b' }], 'tools[0].name'], [[LOOK, LOOK], 'tools[1].name'],
    [[{ type: 'custom', name: 'x', format: { type: 'grammar' } }], 'tools[0].format.syntax'], [[{ type: 'custom', name: 'x', format: { type: 'other' } }], 'tools[0].format.type'],
    [[GIT, { type: 'function', name: 'git__log' }], 'tools[1].name'], [[{ type: 'namespace', name: 'n', tools: [GIT] }], 'tools[0].tools[0].type'], [[{ type: 'namespace', name: 'n' }], 'tools[0].tools'],
  ])('refuse %j and name %s', (tools, param) => {
    expect(responseRefusal({ tools })).toMatchObject({ status: 400, param });
  });

  it('in the input are refused where they stand', () => {
    expect(responseRefusal({ input: [{ type: 'additional_tools', tools: [{ type: 'function' }] }] })).toMatchObject({ param: 'input[0].tools[0].name' });
  });
});

describe('the choice of a tool', () => {
  const choiceOf = (tool_choice: unknown, fields: Record<string, unknown> = {}): unknown => translateResponses({ tools: [LOOK, GIT, PATCH], tool_choice, ...fields }).body['tool_choice'];

  it.each([
    ['auto', { type: 'auto' }], ['required', { type: 'any' }], ['none', { type: 'none' }], [undefined, undefined],
    [{ type: 'function', name: 'look' }, { type: 'tool', name: 'look' }], [{ type: 'function', name: 'log', namespace: 'git' }, { type: 'tool', name: 'git__log' }], [{ type: 'custom', name: 'patch' }, { type: 'tool', name: 'patch' }],
    [{ type: 'allowed_tools', mode: 'required', tools: [{ type: 'custom', name: 'patch' }] }, { type: 'any' }],
  ])('translates %j', (given, expected) => {
    expect(choiceOf(given)).toEqual(expected);
  });

  it('sends only the allowed tools', () => {
    expect(toolsOf({ tools: [LOOK, GIT], tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'log', namespace: 'git' }] } })).toMatchObject([{ name: 'git__log' }]);
  });

  it('asks for one call at a time where parallel calls are off', () => {
    expect(choiceOf('auto', { parallel_tool_calls: false })).toEqual({ type: 'auto', disable_parallel_tool_use: true });
  });

  it('is nothing without tools, as clients send it with every request', () => {
    const { body, ignoredParams } = translateResponses({ tool_choice: 'auto', parallel_tool_calls: true });
    expect([body['tool_choice'], ignoredParams]).toEqual([undefined, []]);
  });

  it.each([[{ type: 'function', name: 'other' }, 'tool_choice.name'], [{ type: 'file_search' }, 'tool_choice.type'], ['sometimes', 'tool_choice'], [{ type: 'allowed_tools', mode: 'auto', tools: [{ type: 'mcp' }] }, 'tool_choice.tools[0].type']])('refuses %j and names %s', (tool_choice, param) => {
    expect(responseRefusal({ tools: [LOOK], tool_choice })).toMatchObject({ status: 400, param });
  });

  it('of a tool is refused where none is declared', () => {
    expect(responseRefusal({ tool_choice: 'required' })).toMatchObject({ param: 'tool_choice' });
  });
});
