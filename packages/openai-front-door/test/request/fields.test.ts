import { describe, expect, it } from 'vitest';
import { translateRequest } from '../../src/index.ts';
import { parseJsonRequest } from '../../src/json/parse-json-request.ts';
import { refusal, settings, settingsOf, translate } from '../support/translate.ts';

const TOOLS = [{ type: 'function', function: { name: 'a' } }];
const THINKING_TURN = [
  { role: 'user', content: 'x' },
  { role: 'assistant', tool_calls: [{ id: 't', type: 'function', function: { name: 'a', arguments: '' } }] },
  { role: 'tool', tool_call_id: 't', content: 'y' },
];

describe('the output bound', () => {
  it('is max_completion_tokens, else max_tokens, else the default of the model', () => {
    expect(translate({ max_completion_tokens: 7, max_tokens: 8 }).body['max_tokens']).toBe(7);
    expect(translate({ max_completion_tokens: null, max_tokens: 8 }).body['max_tokens']).toBe(8);
    expect(translate({}, { defaultMaxTokens: 1234 }).body['max_tokens']).toBe(1234);
  });

  it('is lowered to what the model writes, and reported (a larger one is an upstream 400)', () => {
    const { body, ignored } = translate({ max_completion_tokens: 200_000, max_tokens: 300_000 }, settingsOf('claude-haiku-4-5'));
    expect([body['max_tokens'], ignored]).toEqual([64_000, ['max_completion_tokens']]);
    expect(translate({ max_tokens: 200_000 }, settingsOf('sim-text'))).toMatchObject({ body: { max_tokens: 200_000 }, ignored: [] });
  });

  it.each([0, -1, 1.5, '7', 1e300, true])('refuses %j', (value) => {
    expect(refusal({ max_tokens: value })).toMatchObject({ status: 400, param: 'max_tokens' });
    expect(refusal({ max_completion_tokens: value })).toMatchObject({ status: 400, param: 'max_completion_tokens' });
  });
});

describe('temperature and top_p', () => {
  it('pass as they are up to 1', () => {
    expect(translate({ temperature: 0.3, top_p: 0.9 })).toMatchObject({ body: { temperature: 0.3, top_p: 0.9 }, ignored: [] });
    expect(translate({ temperature: 0 }).body['temperature']).toBe(0);
  });

  it('clamps a temperature above 1 and reports it', () => {
    expect(translate({ temperature: 1.7 })).toMatchObject({ body: { temperature: 1 }, ignored: ['temperature'] });
  });

  it('drops both for a model that refuses them and reports it', () => {
    const { body, ignored } = translate({ temperature: 0.3, top_p: 0.9 }, settingsOf('claude-opus-4-7'));
    expect([body['temperature'], body['top_p'], ignored]).toEqual([undefined, undefined, ['temperature', 'top_p']]);
  });

  it('keeps the temperature where a model takes only one of them', () => {
    expect(translate({ temperature: 0.3, top_p: 0.9 }, settingsOf('claude-sonnet-4-5'))).toMatchObject({ body: { temperature: 0.3 }, ignored: ['top_p'] });
    expect(translate({ top_p: 0.9 }, settingsOf('claude-sonnet-4-5'))).toMatchObject({ body: { top_p: 0.9 }, ignored: [] });
  });

  it('drops both while thinking is on (the upstream refuses them together)', () => {
    const { body, ignored } = translate({ temperature: 0.3, thinking: { type: 'enabled', budget_tokens: 1024 } });
    expect([body['temperature'], ignored]).toEqual([undefined, ['temperature']]);
  });

  it.each([[{ temperature: -0.1 }, 'temperature'], [{ temperature: 2.1 }, 'temperature'], [{ temperature: '1' }, 'temperature'], [{ top_p: 1.1 }, 'top_p'], [{ top_p: -1 }, 'top_p']])('refuses %j', (fields, param) => {
    expect(refusal(fields)).toMatchObject({ status: 400, param });
  });
});

describe('stop', () => {
  it('becomes an array, and blank sequences are dropped and reported', () => {
    expect(translate({ stop: 'END' })).toMatchObject({ body: { stop_sequences: ['END'] }, ignored: [] });
    expect(translate({ stop: ['a', '\n\n', ''] })).toMatchObject({ body: { stop_sequences: ['a'] }, ignored: ['stop'] });
    expect(translate({ stop: [' '] }).body['stop_sequences']).toBeUndefined();
    expect(refusal({ stop: [1] }).param).toBe('stop[0]');
    expect(refusal({ stop: {} }).param).toBe('stop');
  });
});

