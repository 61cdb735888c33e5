import { describe, expect, it } from 'vitest';
import { settingsOf } from '../support/translate.ts';
import { responseRefusal, translateResponses } from '../support/translate-response.ts';

describe('fields of a Responses request', () => {
  it('give the bounds and values of the Messages request', () => {
    expect(translateResponses({ max_output_tokens: 99, temperature: 0.5, user: 'u-1', stream: true }).body).toMatchObject({ model: 'claude-test', max_tokens: 99, temperature: 0.5, metadata: { user_id: 'u-1' }, stream: true });
    expect(translateResponses({}).body).toMatchObject({ max_tokens: 8192 });
  });

  it('ask for a schema natively', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false };
    const { body, ignoredParams } = translateResponses({ text: { verbosity: 'medium', format: { type: 'json_schema', name: 'x', strict: true, schema } } });
    expect([body['output_config'], ignoredParams]).toEqual([{ format: { type: 'json_schema', schema } }, []]);
  });

  it('ask for a summary of the thinking where they name one', () => {
    const { body } = translateResponses({ reasoning: { effort: 'high', summary: 'auto' } }, settingsOf('claude-sonnet-5-5'));
    expect(body).toMatchObject({ thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'high' } });
  });

  it('echo the small ones in the response', () => {
    expect(translateResponses({ max_output_tokens: 9, temperature: 0.5, parallel_tool_calls: false, tools: [{ type: 'function', name: 'a' }] }).echo).toEqual({ max_output_tokens: 9, temperature: 0.5, top_p: 1, parallel_tool_calls: false, reasoning: { effort: null, summary: null } });
    expect(translateResponses({ reasoning: { effort: 'low', summary: 'auto' } }).echo).toMatchObject({ max_output_tokens: null, temperature: 1, parallel_tool_calls: true, reasoning: { effort: 'low', summary: 'auto' } });
  });

  it.each([
    { store: false }, { store: null }, { background: false }, { truncation: 'disabled' }, { service_tier: 'auto' }, { metadata: {} }, { client_metadata: { a: '1' } }, { include: ['reasoning.encrypted_content'] }, { top_logprobs: 0 },
    { text: { verbosity: 'medium', format: { type: 'text' } } }, { stream: true, stream_options: { include_obfuscation: false } }, { previous_response_id: null }, { reasoning: null }, { reasoning: { summary: 'auto' } }, { context_management: [] },
  ])('that ask for nothing are neither refused nor reported: %j', (fields) => {
    expect(translateResponses(fields).ignoredParams).toEqual([]);
  });

  it.each([
    [{ store: true }, 'store'], [{ metadata: { a: 'b' } }, 'metadata'], [{ service_tier: 'flex' }, 'service_tier'], [{ include: ['message.output_text.logprobs'] }, 'include'], [{ top_logprobs: 5 }, 'top_logprobs'], [{ background_options: { completion_window: '2h' } }, 'background_options'], [{ text: { verbosity: 'low' } }, 'text.verbosity'],
    [{ stream: true, stream_options: { include_obfuscation: true } }, 'stream_options.include_obfuscation'], [{ of_tomorrow: 1 }, 'of_tomorrow'],
  ])('without a counterpart are dropped and reported: %j', (fields, name) => {
    expect(translateResponses(fields).ignoredParams).toEqual([name]);
  });

  it.each([
    [{ previous_response_id: 'resp_1' }, 'previous_response_id', 'send the whole input'], [{ conversation: 'conv_1' }, 'conversation', 'send the whole input'], [{ prompt: { id: 'p' } }, 'prompt', 'instructions and input'], [{ background: true }, 'background', 'stream'],
    [{ truncation: 'auto' }, 'truncation', 'in the client'], [{ max_tool_calls: 3 }, 'max_tool_calls', 'in the client'], [{ context_management: [{ type: 'compaction' }] }, 'context_management', 'in the client'], [{ moderation: {} }, 'moderation', 'not available'],
  ])('that would change the answer are refused, with the way out: %j', (fields, param, wayOut) => {
    expect(responseRefusal(fields)).toMatchObject({ status: 400, code: 'unsupported_parameter', param, message: expect.stringContaining(wayOut) as string });
  });

  it.each([
    [{ stream: 'yes' }, 'stream'], [{ max_output_tokens: 0 }, 'max_output_tokens'], [{ temperature: 3 }, 'temperature'], [{ text: 'json' }, 'text'], [{ text: { format: { type: 'xml' } } }, 'text.format.type'], [{ text: { format: { type: 'json_schema', name: 'x' } } }, 'text.format.schema'],
    [{ reasoning: 'high' }, 'reasoning'], [{ reasoning: { effort: 'huge' } }, 'reasoning.effort'], [{ reasoning: { summary: 'long' } }, 'reasoning.summary'], [{ include: 'x' }, 'include'], [{ instructions: ['x'] }, 'instructions'], [{ stream_options: true }, 'stream_options'],
    [{ parallel_tool_calls: 1 }, 'parallel_tool_calls'], [{ prompt_cache_key: 7 }, 'prompt_cache_key'], [{ prompt_cache_retention: 'forever' }, 'prompt_cache_retention'], [{ prompt_cache_options: { prewarm: true } }, 'prompt_cache_options.prewarm'], [{ prompt_cache_options: { mode: 'x' } }, 'prompt_cache_options.mode'], [{ prompt_cache_options: 'x' }, 'prompt_cache_options'],
  ])('are refused for what they are: %j', (fields, param) => {
    expect(responseRefusal(fields)).toMatchObject({ status: 400, param });
  });
});

