import { describe, expect, it } from 'vitest';
import { parseJsonExactly } from '../../src/json/parse-json.ts';
import { translateMessage } from '../../src/chat/translate-message.ts';
import { messageJson } from '../support/messages-upstream.ts';

const PLAIN = { wantsReasoning: false, usesLegacyFunctions: false, created: 1_700_000_000 };

function choiceOf(content: readonly unknown[], end = {}, settings = PLAIN): Record<string, unknown> {
  const { completion } = translateMessage(messageJson(content, end), settings);
  return (completion['choices'] as Record<string, unknown>[])[0] ?? {};
}

describe('translateMessage', () => {
  it('gives every member of a completion, with the upstream\'s id and model', () => {
    expect(translateMessage(messageJson([{ type: 'text', text: 'Hi' }]), PLAIN).completion).toEqual({
      id: 'msg_01Test', object: 'chat.completion', created: 1_700_000_000, model: 'claude-sonnet-4-5-20250929',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hi', refusal: null }, logprobs: null, finish_reason: 'stop' }],
      usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 }, completion_tokens_details: { reasoning_tokens: 0 } },
    });
  });

  it.each([['standard', 'default'], ['priority', 'priority'], ['batch', 'flex'], ['of_tomorrow', undefined]])('names the tier that served it: %s is %s', (served, tier) => {
    expect(translateMessage(messageJson([], { usage: { input_tokens: 1, output_tokens: 1, service_tier: served } }), PLAIN).completion['service_tier']).toBe(tier);
  });

  it('joins all text blocks (the last one alone would be half an answer)', () => {
    expect(choiceOf([{ type: 'text', text: 'a' }, { type: 'server_tool_use' }, { type: 'text', text: 'b' }])).toMatchObject({ message: { content: 'ab' } });
  });

  it('writes null content when there are only tools, and arguments of none as {}', () => {
    const choice = choiceOf([{ type: 'tool_use', id: 'toolu_1', name: 'a', input: {} }, { type: 'tool_use', id: 'toolu_2', name: 'b', input: { x: [1] } }], { stopReason: 'tool_use' });
    expect(choice).toMatchObject({ finish_reason: 'tool_calls', message: { content: null, tool_calls: [
      { id: 'toolu_1', type: 'function', function: { name: 'a', arguments: '{}' } }, { id: 'toolu_2', type: 'function', function: { name: 'b', arguments: '{"x":[1]}' } },
    ] } });
  });

  it('keeps the numbers of arguments as the model wrote them', () => {
    const message = parseJsonExactly(JSON.stringify(messageJson([{ type: 'tool_use', id: 't', name: 'a', input: { id: 'ID' } }])).replace('"ID"', '12345678901234567890'));
    expect(JSON.stringify(translateMessage(message, PLAIN).completion)).toContain('"arguments":"{\\"id\\":12345678901234567890}"');
  });

  it('answers legacy functions with function_call', () => {
    const choice = choiceOf([{ type: 'tool_use', id: 'toolu_1', name: 'a', input: { x: 1 } }], { stopReason: 'tool_use' }, { ...PLAIN, usesLegacyFunctions: true });
    expect(choice).toMatchObject({ finish_reason: 'function_call', message: { function_call: { name: 'a', arguments: '{"x":1}' } } });
  });

  it('hands thinking out only to those who asked, with its signature and place', () => {
    const content = [{ type: 'thinking', thinking: 'hm', signature: 's' }, { type: 'redacted_thinking', data: 'x' }, { type: 'text', text: 'Hi' }];
    expect(choiceOf(content)['message']).toEqual({ role: 'assistant', content: 'Hi', refusal: null });
    expect(choiceOf(content, {}, { ...PLAIN, wantsReasoning: true })['message']).toEqual({
      role: 'assistant', content: 'Hi', refusal: null, reasoning_content: 'hm',
      thinking_blocks: [{ index: 0, type: 'thinking', thinking: 'hm', signature: 's' }, { index: 1, type: 'redacted_thinking', data: 'x' }],
    });
  });

  it.each([
    ['end_turn', 'stop'], ['stop_sequence', 'stop'], ['tool_use', 'tool_calls'], ['max_tokens', 'length'], ['model_context_window_exceeded', 'length'], ['refusal', 'content_filter'],
  ])('maps stop reason %s to %s', (stopReason, finish) => {
    expect(choiceOf([{ type: 'text', text: 'x' }], { stopReason })).toMatchObject({ finish_reason: finish });
  });

  it('ends an answer that the upstream paused as one that a bound cut, and names the pause beside', () => {
    expect(choiceOf([{ type: 'text', text: 'So far' }], { stopReason: 'pause_turn' })).toMatchObject({ finish_reason: 'length', native_finish_reason: 'pause_turn', message: { content: 'So far' } });
  });

  it.each(['compaction', 'a_reason_of_tomorrow'])('maps %s to stop and names it beside (never a crash, never a raw word where a client expects its own)', (stopReason) => {
    expect(choiceOf([{ type: 'text', text: 'x' }], { stopReason })).toMatchObject({ finish_reason: 'stop', native_finish_reason: stopReason });
  });

  it('gives the words of a refusal', () => {
    expect(choiceOf([], { stopReason: 'refusal', stopDetails: { type: 'refusal', explanation: 'Not this.' } })).toMatchObject({ finish_reason: 'content_filter', message: { content: '', refusal: 'Not this.' } });
  });

  it.each([
    ['no stop reason', { ...messageJson([]), stop_reason: null }], ['an array', []], ['an error', { type: 'error', error: { type: 'x', message: 'y' } }],
    ['no content', { ...messageJson([]), content: undefined }], ['a tool without an id', messageJson([{ type: 'tool_use', name: 'a' }])], ['a block that is none', messageJson(['x'])], ['text that is none', messageJson([{ type: 'text', text: 7 }])],
  ])('refuses %s as unreadable (half an answer must not look whole)', (_what, message) => {
    expect(() => translateMessage(message, PLAIN)).toThrow(expect.objectContaining({ code: 'upstream_invalid', status: 502 }));
  });
});
