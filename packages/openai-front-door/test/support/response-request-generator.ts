import * as fc from 'fast-check';
import type { ResponseField } from '../../src/responses/field-rules.ts';
import { sealSearch, sealThinking } from '../../src/responses/sealed-blocks.ts';
import { anything, partsOf, text, visible, type Members } from './request-generator.ts';

const SEALED = [sealThinking({ thinking: 'Hm', signature: 'c2ln' }), sealThinking({ data: 'c2Vh' }), sealSearch({ id: 'srvtoolu_1', input: { query: 'x' } }, { content: [] })];

function itemOf(isBroken: boolean): fc.Arbitrary<unknown> {
  const { mostly, oneOf, partly, all, list } = partsOf(isBroken);
  const toolName = oneOf(['a', 'look_up', 'mcp__x-1'], ['a b', '', 'x'.repeat(129)]);
  const callId = oneOf(['toolu_1', 'toolu_2', 'functions.f:0', 'call_a|fc_1'], ['']);
  const url = oneOf(['https://x.test/a.png', 'data:image/png;base64,AAAA', 'data:application/pdf;base64,JVBERi0='], ['data:image/svg+xml;base64,AAAA', 'http://x.test', '']);
  const part = fc.oneof(
    partly({ type: fc.constant('input_text'), text: mostly(text), cache_control: oneOf([null, { type: 'ephemeral' }], [{ type: 'other' }]) }, 'type', 'text'),
    partly({ type: fc.constant('input_image'), image_url: mostly(url), detail: fc.constantFrom('auto', 'high') }, 'type', 'image_url'),
    partly({ type: fc.constant('input_file'), file_data: mostly(url), filename: text }, 'type', 'file_data'),
  );
  const output = fc.oneof(all({ type: fc.constant('output_text'), text: mostly(text), annotations: fc.constant([]) }), all({ type: fc.constant('refusal'), refusal: mostly(text) }));
  const texts = fc.oneof(mostly(text), list(all({ type: fc.constant('input_text'), text: mostly(text) }), 3));
  const named = { call_id: mostly(callId), name: mostly(toolName), namespace: oneOf([null, 'ns'], [7, 'n s']), id: fc.constant('fc_1'), status: fc.constant('completed') };
  const callArguments = fc.constantFrom('{}', '', '{"n":12345678901234567890}', '{"text":"Dear al', '[]');
  const answered = mostly(fc.oneof(text, list(part, 3), fc.constant(null)));
  return fc.oneof(
    { weight: 3, arbitrary: partly({ type: fc.constant('message'), role: fc.constant('user'), content: fc.oneof(mostly(text), list(part, 4)), id: fc.constant('msg_1') }, 'role', 'content') },
    { weight: 2, arbitrary: partly({ type: fc.constant('message'), role: fc.constant('assistant'), content: fc.oneof(mostly(text), list(output, 3)), phase: fc.constant('commentary') }, 'role', 'content') },
    all({ role: fc.constantFrom('system', 'developer'), content: texts }),
    partly({ type: fc.constant('reasoning'), id: fc.constant('rs_1'), summary: fc.constant([]), encrypted_content: fc.oneof(fc.constantFrom(...SEALED, 'gAAAA', 'penstock1.x'), anything) }, 'type'),
    { weight: 2, arbitrary: partly({ type: fc.constant('function_call'), ...named, arguments: mostly(callArguments) }, 'type', 'call_id', 'name', 'arguments') },
    partly({ type: fc.constant('custom_tool_call'), ...named, input: mostly(text) }, 'type', 'call_id', 'name', 'input'),
    { weight: 2, arbitrary: partly({ type: fc.constantFrom('function_call_output', 'custom_tool_call_output'), call_id: mostly(callId), output: answered }, 'type', 'call_id', 'output') },
    partly({ type: fc.constantFrom('web_search_call', 'file_search_call', 'mcp_call', 'tool_search_output'), id: text }, 'type'),
    ...(isBroken ? [all({ type: fc.constantFrom('item_reference', 'compaction', 'computer_call', 'x'), id: text })] : []),
  );
}

/** A call and its result, side by side, as most histories have them. */
function exchangeOf(index: number): readonly unknown[] {
  return [
    { type: 'reasoning', summary: [], encrypted_content: SEALED[index % 2] }, { type: 'function_call', call_id: `toolu_x${index}`, name: 'a', arguments: '{"x":1}' }, { type: 'function_call_output', call_id: `toolu_x${index}`, output: 'fine' },
  ];
}

