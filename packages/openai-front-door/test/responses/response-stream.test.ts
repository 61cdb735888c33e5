import { describe, expect, it } from 'vitest';
import { createMessagesStream } from '../../src/messages-core/messages-stream.ts';
import { createUsageTally } from '../../src/messages-core/usage.ts';
import { createEventDecoder } from '../../src/messages-core/event-decoder.ts';
import { createResponseEvents } from '../../src/responses/response-events.ts';
import { ResponseWriter, type ResponseSettings } from '../../src/responses/response-writer.ts';
import { translateResponse } from '../../src/responses/translate-response.ts';
import { messageEvents, messageJson, text, thinking, toolUse, type MessageEnd, type ScriptedBlock } from '../support/messages-upstream.ts';
import { readResponseEvents, type ResponseEvent } from '../support/response-events.ts';

const ECHO = { max_output_tokens: null, parallel_tool_calls: true, temperature: 1, top_p: 1, reasoning: { effort: null, summary: null } };
const NAMES = { patch: { name: 'patch', isCustom: true }, git__log: { name: 'log', namespace: 'git', isCustom: false } };
const SETTINGS: ResponseSettings = { names: NAMES, echo: ECHO, created: 1_700_000_000, maxBytes: 100_000 };

function translate(events: string, settings: Partial<ResponseSettings> = {}): string {
  const stream = createMessagesStream(new ResponseWriter({ ...SETTINGS, ...settings }, createResponseEvents()));
  let frames = '';
  createEventDecoder({ maxEventChars: 1e6, onData: (data) => { frames += stream.translate(data); } }).write(Buffer.from(events));
  return frames;
}

function run(blocks: readonly ScriptedBlock[], end: MessageEnd = {}): readonly ResponseEvent[] {
  return readResponseEvents(translate(messageEvents(blocks, end)));
}

const typesOf = (events: readonly ResponseEvent[]): readonly string[] => events.map(({ type }) => type.replace(/^response\./, ''));
const last = (events: readonly ResponseEvent[]): ResponseEvent['response'] => events.findLast(({ response }) => response !== undefined)?.['response'];

const MESSAGE = ['output_item.added', 'content_part.added', 'output_text.delta', 'output_text.delta', 'output_text.done', 'content_part.done', 'output_item.done'];
const CALL = ['output_item.added', 'function_call_arguments.delta', 'function_call_arguments.done', 'output_item.done'];

describe('the events of a response', () => {
  it('are those of a text, in order, and the last one repeats all of it', () => {
    const events = run([text('Hel', 'lo')]);
    expect(typesOf(events)).toEqual(['created', 'in_progress', ...MESSAGE, 'completed']);
    expect(events[2]).toMatchObject({ output_index: 0, item: { id: 'msg_01Test_0', type: 'message', status: 'in_progress', content: [] } });
    expect(events[4]).toEqual({ type: 'response.output_text.delta', item_id: 'msg_01Test_0', output_index: 0, content_index: 0, logprobs: [], delta: 'Hel', sequence_number: 4 });
    expect(last(events)).toMatchObject({
      id: 'resp_01Test', object: 'response', status: 'completed', error: null, incomplete_details: null, model: 'claude-sonnet-4-5-20250929',
      output: [{ id: 'msg_01Test_0', type: 'message', status: 'completed', role: 'assistant', content: [{ type: 'output_text', text: 'Hello', annotations: [] }] }],
      usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15, input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } },
    });
  });

  it('begin with a response without output, in progress', () => {
    const [created, inProgress] = run([text('x')]);
    expect(created?.['response']).toMatchObject({ status: 'in_progress', output: [], usage: null });
    expect(inProgress?.['response']).toEqual(created?.['response']);
  });

  it('number thinking, text and calls by item, and name tools as the client does', () => {
    const events = run([thinking('Hmm', 'sig'), text('A', 'B'), toolUse('toolu_1', 'git__log', '{"n":', '1}'), toolUse('toolu_2', 'add')], { stopReason: 'tool_use' });
    expect(typesOf(events)).toEqual([
      'created', 'in_progress',
      'output_item.added', 'reasoning_summary_part.added', 'reasoning_summary_text.delta', 'reasoning_summary_text.done', 'reasoning_summary_part.done', 'output_item.done',
      ...MESSAGE,
      'output_item.added', 'function_call_arguments.delta', ...CALL.slice(1),
      ...CALL, 'completed',
    ]);
    expect(last(events)).toMatchObject({ output: [
      { type: 'reasoning', id: 'rs_01Test_0', summary: [{ type: 'summary_text', text: 'Hmm' }], encrypted_content: expect.stringMatching(/^penstock1\./) as string },
      { type: 'message', id: 'msg_01Test_1' },
      { type: 'function_call', id: 'fc_01Test_2', call_id: 'toolu_1', name: 'log', namespace: 'git', arguments: '{"n":1}', status: 'completed' },
      { type: 'function_call', id: 'fc_01Test_3', call_id: 'toolu_2', name: 'add', arguments: '{}', status: 'completed' },
    ] });
    expect(events.filter(({ output_index: index }) => index !== undefined).map(({ output_index: index }) => index)).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3]);
  });

  it('give a custom tool its text, whole', () => {
    const events = run([toolUse('toolu_1', 'patch', '{"input":"*** Begin', ' \\u00fc\\n"}')], { stopReason: 'tool_use' });
    expect(typesOf(events).slice(2)).toEqual(['output_item.added', 'custom_tool_call_input.delta', 'custom_tool_call_input.done', 'output_item.done', 'completed']);
    expect(events[3]).toMatchObject({ delta: '*** Begin ü\n' });
    expect(last(events)).toMatchObject({ output: [{ type: 'custom_tool_call', id: 'ctc_01Test_0', call_id: 'toolu_1', name: 'patch', input: '*** Begin ü\n' }] });
  });

  it('hold hidden and redacted thinking in an item without summary', () => {
    const events = run([thinking('', 'sig'), { start: { type: 'redacted_thinking', data: 'xx' }, deltas: [] }, text('A', 'B')]);
    expect(typesOf(events).slice(2, 6)).toEqual(['output_item.added', 'output_item.done', 'output_item.added', 'output_item.done']);
    expect(events[3]?.['item']).toMatchObject({ summary: [], encrypted_content: expect.any(String) as string });
  });

  it('gather texts that follow one another in one message (clients show the last message alone)', () => {
    const events = run([text('A'), text('B'), text('')]);
    expect(typesOf(events)).toEqual(['created', 'in_progress', ...MESSAGE, 'completed']);
    expect(last(events)).toMatchObject({ output: [{ content: [{ text: 'AB' }] }] });
  });

  it('give an answer without content an empty message (some clients ask again for one without an item)', () => {
    expect(last(run([]))).toMatchObject({ status: 'completed', output: [{ type: 'message', content: [{ type: 'output_text', text: '' }] }] });
  });
});

