import { describe, expect, it } from 'vitest';
import { sealThinking } from '../../src/responses/sealed-blocks.ts';
import { responseRefusal, translateResponses } from '../support/translate-response.ts';
import { settingsOf } from '../support/translate.ts';

const USER = { role: 'user', content: 'Hi' };
const sealed = (thinking: string): string => sealThinking({ thinking, signature: 'c2ln' }) ?? '';
const reasoning = (thinking: string): Record<string, unknown> => ({ type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'cut by the client' }], encrypted_content: sealed(thinking) });
const call = (id: string, fields: Record<string, unknown> = {}): Record<string, unknown> => ({ type: 'function_call', id: `fc_${id}`, call_id: id, name: 'look', arguments: '{"a":1}', status: 'completed', ...fields });
const result = (id: string, output: unknown = 'fine'): Record<string, unknown> => ({ type: 'function_call_output', call_id: id, output });

const messagesOf = (input: unknown, fields: Record<string, unknown> = {}): unknown => translateResponses({ input, ...fields }).body['messages'];
const ignoredOf = (input: unknown): readonly string[] => translateResponses({ input }).ignoredParams;

describe('the input of a response', () => {
  it('is a text, or messages with or without their type', () => {
    const hello = [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }];
    expect(messagesOf('Hi')).toEqual(hello);
    expect(messagesOf([USER])).toEqual(hello);
    expect(messagesOf([{ type: 'message', id: 'msg_1', status: 'completed', ...USER, content: [{ type: 'input_text', text: 'Hi' }] }])).toEqual(hello);
  });

  it('begins with the instructions, then leading system and developer texts in order', () => {
    const { body } = translateResponses({ instructions: 'One', input: [{ role: 'developer', content: 'Two' }, { role: 'system', content: [{ type: 'input_text', text: 'Three' }] }, USER] });
    expect(body['system']).toEqual(['One', 'Two', 'Three'].map((text) => ({ type: 'text', text })));
  });

  it('takes a file by its URL, which the upstream fetches, in messages and in outputs of calls', () => {
    const file = { type: 'input_file', file_url: 'https://example.com/a.pdf', filename: 'a.pdf', file_id: null };
    const document = { type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' }, title: 'a.pdf' };
    expect(messagesOf([{ role: 'user', content: [file] }])).toMatchObject([{ content: [document] }]);
    expect(messagesOf([USER, call('toolu_1'), result('toolu_1', [file])])).toMatchObject([{}, {}, { content: [{ content: [document] }] }]);
    expect(responseRefusal({ input: [{ role: 'user', content: [{ ...file, file_url: 'http://example.com/a.pdf' }] }] })).toMatchObject({ param: 'input[0].content[0].file_url' });
  });

  it('names the part of an image that is at fault as the protocol does', () => {
    const refusalOf = (part: object): unknown => responseRefusal({ input: [{ role: 'user', content: [{ type: 'input_image', ...part }] }] }).param;
    expect([refusalOf({ file_id: 'file_1' }), refusalOf({}), refusalOf({ image_url: 'ftp://a' })]).toEqual(['input[0].content[0].file_id', 'input[0].content[0].image_url', 'input[0].content[0].image_url']);
  });

  it('that ends in a thought of the assistant is sent without it (the upstream refuses one at the end)', () => {
    const said = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'So' }] };
    const { body, ignoredParams } = translateResponses({ input: [USER, said, reasoning('Cut')] });
    expect(body['messages']).toMatchObject([{ role: 'user' }, { role: 'assistant', content: [{ type: 'text', text: 'So' }] }]);
    expect(ignoredParams).toEqual(['input.trailing_thinking']);
    expect(messagesOf([USER, said, reasoning('Kept'), USER])).toMatchObject([{ role: 'user' }, { content: [{ type: 'text' }, { type: 'thinking' }] }, { role: 'user' }]);
  });

  it('with calls but without tools has one that cannot be called (the upstream refuses tool blocks otherwise; Codex sums a session up in this way)', () => {
    const { body, ignoredParams } = translateResponses({ input: [USER, call('toolu_1'), result('toolu_1'), USER] });
    expect(body).toMatchObject({ tools: [{ name: 'unavailable', input_schema: { type: 'object' } }], tool_choice: { type: 'none' } });
    expect(ignoredParams).toEqual([]);
    expect(translateResponses({ input: [USER, USER] }).body['tools']).toBeUndefined();
  });

  it('gathers the items of one answer to one turn, in order, and puts results first in the next', () => {
    const input = [USER, reasoning('One'), { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Looking', annotations: [] }] }, call('toolu_1'), call('toolu_2'), result('toolu_1'), result('toolu_2', [{ type: 'input_text', text: 'a' }, { type: 'input_image', image_url: 'data:image/png;base64,AAAA' }]), USER];
    expect(messagesOf(input)).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
      { role: 'assistant', content: [
        { type: 'thinking', thinking: 'One', signature: 'c2ln' }, { type: 'text', text: 'Looking' },
        { type: 'tool_use', id: 'toolu_1', name: 'look', input: { a: 1 } }, { type: 'tool_use', id: 'toolu_2', name: 'look', input: { a: 1 } },
      ] },
      { role: 'user', content: [
        { type: 'tool_result', tool_use_id: 'toolu_1', content: 'fine' },
        { type: 'tool_result', tool_use_id: 'toolu_2', content: [{ type: 'text', text: 'a' }, { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }] },
        { type: 'text', text: 'Hi' },
      ] },
    ]);
    expect(ignoredOf(input)).toEqual([]);
  });

  it('keeps each thought in its place, between calls as well', () => {
    expect(messagesOf([USER, reasoning('One'), call('a'), reasoning('Two'), call('b'), result('a'), result('b')])).toMatchObject([{}, { content: [{ thinking: 'One' }, { id: 'a' }, { thinking: 'Two' }, { id: 'b' }] }, {}]);
  });

  it.each([
    ['of another provider', 'gAAAAABo'], ['absent', undefined], ['null', null], ['no JSON', 'penstock1.%%'], ['another block', `penstock1.${Buffer.from('{"type":"text","text":"x"}').toString('base64url')}`],
    ['unsigned', `penstock1.${Buffer.from('{"type":"thinking","thinking":"x","signature":""}').toString('base64url')}`], ['a number', 7],
  ])('drops a reasoning item whose content is %s, and reports it', (_name, content) => {
    const input = [USER, { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: content }, { role: 'assistant', content: 'A' }, USER];
    expect(messagesOf(input)).toMatchObject([{}, { content: [{ type: 'text', text: 'A' }] }, {}]);
    expect(ignoredOf(input)).toEqual(['input.reasoning']);
  });

  it('opens a sealed block member by member (what a client adds does not go along)', () => {
    const content = `penstock1.${Buffer.from('{"type":"thinking","thinking":"x","signature":"s","cache_control":{"type":"ephemeral"}}').toString('base64url')}`;
    expect(messagesOf([USER, { type: 'reasoning', encrypted_content: content }, { role: 'assistant', content: 'A' }, USER])).toMatchObject([{}, { content: [{ type: 'thinking', thinking: 'x', signature: 's' }, {}] }, {}]);
    expect(JSON.stringify(messagesOf([USER, { type: 'reasoning', encrypted_content: content }, { role: 'assistant', content: 'A' }, USER]))).not.toContain('cache_control');
  });

  it('refuses a sealed block of more values than a request may hold, before it is built (a small text of {} takes gigabytes)', () => {
    const bomb = `penstock1.${Buffer.from(`[${'{},'.repeat(2000)}{}]`).toString('base64url')}`;
    const refused = responseRefusal({ input: [USER, { type: 'reasoning', encrypted_content: bomb }] }, { maxRequestValues: 1000 });
    expect(refused).toMatchObject({ status: 400, param: 'input[1].encrypted_content' });
  });

  it('carries redacted thinking, and leaves out a turn of thinking alone', () => {
    const redacted = { type: 'reasoning', summary: [], encrypted_content: sealThinking({ data: 'xx' }) };
    expect(messagesOf([USER, redacted, call('a'), result('a')])).toMatchObject([{}, { content: [{ type: 'redacted_thinking', data: 'xx' }, {}] }, {}]);
    expect(messagesOf([USER, reasoning('One'), USER])).toMatchObject([{ role: 'user' }, { role: 'user' }]);
  });

  it('names calls of namespaces and of custom tools as they are declared upstream', () => {
    const input = [USER, call('a', { name: 'log', namespace: 'git' }), { type: 'custom_tool_call', call_id: 'b', name: 'patch', input: '*** Begin' }, result('a'), { type: 'custom_tool_call_output', call_id: 'b', output: 'Done' }];
    expect(messagesOf(input)).toMatchObject([{}, { content: [{ name: 'git__log' }, { name: 'patch', input: { input: '*** Begin' } }] }, { content: [{ tool_use_id: 'a' }, { tool_use_id: 'b', content: 'Done' }] }]);
  });

  it('maps ids of other providers to valid ones, the same in call and result, and wraps arguments that were cut', () => {
    const input = [USER, call('functions.f:0', { arguments: '{"a":' }), result('functions.f:0')];
    const [, { content: [use] }, { content: [answer] }] = messagesOf(input) as { content: Record<string, unknown>[] }[] as [unknown, { content: [Record<string, unknown>] }, { content: [Record<string, unknown>] }];
    expect(use['id']).toBe(answer['tool_use_id']);
    expect(use['input']).toEqual({ INVALID_JSON: '{"a":' });
    expect(ignoredOf(input)).toEqual(['input.arguments', 'input.call_id']);
  });

  it('keeps numbers of any length in arguments', () => {
    expect(translateResponses({ input: [USER, call('a', { arguments: '{"n":12345678901234567890}' }), result('a')] }).text).toContain('{"n":12345678901234567890}');
  });

  it('writes a refusal of the assistant as its text', () => {
    expect(messagesOf([USER, { type: 'message', role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] }, USER])).toMatchObject([{}, { content: [{ type: 'text', text: 'No.' }] }, {}]);
  });

  it.each(['web_search_call', 'file_search_call', 'image_generation_call', 'code_interpreter_call', 'tool_search_call', 'tool_search_output', 'mcp_list_tools', 'mcp_call'])('leaves %s of another provider out, and reports it (the conversation goes on)', (type) => {
    expect(messagesOf([USER, { type, id: 'x', status: 'completed' }, { role: 'assistant', content: 'A' }, USER])).toHaveLength(3);
    expect(ignoredOf([USER, { type, id: 'x' }])).toEqual([`input.${type}`]);
  });

  it.each([
    [undefined, 'input'], [7, 'input'], [{}, 'input'], [[], 'input'], ['', 'input'], [[7], 'input[0]'], [[{}], 'input[0].type'], [[{ type: 'nonsense' }], 'input[0].type'], [[{ role: 'tool', content: 'x' }], 'input[0].role'],
    [[{ role: 'user' }], 'input[0].content'], [[{ role: 'user', content: [{ type: 'output_audio' }] }], 'input[0].content[0].type'], [[{ role: 'user', content: [{ type: 'input_file', file_id: 'file_1' }] }], 'input[0].content[0].file_id'],
    [[USER, { type: 'function_call', call_id: 'a', arguments: '{}' }], 'input[1].name'], [[USER, call('a', { name: 'a b' })], 'input[1].name'], [[USER, call('')], 'input[1].call_id'], [[USER, { type: 'custom_tool_call', call_id: 'a', name: 'p' }], 'input[1].input'],
    [[USER, { type: 'function_call_output', output: 'x' }], 'input[1].call_id'], [[{ type: 'compaction', encrypted_content: 'x' }], 'input[0].type'],
  ])('refuses %j and names %s', (input, param) => {
    expect(responseRefusal({ input })).toMatchObject({ status: 400, param });
  });

  it('refuses a reference to an item, and names every way out', () => {
    const error = responseRefusal({ input: [USER, { type: 'item_reference', id: 'msg_1' }] });
    expect([error.param, error.message]).toEqual(['input[1]', expect.stringContaining('providerOptions.openai.store = false')]);
  });

  it('is not continued behind a last assistant message where the model refuses that', () => {
    expect(responseRefusal({ input: [USER, { role: 'assistant', content: 'A' }] }, settingsOf('claude-opus-5'))).toMatchObject({ param: 'input' });
  });
});
