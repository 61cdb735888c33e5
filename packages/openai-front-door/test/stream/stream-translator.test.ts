import { describe, expect, it } from 'vitest';
import { createStreamTranslator, type StreamSettings } from '../../src/chat/stream-translator.ts';
import type { StreamTranslator } from '../../src/messages-core/messages-stream.ts';
import { createEventDecoder } from '../../src/messages-core/event-decoder.ts';
import { messageEvents, sseEvent, text, thinking, toolUse } from '../support/messages-upstream.ts';

const SETTINGS: StreamSettings = { includeUsage: false, wantsReasoning: false, usesLegacyFunctions: false, created: 1_700_000_000, maxThinkingChars: 1000 };

interface Chunk {
  readonly choices: readonly { readonly delta: unknown; readonly finish_reason: string | null }[];
  readonly [name: string]: unknown;
}

interface Run {
  readonly frames: string;
  readonly chunks: readonly Chunk[];
  readonly deltas: readonly unknown[];
  readonly translator: StreamTranslator;
}

function run(events: string, given: Partial<StreamSettings> = {}): Run {
  const translator = createStreamTranslator({ ...SETTINGS, ...given });
  let frames = '';
  createEventDecoder({ maxEventChars: 100_000, onData: (data) => { frames += translator.translate(data); } }).write(Buffer.from(events));
  const chunks = frames.split('\n\n').filter((frame) => frame.startsWith('data: {')).map((frame): Chunk => JSON.parse(frame.slice(6)));
  return { frames, chunks, translator, deltas: chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.delta)) };
}

