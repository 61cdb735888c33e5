import { loadRecordings } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { validateCountTokensRequest, validateMessagesRequest } from '../src/index.ts';

type Body = Readonly<Record<string, unknown>>;
const NEW_VERSION = { 'anthropic-version': '2026-10-21' };
const user = (content: unknown = 'Hi'): Body => ({ role: 'user', content });
const assistant = (content: unknown = 'Hello'): Body => ({ role: 'assistant', content });
const valid = (more: Body = {}): Body => ({ model: 'sim-text', max_tokens: 10, messages: [user()], ...more });
const talk = (...messages: readonly unknown[]): Body => valid({ messages });
const without = (name: string): Body => Object.fromEntries(Object.entries(valid()).filter(([key]) => key !== name));
const tool = (more: Body = {}): Body => ({ name: 'weather', input_schema: { type: 'object' }, ...more });
const use = (id = 'toolu_1'): Body => ({ type: 'tool_use', id, name: 'weather', input: {} });
const result = (id = 'toolu_1'): Body => ({ type: 'tool_result', tool_use_id: id, content: 'ok' });
const schema = (of: Body): Body => valid({ output_config: { format: { type: 'json_schema', schema: of } } });
const image = (mediaType: string, data = 'aGk='): Body => ({ type: 'image', source: { type: 'base64', media_type: mediaType, data } });

