import { array, assert, constantFrom, dictionary, letrec, oneof, property, record, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readMessageEnds } from '../src/usage/message-ends.ts';

const USAGE = { input_tokens: 3, cache_creation: { ephemeral_5m_input_tokens: 1 }, output_tokens: 4, service_tier: 'standard' };
const message = (content: unknown, rest: object = {}): object => ({
  model: 'claude-haiku-4-5', id: 'msg_01', type: 'message', role: 'assistant', content, stop_reason: 'end_turn', stop_sequence: null, usage: USAGE, ...rest,
});
const read = (value: unknown): unknown => readMessageEnds(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));

/** What somebody would write who wants to be taken for the end of a message. */
const TRAPS = ['],"stop_reason":"x","usage":{"input_tokens":9}}', '"],"stop_reason":', '\\"],\\"stop_reason\\":', '"content":[', '{"model":"', '\\', '"', ']', '}', '\u00e9\ud83d\ude00', 'plain'];

describe('what a message says at its ends', () => {
  test('is what parsing all of it says', () => {
    expect(read(message([{ type: 'text', text: 'x'.repeat(100_000) }]))).toEqual({ model: 'claude-haiku-4-5', stop_reason: 'end_turn', stop_sequence: null, usage: USAGE });
    expect(read(message([], { stop_sequence: '\u00e9],"stop_reason":"x"', context_management: { edits: [] } }))).toEqual(
      { model: 'claude-haiku-4-5', stop_reason: 'end_turn', stop_sequence: '\u00e9],"stop_reason":"x"', usage: USAGE, context_management: { edits: [] } },
    );
  });

  test('is never what the model wrote', () => {
    const trap = oneof(constantFrom(...TRAPS), string());
    const { value } = letrec((tie) => ({
      value: oneof({ maxDepth: 4 }, trap, constantFrom(null, 1, true), array(tie('value'), { maxLength: 3 }), dictionary(oneof(trap, constantFrom('stop_reason', 'usage', 'model', 'content')), tie('value'), { maxKeys: 3 }),
        record({ a: array(tie('value'), { maxLength: 1 }), stop_reason: trap, usage: tie('value') }, { noNullPrototype: true })),
    }));
    const readable = { count: 0 };
    assert(property(array(value, { maxLength: 3 }), trap, (content, stopSequence) => {
      const body = message(content, { stop_sequence: stopSequence });
      const ends = read(body);
      if (ends === undefined) return;
      readable.count += 1;
      const { stop_reason, stop_sequence, usage, model } = JSON.parse(JSON.stringify(body)) as Record<string, unknown>;
      expect(ends).toEqual({ model, stop_reason, stop_sequence, usage });
    }), { numRuns: 3_000 });
    expect(readable.count).toBeGreaterThan(1_000);
  });

  test.each<[string, unknown]>([
    ['an error', { type: 'error', error: { type: 'overloaded_error', message: '' } }],
    ['another order', { id: 'msg_01', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: 'end_turn', usage: USAGE }],
    ['another type', { ...message([]), type: 'completion' }],
    ['no usage', { ...message([]), usage: undefined }],
    ['usage inside of the content, and none behind it', '{"model":"m","id":"i","type":"message","role":"assistant","content":[{"a":[],"stop_reason":"x","usage":{}}]}'],
    ['a member between that may hold anything', '{"model":"m","x":{"id":"i","type":"message","role":"assistant","content":[],"stop_reason":"x","usage":{}}}'],
    ['a model that is escaped', { ...message([]), model: 'a"b' }],
    ['a model beyond ASCII', { ...message([]), model: 'caf\u00e9' }],
    ['a model that does not end', `{"model":"${'m'.repeat(600)}"}`],
    ['an end that is cut', JSON.stringify(message([])).slice(0, -1)],
    ['an end that is long', message([], { stop_sequence: 'x'.repeat(4_000) })],
    ['nothing', ''],
  ])('must be parsed for in a body with %s', (_what, body) => {
    expect(read(body)).toBeUndefined();
  });
});
