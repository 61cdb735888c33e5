import * as fc from 'fast-check';
import type { TranslatedField } from '../../src/chat/field-rules.ts';
import { librarySchema } from './schema-generator.ts';

/** Generators of the members of an object. */
export type Members = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/** Any JSON value, with the kinds of nonsense that clients send. */
export const anything = fc.oneof({ weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) }, { weight: 3, arbitrary: fc.constantFrom<unknown>(null, '', [], {}, -1, 0, 1e308, true, '\ud800', '__proto__') });
/** Any text, most of them visible. */
export const text = fc.oneof({ weight: 6, arbitrary: fc.constantFrom('Hello', 'Grüße 漢字 😀', '{"a":1}', ' \n', '') }, { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) });
/** A text with a visible character. */
export const visible = fc.constantFrom('Hello', 'Grüße 漢字 😀', '{"a":1}');

/** Generators of the parts of a request: whole ones, or ones in which any part may be broken. */
export function partsOf(isBroken: boolean) {
  const mostly = <T>(likely: fc.Arbitrary<T>): fc.Arbitrary<unknown> => (isBroken ? fc.oneof({ weight: 40, arbitrary: likely }, { weight: 1, arbitrary: anything }) : likely);
  const oneOf = (good: readonly unknown[], bad: readonly unknown[]): fc.Arbitrary<unknown> => isBroken ? fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: fc.constantFrom(...bad) }) : fc.constantFrom(...good);
  /** Each member may be absent but for the required ones. */
  const partly = (members: Members, ...requiredKeys: readonly string[]): fc.Arbitrary<Record<string, unknown>> => fc.record(members, { requiredKeys: [...requiredKeys] });
  const all = (members: Members): fc.Arbitrary<Record<string, unknown>> => fc.record(members);
  const list = (items: fc.Arbitrary<unknown>, maxLength: number, minLength = 0): fc.Arbitrary<unknown> => mostly(fc.array(items, { minLength, maxLength }));
  return { mostly, oneOf, partly, all, list };
}

/** Messages that belong together: one alone, or calls and their results. */
function messagesOf(isBroken: boolean): fc.Arbitrary<readonly unknown[]> {
  const { mostly, oneOf, partly, all, list } = partsOf(isBroken);
  const toolName = oneOf(['a', 'look_up', 'mcp__x-1'], ['a b', '', 'x'.repeat(129)]);
  // Valid ids, those of other providers, and one that is none.
  const toolId = oneOf(['toolu_1', 'toolu_2', 'call-3', 'functions.f:0', 'call_a|fc_1', 'ü'], ['']);
  const url = oneOf(['https://x.test/a.png', 'data:image/png;base64,AAAA', ' data:image/png; base64,AA\nA', 'data:application/pdf;base64,JVBERi0='], ['data:image/svg+xml;base64,AAAA', 'http://x.test', 'nonsense', '']);
  const textPart = all({ type: fc.constant('text'), text: mostly(text) });
  const part = fc.oneof(
    textPart,
    partly({ type: fc.constant('text'), text: visible, cache_control: oneOf([{ type: 'ephemeral' }, { type: 'ephemeral', ttl: '1h' }], [{ type: 'other' }, 7]) }, 'type', 'text'),
    all({ type: fc.constant('image_url'), image_url: mostly(partly({ url: mostly(url), detail: fc.constantFrom('auto', 'low') }, 'url')) }),
    all({ type: fc.constant('file'), file: mostly(partly({ file_data: mostly(url), filename: text }, 'file_data')) }),
    // Parts of the Responses API and of Anthropic's.
    all({ type: fc.constant('input_text'), text: mostly(text) }),
    partly({ type: fc.constant('input_image'), image_url: mostly(url), detail: fc.constantFrom('auto', 'high') }, 'type', 'image_url'),
    all({ type: fc.constant('image'), source: mostly(fc.oneof(all({ type: fc.constant('base64'), media_type: oneOf(['image/png', 'image/jpg'], ['image/bmp']), data: oneOf(['AAAA', 'AA\nA'], ['A']) }), all({ type: fc.constant('url'), url: oneOf(['https://x.test/a.png'], ['http://x.test']) }))) }),
    ...(isBroken ? [partly({ type: fc.constantFrom('refusal', 'input_audio', 'video_url'), refusal: text }, 'type')] : []),
  );
  const userContent = fc.oneof(mostly(text), list(part, 4));
  const textContent = fc.oneof(mostly(text), list(textPart, 3));
  const callArguments = fc.constantFrom('{}', '', '{"n":12345678901234567890}', '{"a":[{"b":null}],"__proto__":1}', '{"text":"Dear al', '[]', '12345678901234567890');
  const call = partly({ id: mostly(toolId), type: mostly(fc.constant('function')), function: mostly(all({ name: mostly(toolName), arguments: mostly(callArguments) })) }, 'id', 'function');
  const thought = fc.oneof(
    all({ type: fc.constantFrom('output_text', 'input_text'), text: mostly(text) }), partly({ type: fc.constantFrom('thinking', 'redacted_thinking', 'reasoning'), thinking: text, signature: fc.constantFrom('c2lnbmVk', ''), data: fc.constantFrom('c2VhbGVk', '') }, 'type'),
  );
  // Only the upstream can tell whether it signed a thought: what it did not sign is empty here.
  const sealed = fc.constantFrom('c2lnbmVk', '');
  const thinking = partly({ type: mostly(fc.constantFrom('thinking', 'redacted_thinking')), thinking: text, signature: sealed, data: sealed, index: fc.integer({ min: isBroken ? -1 : 0, max: 5 }) }, 'type', 'thinking', 'signature', 'data');
  const said = { role: fc.constant('assistant'), content: fc.oneof(textContent, list(fc.oneof(textPart, thought), 3)), refusal: text, thinking_blocks: list(mostly(thinking), 2) };
  const single = fc.oneof(
    partly({ role: fc.constantFrom('system', 'developer'), content: textContent, name: text }, 'role', 'content'),
    { weight: 3, arbitrary: partly({ role: fc.constant('user'), content: userContent, name: text }, 'role', 'content') },
    { weight: 2, arbitrary: partly({ ...said, tool_calls: fc.constantFrom([], null) }, 'role') },
    ...(isBroken ? [
      partly({ ...said, tool_calls: list(mostly(call), 3) }, 'role'), all({ role: fc.constant('tool'), tool_call_id: mostly(toolId), content: textContent }),
      partly({ role: fc.constantFrom('function', 'robot'), name: text, content: text }, 'role'),
    ] : []),
  );
  const turn = fc.record({ calls: fc.array(call, { minLength: 1, maxLength: 3 }), message: partly(said, 'role'), contents: fc.array(fc.oneof(textContent, userContent), { minLength: 3, maxLength: 3 }), isReversed: fc.boolean(), isSplit: fc.boolean() })
    .map(({ calls, message, contents, isReversed, isSplit }) => {
      const results = calls.map((made, index) => ({ role: 'tool', tool_call_id: (made as { id: unknown }).id, content: contents[index] }));
      const messages = isSplit ? calls.map((made) => ({ ...message, tool_calls: [made] })) : [{ ...message, tool_calls: calls }];
      return [...messages, ...isReversed ? results.toReversed() : results];
    });
  return fc.oneof({ weight: 3, arbitrary: single.map((message) => [message]) }, { weight: 1, arbitrary: turn });
}