describe('response_format', () => {
  it('sends a schema natively, never as a forced tool', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false };
    const { body } = translate({ response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } } });
    expect(body['output_config']).toEqual({ format: { type: 'json_schema', schema } });
    expect(body['tools']).toBeUndefined();
  });

  it('reports what else describes the schema', () => {
    const json_schema = { name: 'x', description: 'What it is for', strict: false, schema: { type: 'object', additionalProperties: false } };
    expect(translate({ response_format: { type: 'json_schema', json_schema } }).ignored).toEqual(['response_format.json_schema.description']);
  });

  it('refuses a schema for a model without structured outputs (an unchecked answer is not what was asked)', () => {
    const fields = { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: {} } } };
    expect(refusal(fields, settingsOf('claude-3-haiku-20240307'))).toMatchObject({ status: 400, param: 'response_format' });
  });

  it('refuses json_object, or ignores and reports it where that is configured', () => {
    expect(refusal({ response_format: { type: 'json_object' } })).toMatchObject({ status: 400, param: 'response_format' });
    expect(translate({ response_format: { type: 'json_object' } }, { jsonObjectFormat: 'ignore' }).ignored).toEqual(['response_format']);
  });

  it.each([['text', 'response_format'], [{ type: 'xml' }, 'response_format.type'], [{ type: 'json_schema' }, 'response_format.json_schema'], [{ type: 'json_schema', json_schema: { name: 'x' } }, 'response_format.json_schema.schema']])('refuses %j', (format, param) => {
    expect(refusal({ response_format: format })).toMatchObject({ status: 400, param });
  });

  it('takes plain text as the default it is', () => {
    expect(translate({ response_format: { type: 'text' } })).toMatchObject({ ignored: [] });
  });
});