describe('the end of a response', () => {
  it.each([['end_turn', 'completed'], ['stop_sequence', 'completed'], ['tool_use', 'completed'], ['compaction', 'completed'], ['max_tokens', 'incomplete'], ['model_context_window_exceeded', 'incomplete'], ['pause_turn', 'incomplete']])('%s is %s', (stopReason, status) => {
    const events = run([text('x')], { stopReason });
    expect(events.at(-1)?.type).toBe(`response.${status}`);
    expect(last(events)).toMatchObject({ status, incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null });
  });

  it('names the tier that served it', () => {
    expect(last(run([text('x')], { usage: { input_tokens: 1, output_tokens: 1, service_tier: 'priority' } }))).toMatchObject({ service_tier: 'priority' });
    expect(last(run([text('x')]))).toMatchObject({ service_tier: 'default' });
  });

  it('leaves a call that was cut at the output bound incomplete (it must not be run)', () => {
    const events = run([toolUse('toolu_1', 'add', '{"a":')], { stopReason: 'max_tokens' });
    expect(events.at(-2)).toMatchObject({ type: 'response.output_item.done', item: { status: 'incomplete', arguments: '{"a":' } });
  });

  it('of a refusal is a complete response with a refusal part (a client repeats one that is not, and each repeat is billed)', () => {
    const events = run([text('Well, ')], { stopReason: 'refusal', stopDetails: { explanation: 'I cannot help with that.' } });
    expect(typesOf(events).slice(-6)).toEqual(['content_part.added', 'refusal.delta', 'refusal.done', 'content_part.done', 'output_item.done', 'completed']);
    expect(last(events)).toMatchObject({ status: 'completed', output: [{ status: 'incomplete' }, { status: 'completed', content: [{ type: 'refusal', refusal: 'I cannot help with that.' }] }] });
  });

  it('of a turn that the upstream paused is incomplete: what was found stands in it, and a search without a result has failed', () => {
    const search = { start: { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }, deltas: [{ type: 'input_json_delta', partial_json: '{"query":"a"}' }] };
    const events = run([text('So far'), search], { stopReason: 'pause_turn' });
    expect(events.at(-1)?.type).toBe('response.incomplete');
    expect(last(events)).toMatchObject({ incomplete_details: { reason: 'max_output_tokens' }, output: [{ type: 'message', status: 'completed' }, { type: 'web_search_call', status: 'failed', action: { query: 'a' } }] });
  });
});