function toolFieldsOf(isBroken: boolean): fc.Arbitrary<Record<string, unknown>> {
  const { mostly, oneOf, partly, all, list } = partsOf(isBroken);
  const schema = fc.oneof({ weight: 2, arbitrary: librarySchema }, oneOf([{ type: 'object', properties: { x: { type: 'string' } } }, {}, { properties: {} }, { anyOf: [{ type: 'object', properties: { x: {} }, required: ['x'] }, { type: 'null' }] }, { type: 'object', allOf: [{ properties: { a: { type: 'object' } } }] }], [{ type: 'array' }, { oneOf: [{ type: 'string' }] }, { type: 'object', additionalProperties: true }]), fc.dictionary(fc.string({ maxLength: 6 }).map((key) => `x-${key}`), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }));
  const definitionOf = (name: string): fc.Arbitrary<unknown> => mostly(partly({ name: mostly(fc.constant(name)), description: mostly(text), parameters: mostly(schema), strict: mostly(fc.boolean()) }, 'name'));
  const flatOf = (name: string): fc.Arbitrary<unknown> => fc.oneof(
    partly({ type: fc.constant('function'), name: mostly(fc.constant(name)), description: mostly(text), parameters: mostly(schema), strict: mostly(fc.boolean()) }, 'name'),
    partly({ type: fc.constant('custom'), name: mostly(fc.constant(name)), input_schema: mostly(schema) }, 'name', 'input_schema'),
  );
  const toolOf = (name: string): fc.Arbitrary<unknown> => fc.oneof(mostly(partly({ type: mostly(fc.constant('function')), function: definitionOf(name) }, 'function')), flatOf(name));
  const names = ['a', 'look_up', isBroken ? 'a b' : 'z'];
  const tools = fc.oneof(fc.tuple(toolOf('a')), fc.tuple(...names.map(toolOf)), fc.constant([]));
  const named = all({ type: fc.constant('function'), function: all({ name: oneOf(['a'], ['missing']) }) });
  const allowed = all({ type: fc.constant('allowed_tools'), allowed_tools: all({ mode: oneOf(['auto', 'required'], ['x']), tools: fc.tuple(named) }) });
  const foreign = fc.oneof(all({ type: fc.constant('function'), name: oneOf(['a'], ['missing']) }), partly({ type: fc.constantFrom('auto', 'none'), disable_parallel_tool_use: fc.boolean() }, 'type'), all({ type: fc.constant('tool'), name: oneOf(['a'], ['missing']) }));
  const choice = fc.oneof(oneOf(['auto', 'none'], ['x', 'required', 7]), named, allowed, foreign);
  const declared = all({ tools: mostly(fc.tuple(toolOf('a'), toolOf('b'))), tool_choice: mostly(fc.oneof(choice, fc.constant('required'))), parallel_tool_calls: mostly(fc.boolean()) });
  return fc.oneof(
    fc.constant({}), declared, partly({ tools: mostly(tools), parallel_tool_calls: mostly(fc.boolean()) }),
    all({ tools: fc.tuple(toolOf('a')), functions: fc.constant([]) }),
    all({ functions: list(definitionOf('a'), 1, 1), function_call: mostly(oneOf(['auto', 'none', { name: 'a' }], [{ name: 'b' }, 'x'])) }),
    ...(isBroken ? [partly({ tools: mostly(tools), tool_choice: choice, functions: tools })] : []),
  );
}