describe('reasoning', () => {
  it.each([['minimal', 'low'], ['low', 'low'], ['medium', 'medium'], ['high', 'high'], ['xhigh', 'xhigh'], ['max', 'max']])('maps reasoning_effort %s to effort %s', (given, effort) => {
    expect(translate({ reasoning_effort: given }).body['output_config']).toEqual({ effort });
  });

  it.each(['', 'default', 'auto'])('takes reasoning_effort %j for what it is without the field', (given) => {
    expect(translate({ reasoning_effort: given })).toEqual(translate({}));
  });

  it('omits none, and drops and reports an effort that the model does not list', () => {
    expect(translate({ reasoning_effort: 'none' })).toMatchObject({ ignored: [] });
    const { body, ignored } = translate({ reasoning_effort: 'xhigh' }, settingsOf('claude-opus-4-6'));
    expect([body['output_config'], ignored]).toEqual([undefined, ['reasoning_effort']]);
    expect(refusal({ reasoning_effort: 'very' }).param).toBe('reasoning_effort');
  });

  it.each<[string, object | undefined, object | undefined, readonly string[]]>([
    ['claude-opus-5', { type: 'disabled' }, undefined, []],
    ['claude-haiku-5-5', { type: 'disabled' }, undefined, []],
    ['claude-sonnet-5-5', { type: 'between_tools' }, undefined, ['reasoning_effort']],
    ['claude-opus-5-5', undefined, { effort: 'low' }, ['reasoning_effort']],
    ['claude-opus-4-8', undefined, undefined, []],
    ['claude-sonnet-4-5', undefined, undefined, []],
  ])('has %s think as little as it can for reasoning_effort none, and reports what is more than nothing', (model, thinking, config, reported) => {
    const { body, ignored } = translate({ reasoning_effort: 'none' }, settingsOf(model));
    expect([body['thinking'], body['output_config'], ignored]).toEqual([thinking, config, reported]);
  });

  it('gives a model without efforts a budget, at most half of the output bound, where nothing forbids thinking', () => {
    const haiku = settingsOf('claude-haiku-4-5');
    const thinkingOf = (fields: object): unknown => translate({ reasoning_effort: 'high', max_tokens: 64_000, ...fields }, haiku).body['thinking'];
    expect(thinkingOf({})).toEqual({ type: 'enabled', budget_tokens: 16_384 });
    expect(thinkingOf({ reasoning_effort: 'minimal' })).toEqual({ type: 'enabled', budget_tokens: 1024 });
    expect(thinkingOf({ max_tokens: 5_000 })).toEqual({ type: 'enabled', budget_tokens: 2_500 });
    for (const fields of [{ max_tokens: 2_000 }, { tools: TOOLS, tool_choice: 'required' }, { tools: TOOLS, messages: THINKING_TURN }, { messages: [THINKING_TURN[0], { role: 'assistant', content: 'Once' }] }]) {
      const { body, ignored } = translate({ reasoning_effort: 'high', ...fields }, haiku);
      expect([body['thinking'], ignored]).toEqual([undefined, ['reasoning_effort']]);
    }
    expect(translate({ reasoning_effort: 'high', temperature: 0.5 }, haiku)).toMatchObject({ ignored: ['temperature'] });
  });

  it.each([
    ['claude-opus-5-5', 'disabled', 'adaptive'], ['claude-sonnet-5-5', 'disabled', 'between_tools'], ['claude-opus-5', 'between_tools', 'disabled'], ['claude-haiku-4-5', 'adaptive', 'enabled'], ['claude-3-5-haiku-latest', 'enabled', 'disabled'],
  ])('refuses for %s thinking of type %s and names a way out, %s', (model, type, instead) => {
    const error = refusal({ thinking: { type, budget_tokens: 2000 } }, settingsOf(model));
    expect(error).toMatchObject({ status: 400, param: 'thinking.type', message: expect.stringContaining(instead) });
  });

  it('passes between_tools and disabled where the model takes them, with an effort up to high where that is all it takes', () => {
    expect(translate({ thinking: { type: 'between_tools' }, reasoning_effort: 'high' }, settingsOf('claude-sonnet-5-5')).body['thinking']).toEqual({ type: 'between_tools' });
    expect(refusal({ thinking: { type: 'between_tools' }, reasoning_effort: 'xhigh' }, settingsOf('claude-sonnet-5-5'))).toMatchObject({ status: 400, param: 'reasoning_effort' });
    expect(refusal({ thinking: { type: 'disabled' }, reasoning_effort: 'max' }, settingsOf('claude-opus-5'))).toMatchObject({ status: 400, param: 'reasoning_effort' });
    expect(translate({ thinking: { type: 'disabled' }, reasoning_effort: 'max' }, settingsOf('claude-opus-4-8')).body).toMatchObject({ thinking: { type: 'disabled' }, output_config: { effort: 'max' } });
  });

  it('sends no budget to an adaptive model, and refuses one', () => {
    expect(translate({ reasoning_effort: 'high' }, settingsOf('claude-opus-5')).body['thinking']).toBeUndefined();
    expect(refusal({ thinking: { type: 'enabled', budget_tokens: 2000 } }, settingsOf('claude-opus-5'))).toMatchObject({ status: 400, param: 'thinking.type' });
    expect(translate({ thinking: { type: 'adaptive', display: 'summarized' } }, settingsOf('claude-opus-5')).body['thinking']).toEqual({ type: 'adaptive', display: 'summarized' });
  });

  it('turns adaptive thinking on with an effort for a client that takes thinking back', () => {
    const asked = { reasoning_effort: 'high', reasoning_content: true };
    const shown = { type: 'adaptive', display: 'summarized' };
    expect(translate(asked, settingsOf('claude-opus-4-7')).body['thinking']).toEqual(shown);
    expect(translate({ reasoning_effort: 'high' }, settingsOf('claude-opus-4-7', { reasoningContent: true })).body['thinking']).toEqual(shown);
    expect(translate({ reasoning_content: true }, settingsOf('claude-opus-4-7')).body['thinking']).toBeUndefined();
    expect(translate(asked, settingsOf('claude-opus-4-6')).body['thinking']).toEqual({ type: 'adaptive' });
  });

  it('asks a model that thinks by itself to show it to a client that takes thinking back (its text is left out otherwise)', () => {
    const tools = { reasoning_content: true, tools: TOOLS, messages: THINKING_TURN };
    for (const model of ['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-opus-5']) expect(translate(tools, settingsOf(model)).body['thinking']).toMatchObject({ type: 'adaptive', display: 'summarized' });
    expect(translate({ ...tools, tool_choice: 'required' }, settingsOf('claude-opus-5')).body['thinking']).toBeUndefined();
    expect(translate({}, settingsOf('claude-opus-5-5')).body['thinking']).toBeUndefined();
  });

  it('leaves thinking off where a forced tool or a prefill forbids it, and not behind a tool turn without a thought', () => {
    const asked = { reasoning_effort: 'high', reasoning_content: true, tools: TOOLS };
    expect(translate({ ...asked, tool_choice: 'required' }, settingsOf('claude-opus-4-7')).body['thinking']).toBeUndefined();
    expect(translate({ ...asked, messages: THINKING_TURN }, settingsOf('claude-opus-4-7')).body['thinking']).toMatchObject({ type: 'adaptive' });
    const { capabilities } = settingsOf('claude-opus-4-7');
    const prefill = [{ role: 'user', content: 'Hi' }, { role: 'assistant', content: 'He' }];
    expect(translate({ ...asked, messages: prefill }, { capabilities: { ...capabilities, rejectsPrefill: false } }).body['thinking']).toBeUndefined();
  });

  it('leaves a thinking budget off behind a tool turn without a thought, which the upstream refuses with it', () => {
    const asked = { reasoning_effort: 'high', reasoning_content: true, tools: TOOLS, max_tokens: 60_000 };
    expect(translate({ ...asked, messages: THINKING_TURN }, settingsOf('claude-sonnet-4-5')).body['thinking']).toBeUndefined();
    const [user, assistant, result] = THINKING_TURN;
    const signed = [user, { ...assistant, thinking_blocks: [{ type: 'thinking', thinking: 'x', signature: 's' }] }, result];
    expect(translate({ ...asked, messages: signed }, settingsOf('claude-sonnet-4-5')).body['thinking']).toMatchObject({ type: 'enabled' });
  });

  it('is asked for alike on each request of a session whose client gives thoughts back (its first one has none yet), and not for other clients', () => {
    const dropping = { type: 'adaptive', display: 'summarized', block_binding: { prefix_mismatch_behavior: 'drop_block' } };
    expect(translate({ reasoning_content: true }, settingsOf('claude-opus-5-5')).body['thinking']).toEqual(dropping);
    const [user, assistant, result] = THINKING_TURN;
    const signed = [user, { ...assistant, thinking_blocks: [{ type: 'thinking', thinking: 'x', signature: 's' }] }, result];
    expect(translate({ reasoning_content: true, tools: TOOLS, messages: signed }, settingsOf('claude-opus-5-5')).body['thinking']).toEqual(dropping);
    expect(translate({}, settingsOf('claude-opus-5-5')).body['thinking']).toBeUndefined();
    expect(translate({ reasoning_content: true, reasoning_effort: 'none' }, settingsOf('claude-haiku-5-5')).body['thinking']).toEqual({ type: 'disabled' });
  });

  it.each([
    [{ thinking: { type: 'enabled' } }, 'thinking.budget_tokens'], [{ thinking: { type: 'enabled', budget_tokens: 100 } }, 'thinking.budget_tokens'],
    [{ thinking: { type: 'enabled', budget_tokens: 9000 } }, 'thinking.budget_tokens'], [{ thinking: { type: 'sometimes' } }, 'thinking.type'], [{ thinking: true }, 'thinking'],
    [{ thinking: { type: 'adaptive' }, tools: TOOLS, tool_choice: 'required' }, 'thinking'], [{ reasoning_content: 'yes' }, 'reasoning_content'], [{ thinking: { type: 'adaptive', display: 'x' } }, 'thinking.display'],
  ])('refuses %j', (fields, param) => {
    expect(refusal(fields)).toMatchObject({ status: 400, param });
  });
});