describe('a response that breaks', () => {
  const begun = messageEvents([text('Hello'), toolUse('toolu_1', 'add', '{"a":1}')]).split('event: message_delta')[0] ?? '';

  it.each([
    ['rate_limit_error', 'rate_limit_exceeded'], ['overloaded_error', 'server_is_overloaded'], ['billing_error', 'insufficient_quota'], ['api_error', 'server_error'], ['invalid_request_error', 'server_error'],
  ])('fails with the code that clients know: %s is %s', (type, code) => {
    const stream = createMessagesStream(new ResponseWriter(SETTINGS, createResponseEvents()));
    let frames = '';
    createEventDecoder({ maxEventChars: 1e6, onData: (data) => { frames += stream.translate(data); } }).write(Buffer.from(begun));
    frames += stream.fail({ type, code: type, message: 'No.', param: null });
    const events = readResponseEvents(frames);
    expect(events.at(-2)?.type).toBe('response.failed');
    // The `openai` packages throw at it, where clients on top of them pass the failed response over.
    expect(events.at(-1)).toMatchObject({ type: 'error', code, message: 'No.', param: null, error: { type, code, message: 'No.', param: null } });
    // The call was whole upstream, but nothing said so: it is not there to be run.
    expect(last(events)).toMatchObject({ status: 'failed', error: { code, message: 'No.' }, output: [{ type: 'message' }] });
  });

  it('keeps no more than its bound (the last event repeats everything)', () => {
    expect(() => translate(messageEvents([text('x'.repeat(60_000), 'x'.repeat(60_000))]))).toThrow('too large');
    expect(() => translate(messageEvents([toolUse('t', 'add', `"${'x'.repeat(100_000)}"`)]))).toThrow('too large');
    expect(() => translate(messageEvents([thinking('x', 'x'.repeat(100_000))]))).toThrow('too large');
    expect(() => translate(messageEvents(Array.from({ length: 500 }, () => thinking('', ''))))).toThrow('too large');
    const whole = (type: string, name: string): ScriptedBlock => ({ start: { type, id: 't', name, input: { query: 'x'.repeat(60_000) } }, deltas: [] });
    expect(() => translate(messageEvents([whole('tool_use', 'add'), whole('tool_use', 'add')]))).toThrow('too large');
    expect(() => translate(messageEvents([whole('server_tool_use', 'web_search'), whole('server_tool_use', 'web_search')]))).toThrow('too large');
  });

  it.each([
    ['a call', { type: 'tool_use', id: 't', name: 'add', input: {} }], ['thinking', { type: 'thinking', thinking: '', signature: '' }],
    ['redacted thinking', { type: 'redacted_thinking', data: 'x'.repeat(500) }],
  ])('end no item for %s that no longer fits: the last event holds what its client was sent', (_name, block) => {
    const writer = new ResponseWriter({ ...SETTINGS, maxBytes: 500 }, createResponseEvents());
    let frames = writer.start('msg_1', 'claude-x') + writer.blockStart(0, { type: 'text', text: '' }) + writer.blockDelta(0, { type: 'text_delta', text: 'Hello' });
    expect(() => writer.blockStart(1, block)).toThrow('too large');
    frames += writer.fail({ message: 'No.', type: 'server_error', code: 'upstream_invalid', param: null }, createUsageTally());
    const events = readResponseEvents(frames);
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_event, index) => index));
    expect(last(events)).toMatchObject({ status: 'failed', output: [] });
  });
});

describe('a whole answer', () => {
  it.each([
    ['text', [text('Hello')], [{ type: 'text', text: 'Hello' }], 'end_turn'],
    ['thinking, texts and calls', [thinking('Hmm', 'sig'), text('A'), text('B'), toolUse('toolu_1', 'git__log', '{"n":1}'), toolUse('toolu_2', 'patch', '{"input":"p"}')],
      [{ type: 'thinking', thinking: 'Hmm', signature: 'sig' }, { type: 'text', text: 'A' }, { type: 'text', text: 'B' }, { type: 'tool_use', id: 'toolu_1', name: 'git__log', input: { n: 1 } }, { type: 'tool_use', id: 'toolu_2', name: 'patch', input: { input: 'p' } }], 'tool_use'],
    ['a refusal', [], [], 'refusal'], ['a cut text', [text('Hel')], [{ type: 'text', text: 'Hel' }], 'max_tokens'], ['nothing', [], [], 'end_turn'],
  ] as const)('of %s is what its stream ends with', (_name, blocks, content, stopReason) => {
    const { response, stopReason: reason } = translateResponse(messageJson(content, { stopReason }), SETTINGS);
    expect(response).toEqual(last(run(blocks, { stopReason })));
    expect(reason).toBe(stopReason);
  });

  it.each([[{}], [{ type: 'message', content: [1] }], [messageJson([{ type: 'text', text: 7 }])]])('that cannot be read is the upstream\'s fault: %j', (message) => {
    expect(() => translateResponse(message, SETTINGS)).toThrow(expect.objectContaining({ code: 'upstream_invalid' }) as Error);
  });
});