const REFUSED: ReadonlyArray<readonly [what: string, body: unknown, message: string]> = [
  ['a list', [], 'Input should be a valid dictionary or object to extract fields from'],
  ['no model', without('model'), 'model: Field required'],
  ['no max_tokens', without('max_tokens'), 'max_tokens: Field required'],
  ['no messages', without('messages'), 'messages: Field required'],
  ['a model that is no string', valid({ model: 7 }), 'model: Input should be a valid string'],
  ['max_tokens 0', valid({ max_tokens: 0 }), 'max_tokens: Input should be greater than or equal to 1'],
  ['max_tokens as text', valid({ max_tokens: '10' }), 'max_tokens: Input should be a valid integer'],
  ['an unknown member', valid({ frequency_penalty: 1 }), 'frequency_penalty: Extra inputs are not permitted'],
  ['a beta member without its beta', valid({ context_management: {} }), 'context_management: Extra inputs are not permitted'],
  ['stream as text', valid({ stream: 'yes' }), 'stream: Input should be a valid boolean'],
  ['a temperature over 1', valid({ temperature: 1.5 }), 'temperature: Input should be less than or equal to 1'],
  ['a service tier of its own', valid({ service_tier: 'gold' }), "service_tier: Input should be 'auto' or 'standard_only'"],
  ['blank stop sequences', valid({ stop_sequences: [' '] }), 'stop_sequences: each stop sequence must contain non-whitespace'],
  ['extra metadata', valid({ metadata: { name: 'x' } }), 'metadata.name: Extra inputs are not permitted'],
  ['an unknown effort', valid({ output_config: { effort: 'huge' } }), "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"],
  ['an empty system block', valid({ system: [{ type: 'text', text: '' }] }), 'system: text content blocks must be non-empty'],
  ['five cache breakpoints', talk(user(Array.from({ length: 5 }, () => ({ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } })))), 'A maximum of 4 blocks with cache_control may be provided. Found 5.'],
  ['no message', talk(), 'messages: at least one message is required'],
  ['the assistant first', talk(assistant(), user()), 'messages: first message must use the "user" role'],
  ['an unknown role', talk({ role: 'tool', content: 'x' }), "messages.0.role: Input should be 'user', 'assistant' or 'system'"],
  ['a message with a name', talk({ ...user(), name: 'x' }), 'messages.0.name: Extra inputs are not permitted'],
  ['empty content', talk(user('')), 'messages.0: user messages must have non-empty content'],
  ['empty content in the middle', talk(user(), assistant([]), user()), 'messages.1: all messages must have non-empty content except for the optional final assistant message'],
  ['an empty text block', talk(user([{ type: 'text', text: '' }])), 'messages: text content blocks must be non-empty'],
  ['white space alone', talk(user('  ')), 'messages: text content blocks must contain non-whitespace text'],
  ['an unknown member of a block', talk(user([{ type: 'text', text: 'x', index: 0 }])), 'messages.0.content.0.text.index: Extra inputs are not permitted'],
  ['a block without a type', talk(user([{ text: 'x' }])), 'messages.0.content.0.type: Field required'],
  ['trailing space in a prefill', talk(user(), assistant('So ')), 'messages: final assistant content cannot end with trailing whitespace'],
  ['an image of another kind', talk(user([image('image/bmp')])), "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"],
  ['an image that is not base64', talk(user([image('image/png', '###')])), 'messages.0.content.0.image.source.base64: invalid base64 data'],
  ['a tool call by the user', talk(user([use()])), 'messages.0: `tool_use` blocks can only be in `assistant` messages'],
  ['a tool result by the assistant', talk(user(), assistant([result()])), 'messages.1: `tool_result` blocks can only be in `user` messages'],
  ['a thinking block whose signature is broken', talk(user(), assistant([{ type: 'thinking', thinking: 'x', signature: '?' }]), user()), 'messages.1.content.0: Invalid `signature` in `thinking` block'],
  ['a tool name with a space', valid({ tools: [tool({ name: 'the weather' })] }), "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"],
  ['a tool without a schema', valid({ tools: [{ name: 'x' }] }), 'tools.0.custom.input_schema: Field required'],
  ...['anyOf', 'oneOf', 'allOf'].map((name) => [`${name} at the top of a tool's schema`, valid({ tools: [tool({ input_schema: { type: 'object', [name]: [{ type: 'object' }] } })] }), 'tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level'] as const),
  ['a strict tool with an open object', valid({ tools: [tool({ strict: true, input_schema: { type: 'object', properties: { a: { type: ['object', 'null'] } }, additionalProperties: false } })] }), "tools.0.custom.input_schema: For 'object' type, 'additionalProperties' must be explicitly set to false"],
  ['an open object in a structured output', valid({ output_config: { format: { type: 'json_schema', schema: { $defs: { a: { anyOf: [{ type: 'object', additionalProperties: true }] } } } } } }), "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"],
  ['two tools of one name', valid({ tools: [tool(), tool()] }), 'tools: Tool names must be unique.'],
  ['a tool choice without tools', valid({ tool_choice: { type: 'any' } }), 'tool_choice may only be specified while providing tools.'],
  ['a chosen tool that is not there', valid({ tools: [tool()], tool_choice: { type: 'tool', name: 'x' } }), "Tool 'x' not found in provided tools"],
  ['thinking with a small budget', valid({ max_tokens: 5_000, thinking: { type: 'enabled', budget_tokens: 100 } }), 'thinking.enabled.budget_tokens: Input should be greater than or equal to 1024'],
  ['thinking with a forced tool', valid({ thinking: { type: 'adaptive' }, tools: [tool()], tool_choice: { type: 'any' } }), 'Thinking may not be enabled when tool_choice forces tool use.'],
  ['sampling on a Claude 5 model', valid({ model: 'claude-opus-5', temperature: 0.5 }), '`temperature` is deprecated for this model.'],
  ['both samplings on Sonnet 4.5', valid({ model: 'claude-sonnet-4-5-20250929', temperature: 0.5, top_p: 0.5 }), '`temperature` and `top_p` cannot both be specified for this model. Please use only one.'],
  ['a prefill on a 4.6 model', { ...talk(user(), assistant()), model: 'claude-sonnet-4-6' }, 'This model does not support assistant message prefill. The conversation must end with a user message.'],
  ['too many tokens', valid({ model: 'claude-haiku-4-5', max_tokens: 999_999 }), 'max_tokens: 999999 > 64000, which is the maximum allowed number of output tokens for claude-haiku-4-5'],
  ['a keyword that cannot be enforced', schema({ type: 'object', properties: { a: { type: 'string', minLength: 2 } }, additionalProperties: false }), "output_config.format.schema: For 'string' type, property 'minLength' is not supported"],
  ['several of them', schema({ type: 'integer', maximum: 2, minimum: 1 }), "output_config.format.schema: For 'integer' type, properties minimum, maximum are not supported"],
  ['a list that must be long', schema({ type: 'array', minItems: 2 }), "output_config.format.schema: For 'array' type, 'minItems' values other than 0 or 1 are not supported"],
  ['a format that cannot be enforced', schema({ type: ['string', 'null'], format: 'zip' }), "output_config.format.schema: For 'string' type, format \"zip\" is not supported"],
  ['exclusive alternatives', schema({ anyOf: [{ oneOf: [] }] }), "output_config.format.schema: Schema type 'oneOf' is not supported"],
  ['a schema that contains itself', schema({ $ref: '#/$defs/a', $defs: { a: { anyOf: [{ $ref: '#/$defs/b' }] }, b: { anyOf: [{ $ref: '#/$defs/a' }] } } }), 'output_config.format.schema: Recursive schemas are not supported'],
  ['a schema of another document', schema({ $ref: 'https://example.com/a.json' }), 'output_config.format.schema: External schema references are not supported'],
  ['a reference among several', schema({ allOf: [{ $ref: '#/$defs/a' }], $defs: { a: { type: 'string' } } }), "output_config.format.schema: Schema type 'allOf' with '$ref' is not supported"],
  ['an enum of objects', schema({ enum: [{}] }), 'output_config.format.schema: Enum values of complex types are not supported'],
  ['such a keyword in a strict tool', valid({ tools: [tool({ strict: true, input_schema: { type: 'object', additionalProperties: false, minProperties: 1 } })] }), "tools.0.custom.input_schema: For 'object' type, property 'minProperties' is not supported"],
  ['a system message that begins', talk({ role: 'system', content: 'x' }, user()), "messages.0: use the top-level 'system' parameter for the initial system prompt; the directive-only form (content: [] with output_config) is accepted at any position"],
  ['a system message behind the assistant', talk(user(), assistant(), { role: 'system', content: 'x' }), 'messages.2: a `system` message must immediately follow a `user` message'],
  ['a system message in front of the user', talk(user(), { role: 'system', content: 'x' }, user()), 'messages.1: a `system` message must be the last message or be followed by an `assistant` message'],
  ...['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-fable-5', 'claude-mythos-5-2', 'claude-opus-7'].map((model) => [`a forced tool on ${model}`, valid({ model, tools: [tool()], tool_choice: { type: 'any' } }), 'tool_choice: type "tool" and "any" are not supported for this model.'] as const),
  ...['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-fable-5-1'].map((model) => [`thinking turned off on ${model}`, valid({ model, thinking: { type: 'disabled' } }), '"thinking.type.disabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'] as const),
  ['thinking between tools on Opus 5', valid({ model: 'claude-opus-5', thinking: { type: 'between_tools' } }), '"thinking.type.between_tools" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'],
  ['adaptive thinking on Haiku 4.5', valid({ model: 'claude-haiku-4-5', thinking: { type: 'adaptive' } }), '"thinking.type.adaptive" is not supported for this model.'],
  ['the highest efforts without thinking on Opus 5', valid({ model: 'claude-opus-5', thinking: { type: 'disabled' }, output_config: { effort: 'xhigh' } }), 'output_config.effort: \'xhigh\' is not supported with "thinking.type.disabled" for this model.'],
  ['an effort on Haiku 4.5', valid({ model: 'claude-haiku-4-5', output_config: { effort: 'low' } }), 'This model does not support the effort parameter.'],
  ['an effort that 4.6 does not have', valid({ model: 'claude-opus-4-6', output_config: { effort: 'xhigh' } }), "output_config.effort: 'xhigh' is not supported for this model. Supported: low, medium, high, max."],
  ...['claude-sonnet-5', 'claude-opus-4-7', 'claude-haiku-4-5'].map((model) => [`a system message in the middle on ${model}`, { ...talk(user(), { role: 'system', content: 'x' }), model }, "role 'system' is not supported on this model"] as const),
  ['a schema on a model that has none', { ...schema({ type: 'null' }), model: 'claude-3-5-haiku-20241022' }, 'This model does not support output format.'],
  ['too many tokens for an older model', valid({ model: 'claude-3-opus-20240229', max_tokens: 4_097 }), 'max_tokens: 4097 > 4096, which is the maximum allowed number of output tokens for claude-3-opus-20240229'],
];