describe('fields that would change the meaning of the answer', () => {
  it.each([
    [{ n: 2 }, 'n'], [{ modalities: ['text', 'audio'] }, 'modalities'], [{ modalities: ['video'] }, 'modalities[0]'], [{ web_search_options: 7 }, 'web_search_options'], [{ web_search_options: { user_location: { approximate: 7 } } }, 'web_search_options.user_location.approximate'], [{ web_search_options: {}, tools: [{ type: 'function', function: { name: 'web_search' } }] }, 'web_search_options'],
    [{ moderation: { model: 'x' } }, 'moderation'], [{ stream: 'yes' }, 'stream'], [{ stream: true, stream_options: 7 }, 'stream_options'], [{ stream: true, stream_options: { include_usage: 'x' } }, 'stream_options.include_usage'],
  ])('refuses %j and names %s', (fields, param) => {
    expect(refusal(fields)).toMatchObject({ status: 400, param });
  });
});

describe('fields that cannot matter', () => {
  it.each([
    ['frequency_penalty', 0.5], ['presence_penalty', 0.5], ['logit_bias', { 1: 2 }], ['logprobs', true], ['top_logprobs', 3], ['seed', 7], ['store', true], ['metadata', { a: 'b' }],
    ['prediction', { type: 'content', content: 'x' }], ['service_tier', 'flex'], ['verbosity', 'low'], ['prompt_cache_key', 'k'], ['prompt_cache_retention', '24h'], ['prompt_cache_options', {}],
    ['audio', { voice: 'a', format: 'wav' }], ['some_new_field', 1],
  ])('drops %s and reports it', (name, value) => {
    const { body, ignored } = translate({ [name]: value });
    expect(Object.keys(body)).toEqual(['model', 'max_tokens', 'messages']);
    expect(ignored).toEqual([name]);
  });

  it('ignored fields: a field without effect is not reported', () => {
    expect(translate({ n: 1, seed: null, logprobs: false, store: false, modalities: ['text'], stop: null, tools: null }).ignored).toEqual([]);
  });

  it('reports none of the values that some clients send always and that ask for nothing', () => {
    const fields = { frequency_penalty: 0, presence_penalty: 0, logit_bias: {}, metadata: {}, service_tier: 'auto', temperature: 1, top_p: 1, top_logprobs: 0, verbosity: 'medium' };
    expect(translate(fields, settingsOf('claude-opus-5-5')).ignored).toEqual([]);
    expect(translate(fields, settingsOf('claude-sonnet-4-5'))).toMatchObject({ body: { temperature: 1 }, ignored: [] });
    expect(translate({ temperature: 0, top_p: 0.5 }, settingsOf('claude-opus-5-5')).ignored).toEqual(['temperature', 'top_p']);
  });

  it('keeps a request of service tier default off the capacity that is paid for in advance', () => {
    expect(translate({ service_tier: 'default' })).toMatchObject({ body: { service_tier: 'standard_only' }, ignored: [] });
    expect(translate({ service_tier: 'auto' }).body['service_tier']).toBeUndefined();
  });

  it('reports stream options that have no counterpart', () => {
    expect(translate({ stream: true, stream_options: { include_usage: true, include_obfuscation: false } }).ignored).toEqual(['stream_options.include_obfuscation']);
    expect(translate({ stream_options: { include_usage: true } }).ignored).toEqual(['stream_options']);
  });
});