describe('createStreamTranslator', () => {
  it('writes the chunks of a text, one id, created and model on all, and ends in [DONE]', () => {
    const { frames, chunks, deltas, translator } = run(messageEvents([text('Hel', 'lo')]));
    expect(deltas).toEqual([{ role: 'assistant', content: '' }, { content: 'Hel' }, { content: 'lo' }, {}]);
    expect(new Set(chunks.map((chunk) => JSON.stringify([chunk['id'], chunk['created'], chunk['model'], chunk['object']])))).toEqual(new Set(['["msg_01Test",1700000000,"claude-sonnet-4-5-20250929","chat.completion.chunk"]']));
    expect(chunks.at(-1)?.choices).toEqual([{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }]);
    expect(frames.endsWith('data: [DONE]\n\n')).toBe(true);
    expect([translator.isDone(), translator.model(), translator.stopReason(), translator.usage.source()]).toEqual([true, 'claude-sonnet-4-5-20250929', 'end_turn', 'final']);
    expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false);
  });

  it('writes usage once, before [DONE], and null before that, where it is asked for', () => {
    const { chunks } = run(messageEvents([text('x')], { usage: { input_tokens: 3, cache_read_input_tokens: 4, output_tokens: 5 } }), { includeUsage: true });
    expect(chunks.slice(0, -1).every((chunk) => chunk['usage'] === null)).toBe(true);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12, prompt_tokens_details: { cached_tokens: 4 } } });
  });

  it('names the tier that served the answer beside the finish reason', () => {
    const { chunks } = run(messageEvents([text('x')], { usage: { input_tokens: 3, output_tokens: 5, service_tier: 'priority' } }), { includeUsage: true });
    expect(chunks.map((chunk) => chunk['service_tier'])).toEqual([undefined, undefined, 'priority', undefined]);
    expect(chunks[2]).toMatchObject({ choices: [{ finish_reason: 'stop' }], usage: null });
  });

  it('numbers tool calls among themselves, whatever blocks stand before them', () => {
    const { deltas } = run(messageEvents([thinking('hm', 's'), text('x'), toolUse('toolu_1', 'a', '{"x":', '1}'), toolUse('toolu_2', 'b')], { stopReason: 'tool_use' }));
    expect(deltas.slice(2)).toEqual([
      { tool_calls: [{ index: 0, id: 'toolu_1', type: 'function', function: { name: 'a', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"x":' } }] }, { tool_calls: [{ index: 0, function: { arguments: '1}' } }] },
      { tool_calls: [{ index: 1, id: 'toolu_2', type: 'function', function: { name: 'b', arguments: '' } }] }, { tool_calls: [{ index: 1, function: { arguments: '{}' } }] }, {},
    ]);
  });

  it('takes arguments that came whole with the start, and a call that was never stopped', () => {
    const start = (input: object): string => sseEvent({ type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 't', name: 'a', input } });
    const around = messageEvents([], { stopReason: 'tool_use' }).split('event: message_delta');
    const { deltas } = run(`${around[0]}${start({ x: 1 })}event: message_delta${around[1]}`);
    expect(deltas[2]).toEqual({ tool_calls: [{ index: 0, function: { arguments: '{"x":1}' } }] });
  });

  it('streams legacy functions as function_call', () => {
    const { deltas, chunks } = run(messageEvents([toolUse('toolu_1', 'a', '{}')], { stopReason: 'tool_use' }), { usesLegacyFunctions: true });
    expect(deltas.slice(1, 3)).toEqual([{ function_call: { name: 'a', arguments: '' } }, { function_call: { arguments: '{}' } }]);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('function_call');
  });

  it('hands out thinking as it comes and signed blocks at the end, only where asked', () => {
    const events = messageEvents([thinking('hm', 'sig'), { start: { type: 'redacted_thinking', data: 'x' }, deltas: [] }, text('Hi')]);
    expect(run(events).frames).not.toContain('hm');
    expect(run(events, { wantsReasoning: true }).deltas).toEqual([
      { role: 'assistant', content: '' }, { reasoning_content: 'hm' }, { content: 'Hi' },
      { thinking_blocks: [{ index: 0, type: 'thinking', thinking: 'hm', signature: 'sig' }, { index: 1, type: 'redacted_thinking', data: 'x' }] }, {},
    ]);
  });

  it('breaks off when the thinking to keep is over its bound', () => {
    expect(() => run(messageEvents([thinking('x'.repeat(1001), 's')]), { wantsReasoning: true })).toThrow(/more thinking/);
    expect(() => run(messageEvents([thinking('x'.repeat(1001), 's')]))).not.toThrow();
  });

  it('turns a ping into a comment (a named event would kill OpenAI clients)', () => {
    expect(run(messageEvents([text('x')])).frames).toContain('\n\n: keep-alive\n\n');
    expect(run(messageEvents([text('x')])).frames).not.toMatch(/^event:/m);
  });

  it.each([
    ['end_turn', 'stop'], ['stop_sequence', 'stop'], ['tool_use', 'tool_calls'], ['max_tokens', 'length'], ['model_context_window_exceeded', 'length'], ['refusal', 'content_filter'], ['compaction', 'stop'], ['new_word', 'stop'],
  ])('maps stop reason %s to %s', (stopReason, finish) => {
    expect(run(messageEvents([text('x')], { stopReason })).chunks.at(-1)?.choices[0]?.finish_reason).toBe(finish);
  });

  it('gives the words of a refusal', () => {
    const { deltas } = run(messageEvents([], { stopReason: 'refusal', stopDetails: { type: 'refusal', explanation: 'Not this.' } }));
    expect(deltas).toEqual([{ role: 'assistant', content: '' }, { refusal: 'Not this.' }, {}]);
  });

  it('writes no finish reason before message_stop (the stream may still break)', () => {
    const whole = messageEvents([text('x')]);
    const { frames } = run(whole.slice(0, whole.indexOf('event: message_stop')));
    expect(frames).not.toMatch(/"finish_reason":"|DONE/);
  });

  it('stream translator: emits nothing after an error event', () => {
    const { frames, translator } = run(`${messageEvents([text('x')]).split('event: message_delta')[0]}${sseEvent({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })}${messageEvents([text('y')])}`);
    expect(translator.fault()).toEqual({ type: 'overloaded_error', message: 'Overloaded' });
    expect(frames).not.toMatch(/"y"|DONE|"finish_reason":"/);
  });

  it('stream translator: emits nothing after message_stop', () => {
    const { frames } = run(`${messageEvents([text('x')])}${messageEvents([text('y')])}`);
    expect(frames.match(/DONE/g)).toHaveLength(1);
    expect(frames).not.toContain('"y"');
  });

  it('skips a start that a proxy repeated, and refuses one with another id', () => {
    const start = (id: string): string => sseEvent({ type: 'message_start', message: { id, model: 'm', usage: {} } });
    expect(run(`${start('a')}${start('a')}`).deltas).toHaveLength(1);
    expect(() => run(`${start('a')}${start('b')}`)).toThrow(/second message/);
  });

  it('skips events, blocks and deltas it does not know (the API grows)', () => {
    const extra = { start: { type: 'block_of_tomorrow' }, deltas: [{ type: 'delta_of_tomorrow' }, { type: 'citations_delta', citation: {} }] };
    expect(run(sseEvent({ type: 'event_of_tomorrow' }) + messageEvents([extra, text('x')])).deltas).toEqual([{ role: 'assistant', content: '' }, { content: 'x' }, {}]);
  });

  it('refuses more tool calls that were never stopped, and more thinking blocks, than it may hold (a stream may last for hours)', () => {
    const begun = messageEvents([]).split('event: message_delta')[0] ?? '';
    const starts = (block: object, count: number): string => Array.from({ length: count }, (_, index) => sseEvent({ type: 'content_block_start', index, content_block: block })).join('');
    const call = { type: 'tool_use', id: 't', name: 'a', input: {} };
    expect(run(begun + starts(call, 128)).deltas).toHaveLength(129);
    expect(() => run(begun + starts(call, 129))).toThrow(expect.objectContaining({ code: 'upstream_invalid' }));
    const thought = { type: 'thinking', thinking: '', signature: '' };
    expect(run(begun + starts(thought, 15), { wantsReasoning: true }).deltas).toHaveLength(1);
    expect(() => run(begun + starts(thought, 16), { wantsReasoning: true })).toThrow(/more thinking than can be kept/);
  });

  it.each([
    ['an event that is not JSON', 'data: {"type"\n\n'], ['an event that is no object', 'data: []\n\n'], ['a delta before the start', sseEvent({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'x' } })],
    ['a stop before the start', sseEvent({ type: 'message_stop' })], ['a start without a message', sseEvent({ type: 'message_start' })],
    ['text that is none', messageEvents([{ start: { type: 'text', text: '' }, deltas: [{ type: 'text_delta', text: 7 }] }])],
    ['no stop reason', messageEvents([]).replace('"stop_reason":"end_turn"', '"stop_reason":null')],
  ])('refuses %s', (_what, events) => {
    expect(() => run(events)).toThrow(expect.objectContaining({ code: 'upstream_invalid' }));
  });
});

describe('createEventDecoder', () => {
  const collect = (chunks: readonly Uint8Array[], maxEventChars = 1000): readonly string[] => {
    const seen: string[] = [];
    const decoder = createEventDecoder({ maxEventChars, onData: (data) => { seen.push(data); } });
    for (const chunk of chunks) decoder.write(chunk);
    return seen;
  };

  it.each(['\n', '\r\n', '\r'])('reads the same events however the bytes are split, with line ends %j', (lineEnd) => {
    const bytes = Buffer.from(`\uFEFFevent: x${lineEnd}data: {"a":"grüße 漢字 😀",${lineEnd}data: "b":1}${lineEnd}${lineEnd}: note${lineEnd}data: 2${lineEnd}${lineEnd}:${lineEnd}`);
    const whole = collect([bytes]);
    expect(whole).toEqual(['{"a":"grüße 漢字 😀",\n"b":1}', '2']);
    expect(collect([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
    for (let cut = 1; cut < bytes.length; cut += 1) expect(collect([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
  });

  it('refuses an event over its bound and bytes that are not UTF-8', () => {
    expect(() => collect([Buffer.from(`data: ${'x'.repeat(600)}`), Buffer.from('x'.repeat(600))])).toThrow(/too long/);
    expect(() => collect([Uint8Array.of(0x64, 0xff, 0x0a)])).toThrow(/UTF-8/);
  });
});
