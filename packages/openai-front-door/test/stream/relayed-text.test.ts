import { expect, it } from 'vitest';
import { textBytesIn, textBytesOf } from '../../src/relay/relayed-text.ts';

const chunk = (...deltas: readonly unknown[]): unknown => ({ id: 'chatcmpl-1', model: 'gpt-x', choices: deltas.map((delta, index) => ({ index, delta, finish_reason: null })) });

it.each([
  ['text', chunk({ role: 'assistant', content: 'héé' }), 5],
  ['text of every choice', chunk({ content: 'ab' }, { content: 'cde' }), 5],
  ['reasoning and refusals', chunk({ reasoning_content: 'hm', refusal: 'no' }), 4],
  ['arguments of tool calls, not their names', chunk({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"a":1}' } }] }), 7],
  ['legacy completions', { choices: [{ index: 0, text: 'abc', finish_reason: null }] }, 3],
  ['the Responses API', { type: 'response.output_text.delta', item_id: 'msg_1', delta: 'abcd' }, 4],
  ['nothing of other events', { type: 'response.completed', response: { output: [{ text: 'all of it again' }] } }, 0],
  ['nothing of what is no event', 'x', 0],
  ['nothing of nonsense', { choices: [null, 7, { delta: null }] }, 0],
])('an event holds %s', (_what, event, bytes) => {
  expect(textBytesOf(event)).toBe(bytes);
});

it('data that is no JSON is all text, and the end of a stream is none', () => {
  expect([textBytesIn('héé'), textBytesIn('[DONE]'), textBytesIn(JSON.stringify(chunk({ content: 'ab' })))]).toEqual([5, 0, 2]);
});