describe('the prompt cache', () => {
  it('is asked for by a key, behind the last block, for as long as the client says', () => {
    expect(translateResponses({ prompt_cache_key: 'thread-1' })).toMatchObject({ body: { cache_control: { type: 'ephemeral' } }, ignoredParams: [] });
    expect(translateResponses({ prompt_cache_retention: '24h' }).body['cache_control']).toEqual({ type: 'ephemeral', ttl: '1h' });
    expect(translateResponses({ prompt_cache_options: { mode: 'implicit', ttl: '30m' } }).body['cache_control']).toEqual({ type: 'ephemeral', ttl: '1h' });
    expect(translateResponses({ prompt_cache_key: 'k', prompt_cache_options: { mode: 'explicit' } })).toMatchObject({ body: expect.not.objectContaining({ cache_control: expect.anything() as unknown }) as unknown, ignoredParams: [] });
    expect(translateResponses({}).body['cache_control']).toBeUndefined();
  });

  it('leaves the four breakpoints of the upstream to a client that sets them itself', () => {
    const content = Array.from({ length: 4 }, () => ({ type: 'input_text', text: 'x', cache_control: { type: 'ephemeral' } }));
    expect(translateResponses({ prompt_cache_key: 'k', input: [{ role: 'user', content }] })).toMatchObject({ ignoredParams: ['prompt_cache_key'], body: expect.not.objectContaining({ cache_control: expect.anything() as unknown }) as unknown });
  });

  it('hits: the same request is the same bytes, and a longer conversation begins with the shorter one', () => {
    const tools = [{ type: 'namespace', name: 'ns', tools: [{ type: 'function', name: 'b' }, { type: 'function', name: 'a' }] }];
    const input = [{ role: 'user', content: 'One' }];
    const longer = [...input, { role: 'assistant', content: 'Two' }, { role: 'user', content: 'Three' }];
    const [first, again, second] = [input, input, longer].map((given) => translateResponses({ instructions: 'Be brief.', prompt_cache_key: 'k', tools, input: given }));
    expect(again?.text).toBe(first?.text);
    const shared = first?.text.slice(0, first.text.indexOf('"One"}]}') + '"One"}]}'.length) ?? '';
    expect(shared.length).toBeGreaterThan(200);
    expect(second?.text.startsWith(shared)).toBe(true);
  });
});