describe('user and safety_identifier', () => {
  it('become metadata.user_id, the identifier first', () => {
    expect(translate({ user: 'u-1' }).body['metadata']).toEqual({ user_id: 'u-1' });
    expect(translate({ user: 'u-1', safety_identifier: 's-1' })).toMatchObject({ body: { metadata: { user_id: 's-1' } }, ignored: ['user'] });
  });

  it.each(['ann@x.test', '+49 170 1234567', '0170-1234567', '', 'x'.repeat(257)])('stay here when they look like %j (no personal data upstream)', (user) => {
    expect(translate({ user })).toMatchObject({ ignored: ['user'] });
    expect(translate({ user }).body['metadata']).toBeUndefined();
  });
});

describe('numbers of many digits', () => {
  const translateText = (fields: string): string => translateRequest(parseJsonRequest(Buffer.from(`{"model":"m","messages":[{"role":"user","content":"x"}],${fields}}`)), settings()).body;

  it('are numbers where a number is expected', () => {
    expect(translateText('"temperature":0.12345678901234567890')).toContain('"temperature":0.12345678901234568');
  });

  it.each(['response_format', 'thinking', 'stream_options', 'tool_choice'])('are no object where %s expects one (they are kept as text inside)', (name) => {
    const rest = name === 'tool_choice' ? ',"tools":[{"type":"function","function":{"name":"a"}}]' : ',"stream":true';
    expect(() => translateText(`"${name}":12345678901234567890${rest}`)).toThrow(expect.objectContaining({ status: 400, param: name }));
  });

  it('stay what they were in schemas and arguments', () => {
    expect(translateText('"tools":[{"type":"function","function":{"name":"a","parameters":{"type":"object","maximum":12345678901234567890}}}]')).toContain('"maximum":12345678901234567890');
  });
});

describe('the translated body', () => {
  it('is the same bytes for the same input, and a longer conversation begins with the shorter one (prompt caches hit)', () => {
    const request = { tools: TOOLS, temperature: 0.5, messages: [{ role: 'system', content: 's' }, { role: 'user', content: 'x' }] };
    const one = JSON.stringify(translate(request).body);
    expect(JSON.stringify(translate(request).body)).toBe(one);
    const longer = JSON.stringify(translate({ ...request, messages: [...request.messages, { role: 'assistant', content: 'y' }, { role: 'user', content: 'z' }] }).body);
    const shared = one.slice(0, one.indexOf(']}]') + 2);
    expect(longer.startsWith(shared)).toBe(true);
  });

  it.each([100, 5_000, 200_000])('takes a schema nested %i deep or refuses it as a fault of the request (never a crash)', (depth) => {
    const deep = `${'{"properties":'.repeat(depth)}{}${'}'.repeat(depth)}`;
    const bytes = Buffer.from(`{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"a","parameters":${deep}}}]}`);
    try {
      expect(translateRequest(parseJsonRequest(bytes), settings()).body).toContain('input_schema');
    } catch (error) {
      expect(error).toMatchObject({ status: 400 });
    }
  });
});
