import { loadRecordings } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { createEventDecoder } from '../../src/messages-core/event-decoder.ts';
import { createStreamTranslator } from '../../src/chat/stream-translator.ts';
import { translateMessage } from '../../src/chat/translate-message.ts';

const STREAMS = loadRecordings('sse');
const MESSAGES = loadRecordings('json').filter(({ body }) => body.includes('"type":"message"') || body.includes('"type": "message"'));

interface Event {
  readonly type: string;
  readonly delta?: { readonly type?: string; readonly text?: string; readonly partial_json?: string; readonly stop_reason?: string };
  readonly content_block?: { readonly type: string; readonly text?: string };
  readonly index?: number;
}

/** What a recording says, read without the code under test: its texts, the arguments of its tools and its stop reason. */
function readRecording(body: Buffer): { readonly text: string; readonly stopReason: string | undefined; readonly tools: number } {
  const events = [...body.toString().matchAll(/^data: ?(.*)$/gm)].map((match): Event => JSON.parse(match[1] ?? ''));
  const startTexts = events.map((event) => (event.content_block?.type === 'text' ? event.content_block.text ?? '' : event.delta?.type === 'text_delta' ? event.delta.text ?? '' : ''));
  return {
    text: startTexts.join(''), stopReason: events.findLast((event) => event.delta?.stop_reason)?.delta?.stop_reason, tools: events.filter((event) => event.content_block?.type === 'tool_use').length,
  };
}

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string; readonly tool_calls?: readonly { readonly index: number; readonly id?: string; readonly function: { readonly arguments: string } }[] }; readonly finish_reason: string | null }[];
}

describe.skipIf(STREAMS.length === 0)('recorded streams of the real API (skipped with a message where the recordings are absent)', () => {
  it.each(STREAMS.map((recording) => [recording.name, recording.body] as const))('%s', (_name, body) => {
    const expected = readRecording(body);
    let frames = '';
    const translator = createStreamTranslator({ includeUsage: true, wantsReasoning: true, usesLegacyFunctions: false, created: 1, maxThinkingChars: 1e6 });
    const decoder = createEventDecoder({ maxEventChars: 1 << 20, onData: (data) => { frames += translator.translate(data); } });
    for (let at = 0; at < body.length; at += 7) decoder.write(body.subarray(at, at + 7));
    const chunks = [...frames.matchAll(/^data: (\{.*)$/gm)].map((match): Chunk => JSON.parse(match[1] ?? ''));
    const choices = chunks.flatMap((chunk) => chunk.choices);
    expect(choices.map((choice) => choice.delta.content ?? '').join('')).toBe(expected.text);
    const calls = choices.flatMap((choice) => choice.delta.tool_calls ?? []);
    expect(calls.filter((call) => call.id !== undefined).map((call) => call.index)).toEqual(Array.from({ length: expected.tools }, (_, index) => index));
    for (let index = 0; index < expected.tools; index += 1) JSON.parse(calls.filter((call) => call.index === index).map((call) => call.function.arguments).join(''));
    expect(choices.filter((choice) => choice.finish_reason !== null)).toHaveLength(1);
    expect([frames.endsWith('data: [DONE]\n\n'), translator.isDone(), translator.usage.source(), translator.stopReason()]).toEqual([true, true, 'final', expected.stopReason]);
  });
});

describe.skipIf(MESSAGES.length === 0)('recorded whole messages', () => {
  it.each(MESSAGES.map((recording) => [recording.name, recording.body] as const))('%s', (_name, body) => {
    const { completion, usage } = translateMessage(JSON.parse(body.toString()), { wantsReasoning: true, usesLegacyFunctions: false, created: 1 });
    expect(completion).toMatchObject({ object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant' } }] });
    expect(usage.source()).toBe('final');
  });
});