/** Fields that `toolFieldsOf` and the conversation generate. */
type FieldElsewhere = 'model' | 'messages' | 'tools' | 'tool_choice' | 'parallel_tool_calls' | 'functions' | 'function_call';

function requestOf(isBroken: boolean): fc.Arbitrary<Record<string, unknown>> {
  const { mostly, oneOf, partly, all } = partsOf(isBroken);
  const fraction = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), oneOf([0, 1], [-1, 2.5]));
  const bound = mostly(fc.oneof(fc.integer({ min: 1, max: 9000 }), oneOf([64_000, 200_000], [0, 1.5, -1])));
  const schemaFormat = all({ type: fc.constant('json_schema'), json_schema: mostly(partly({ name: text, strict: fc.boolean(), schema: mostly(fc.oneof({ weight: 3, arbitrary: librarySchema }, fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 })), oneOf([{ type: 'object', properties: { a: { type: 'object', properties: {} } } }, { anyOf: [{ type: 'object' }] }], [{ type: 'object', additionalProperties: {} }]))) }, 'schema')) });
  const thinking = fc.oneof(fc.constant({ type: 'disabled' }), fc.constant({ type: 'adaptive' }), fc.constant({ type: 'between_tools' }), all({ type: oneOf(['enabled'], ['x']), budget_tokens: oneOf([1024, 2000], [7, 9000]) }));
  const others = partly({
    temperature: mostly(fc.oneof(fraction, fc.constant(1.5))), top_p: mostly(fraction), max_tokens: bound, max_completion_tokens: bound, n: oneOf([1, null], [2, 'x']),
    stop: mostly(fc.oneof(text, fc.array(mostly(text), { maxLength: 3 }))), stream: mostly(fc.boolean()), stream_options: mostly(partly({ include_usage: mostly(fc.boolean()), include_obfuscation: fc.boolean() })),
    response_format: mostly(fc.oneof(oneOf([{ type: 'text' }, { type: 'json_object' }], [{ type: 'xml' }]), schemaFormat)), reasoning_content: mostly(fc.boolean()),
    reasoning_effort: mostly(oneOf(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max', '', 'default', 'auto'], ['x'])), user: mostly(text), safety_identifier: mostly(text), modalities: oneOf([['text'], null], [['text', 'audio'], 'x']),
    web_search_options: mostly(oneOf([null, null, {}, { search_context_size: 'low', user_location: { type: 'approximate', approximate: { city: 'Rome' } } }], [{ user_location: 7 }])),
    seed: anything, logprobs: anything, metadata: anything, frequency_penalty: anything, logit_bias: anything, service_tier: fc.oneof(anything, fc.constantFrom('auto', 'default', 'flex')), ...(isBroken ? { thinking: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: mostly(thinking) }), moderation: oneOf([null], [{}]) } : { thinking: fc.constantFrom(null, null, { type: 'adaptive' }) }),
  } satisfies Record<Exclude<TranslatedField, FieldElsewhere>, fc.Arbitrary<unknown>> & Members);
  const groups = fc.array(messagesOf(isBroken), { minLength: 1, maxLength: 6 }).map((lists) => lists.flat());
  const conversation = (isBroken ? mostly(groups) : groups).map((messages) => (Array.isArray(messages) && !isBroken ? [...messages, { role: 'user', content: 'Go on' }] : messages));
  return fc.tuple(conversation, toolFieldsOf(isBroken), others).map(([messages, tools, rest]) => ({ model: 'claude-x', messages, ...tools, ...rest }));
}

/** A Chat Completions request, whole or broken in one place or another; every field of the API appears. */
export const chatRequest: fc.Arbitrary<Record<string, unknown>> = fc.oneof(requestOf(false), requestOf(true));