function toolsOf(isBroken: boolean): fc.Arbitrary<Record<string, unknown>> {
  const { mostly, oneOf, partly, all, list } = partsOf(isBroken);
  const schema = oneOf([null, { type: 'object', properties: { x: { type: 'string', minLength: 2 } } }, { anyOf: [{ type: 'object', properties: {} }] }, {}], [{ type: 'array' }, 7]);
  const functionOf = (name: string): fc.Arbitrary<unknown> => partly({ type: fc.constant('function'), name: mostly(fc.constant(name)), description: mostly(text), parameters: mostly(schema), strict: mostly(fc.boolean()) }, 'type', 'name');
  const format = oneOf([null, { type: 'text' }, { type: 'grammar', syntax: 'lark', definition: 'x' }], [{ type: 'x' }, 7]);
  const customOf = (name: string): fc.Arbitrary<unknown> => partly({ type: fc.constant('custom'), name: fc.constant(name), description: mostly(text), format: mostly(format) }, 'type', 'name');
  const namespace = all({ type: fc.constant('namespace'), name: oneOf(['ns', 'git'], ['n s', 7]), description: text, tools: mostly(fc.tuple(functionOf('a'), customOf('b'))) });
  const hosted = oneOf([{ type: 'tool_search' }, { type: 'image_generation' }, { type: 'web_search', external_web_access: false }, { type: 'web_search', filters: { allowed_domains: ['a.test'] }, user_location: { type: 'approximate', country: 'IT' } }, { type: 'web_search_preview' }], [{ type: 'web_search', filters: { allowed_domains: [''] } }, { type: 'file_search' }, { type: 'mcp' }, {}]);
  const choice = oneOf(['auto', 'none', 'required', { type: 'function', name: 'a' }, { type: 'custom', name: 'c' }, { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'a' }] }], [{ type: 'function', name: 'missing' }, { type: 'mcp' }, 'x', 7]);
  return fc.oneof(
    fc.constant({}), all({ tools: list(hosted, 2), tool_choice: oneOf(['auto', 'none'], ['required']) }),
    partly({ tools: mostly(fc.tuple(functionOf('a'), customOf('c'), namespace, hosted)), tool_choice: mostly(choice), parallel_tool_calls: mostly(fc.boolean()) }, 'tools'),
  );
}

/** Fields that the conversation and `toolsOf` generate. */
type FieldElsewhere = 'model' | 'input' | 'tools' | 'tool_choice' | 'parallel_tool_calls';

function requestOf(isBroken: boolean): fc.Arbitrary<Record<string, unknown>> {
  const { mostly, oneOf, partly, all } = partsOf(isBroken);
  const fraction = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), oneOf([0, 1], [-1, 2.5]));
  const format = fc.oneof(oneOf([{ type: 'text' }, null], [{ type: 'json_object' }, { type: 'xml' }]), all({ type: fc.constant('json_schema'), name: text, schema: mostly(oneOf([{ type: 'object', properties: { a: { type: 'object', properties: {} } } }], [{ type: 'object', additionalProperties: {} }])) }));
  const fields = partly({
    instructions: mostly(text), stream: mostly(fc.boolean()), stream_options: mostly(partly({ include_obfuscation: fc.boolean() })), max_output_tokens: mostly(oneOf([1, 9000, 64_000], [0, 1.5])), temperature: mostly(fraction), top_p: mostly(fraction),
    text: mostly(partly({ format: mostly(format), verbosity: oneOf(['low', 'medium'], [7]) })), reasoning: mostly(partly({ effort: mostly(oneOf(['none', 'minimal', 'low', 'high', 'max', null], ['x'])), summary: oneOf(['auto', 'detailed', null], ['x']) })),
    user: mostly(text), safety_identifier: mostly(text), include: mostly(fc.constant(['reasoning.encrypted_content'])), thinking: oneOf([null, null, { type: 'adaptive' }], [{ type: 'x' }]), prompt_cache_key: mostly(text), prompt_cache_retention: mostly(oneOf(['24h', 'in_memory', null], ['x'])),
    service_tier: anything, prompt_cache_options: mostly(oneOf([null, { mode: 'explicit' }, { mode: 'implicit', ttl: '30m' }], [{ prewarm: true }, { ttl: 'x' }])),
  } satisfies Record<Exclude<ResponseField, FieldElsewhere>, fc.Arbitrary<unknown>> & Members);
  const others = partly({ store: fc.boolean(), metadata: anything, client_metadata: anything, truncation: oneOf(['disabled'], ['auto']), previous_response_id: oneOf([null], ['resp_1']), background: oneOf([false], [true]), of_tomorrow: anything });
  const history = fc.array(fc.oneof({ weight: 2, arbitrary: mostly(itemOf(isBroken)).map((item) => [item]) }, { weight: 1, arbitrary: fc.nat({ max: 5 }).map(exchangeOf) }), { minLength: 1, maxLength: 6 }).map((items) => items.flat());
  const conversation = fc.oneof({ weight: 1, arbitrary: visible }, { weight: 8, arbitrary: history.map((items) => (isBroken ? items : [...items, { role: 'user', content: 'Go on' }])) });
  return fc.tuple(mostly(conversation), toolsOf(isBroken), fields, others).map(([input, tools, given, rest]) => ({ model: 'claude-x', input, ...tools, ...given, ...rest }));
}

/** A Responses request, whole or broken in one place or another; every field of the API that is translated appears. */
export const responseRequest: fc.Arbitrary<Record<string, unknown>> = fc.oneof(requestOf(false), requestOf(true));