describe('what the API refuses', () => {
  it.each(REFUSED)('refuses %s in the words of the API', (_what, body, message) => {
    expect(validateMessagesRequest(body)).toEqual({ message });
  });

  it('refuses thinking with a budget on Claude 5 and points at adaptive thinking (clients match on the wording)', () => {
    const failure = validateMessagesRequest(valid({ model: 'claude-opus-5', max_tokens: 5_000, thinking: { type: 'enabled', budget_tokens: 2_000 } }));
    expect(failure?.message).toMatch(/"thinking\.type\.enabled" is not supported.*adaptive/);
  });

  it('refuses a tool call without its result, a result without its call, and an id used twice', () => {
    expect(validateMessagesRequest(talk(user(), assistant([use()]), user()))?.message).toContain('`tool_use` ids were found without `tool_result` blocks immediately after: toolu_1');
    expect(validateMessagesRequest(talk(user([result()])))?.message).toContain('unexpected `tool_use_id` found in `tool_result` blocks: toolu_1');
    expect(validateMessagesRequest(talk(user(), assistant([use(), use()]), user([result()])))?.message).toContain('`tool_use` ids must be unique');
    expect(validateMessagesRequest(talk(user(), assistant([use()]), user([result(), result()])))?.message).toContain('each tool_use must have a single result');
  });

  it('refuses a beta or a version that cannot be one, and takes any that could', () => {
    expect(validateMessagesRequest(valid(), { 'anthropic-beta': 'fine-2025-01-01,what ever' })?.message).toContain('Unexpected value(s) `what ever` for the `anthropic-beta` header');
    expect(validateMessagesRequest(valid(), { 'anthropic-version': 'latest' })?.message).toContain('anthropic-version');
    expect(validateMessagesRequest(valid(), { 'anthropic-version': '2029-01-01', 'anthropic-beta': 'claude-code-20250219,interleaved-thinking-2025-05-14, new-thing-2029-01-01' })).toBeUndefined();
  });

  it('refuses sampling, assistant documents and user citations from version 2026-10-21 on, and only then', () => {
    const sampling = valid({ temperature: 1 });
    const document = talk(user(), assistant([{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' } }]), user());
    const cited = talk(user([{ type: 'text', text: 'x', citations: [{ type: 'char_location' }] }]));
    for (const body of [sampling, document, cited]) {
      expect(validateMessagesRequest(body, { 'anthropic-version': '2023-06-01' })).toBeUndefined();
      expect(validateMessagesRequest(body, NEW_VERSION)).toBeDefined();
    }
    expect(validateMessagesRequest(sampling, NEW_VERSION)?.message).toBe('temperature: Extra inputs are not permitted');
  });

  it('refuses members of create in count_tokens', () => {
    expect(validateCountTokensRequest(valid())).toEqual({ message: 'max_tokens: Extra inputs are not permitted' });
    expect(validateCountTokensRequest(without('max_tokens'))).toBeUndefined();
  });
});

describe('what the API takes', () => {
  it.each<[string, Body]>([
    ['an empty last assistant message', talk(user(), assistant([]))],
    ['white space of an assistant, as recorded', talk(user(), assistant([{ type: 'text', text: ' ' }]), user())],
    ['two user messages in a row', talk(user(), user())],
    ['a system message in the middle', talk(user(), { role: 'system', content: 'Be brief.' })],
    ['a whole tool turn', { ...talk(user(), assistant([use()]), user([result()])), tools: [tool()] }],
    ['tools of the API', valid({ tools: [{ type: 'web_search_20260318', name: 'web_search' }, { type: 'bash_20250124', name: 'bash' }] })],
    ['nulls where the schema has them', valid({ metadata: { user_id: null }, cache_control: null, container: null })],
    ...['claude-opus-5', 'claude-sonnet-5', 'claude-haiku-5-5', 'claude-opus-4-8'].map((model): [string, Body] => [`a forced tool and no thinking on ${model}`, valid({ model, thinking: { type: 'disabled' }, tools: [tool()], tool_choice: { type: 'any' } })]),
    ['thinking between tools on Sonnet 5.5', valid({ model: 'claude-sonnet-5-5', thinking: { type: 'between_tools' }, output_config: { effort: 'high' } })],
    ['the highest effort without thinking on Opus 4.8', valid({ model: 'claude-opus-4-8', thinking: { type: 'disabled' }, output_config: { effort: 'max' } })],
    ['a system message in the middle on Opus 5.5', { ...talk(user(), { role: 'system', content: 'x' }, assistant(), user()), model: 'claude-opus-5-5' }],
    ['a schema of what can be enforced', schema({ type: 'object', properties: { a: { type: 'array', minItems: 1, items: { type: 'string', format: 'date', pattern: '^a' } }, b: { anyOf: [{ const: 1 }, { enum: ['x', null] }] } }, required: ['a'], additionalProperties: false })],
    ['a prefill on an older model', { ...talk(user(), assistant('So')), model: 'claude-haiku-4-5-20251001' }],
    ['temperature 1 on a model that has no sampling', valid({ model: 'claude-opus-4-7', temperature: 1 })],
  ])('takes %s', (_what, body) => {
    expect(validateMessagesRequest(body)).toBeUndefined();
  });

  const recorded = loadRecordings('sse', 'json').filter(({ meta }) => meta?.response?.status === 200 && meta.request?.uri?.split('?')[0]?.endsWith('/v1/messages') === true
    && typeof meta.request.body === 'string' && meta.request.body !== '' && meta.request.body.length < 4_000);

  it.skipIf(recorded.length === 0)(`takes every recorded request that the API answered (skipped where no recordings are: ${recorded.length} found)`, () => {
    for (const { name, meta } of recorded) {
      const body: unknown = JSON.parse(String(meta?.request?.body));
      const beta = 'context-management-2025-06-27,mcp-client-2025-11-20,structured-outputs-2025-11-13';
      expect(validateMessagesRequest(body, { 'anthropic-version': '2023-06-01', 'anthropic-beta': beta }), name).toBeUndefined();
    }
  });
});
