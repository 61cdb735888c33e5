import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { translateMessage } from '../src/chat/translate-message.ts';
import { createStreamTranslator } from '../src/chat/stream-translator.ts';
import { messageEvents, messageJson, text, thinking, toolUse } from './support/messages-upstream.ts';
import { translate } from './support/translate.ts';

const WISH = { wantsReasoning: true, usesLegacyFunctions: false, created: 1 };

type Kind = 'thinking' | 'text' | 'blank' | 'tool';

interface Block {
  readonly type: string;
  readonly id?: string;
  readonly thinking?: string;
}

const contentOf = (kinds: readonly Kind[]): readonly object[] => kinds.map((kind, index) => {
  if (kind === 'thinking') return { type: 'thinking', thinking: `thought ${index}`, signature: 's' };
  if (kind === 'tool') return { type: 'tool_use', id: `toolu_${index}`, name: 'a', input: {} };
  return { type: 'text', text: kind === 'blank' ? '\n\n' : 'word ' };
});

const eventsOf = (kinds: readonly Kind[]): string => messageEvents(kinds.map((kind, index) => {
  if (kind === 'thinking') return thinking(`thought ${index}`, 's');
  return kind === 'tool' ? toolUse(`toolu_${index}`, 'a') : text(kind === 'blank' ? '\n\n' : 'word ');
}), { stopReason: 'tool_use' });

/** The message as a client gives it back, from the whole answer and from its stream. */
function handedOut(kinds: readonly Kind[]): readonly Record<string, unknown>[] {
  const whole = (translateMessage(messageJson(contentOf(kinds), { stopReason: 'tool_use' }), WISH).completion['choices'] as { message: Record<string, unknown> }[])[0]?.message ?? {};
  const translator = createStreamTranslator({ ...WISH, includeUsage: false, maxThinkingChars: 10_000 });
  const frames = eventsOf(kinds).split('\n').filter((line) => line.startsWith('data: ')).map((line) => translator.translate(line.slice(6))).join('');
  const deltas = frames.split('\n\n').filter((frame) => frame.startsWith('data: {')).map((frame): Record<string, unknown> => JSON.parse(frame.slice(6)).choices[0].delta);
  return [whole, { ...whole, thinking_blocks: deltas.find((delta) => delta['thinking_blocks'] !== undefined)?.['thinking_blocks'] }];
}

/** What stands in front of each thinking block: which thoughts and which calls. */
const before = (blocks: readonly Block[]): readonly string[] => blocks.flatMap((block, index) => block.type !== 'thinking' ? []
  : `${block.thinking} after ${blocks.slice(0, index).flatMap(({ type, id, thinking: thought }) => (type === 'text' ? [] : [id ?? thought])).join(', ')}`);

function givenBack(message: Record<string, unknown>): readonly Block[] {
  const calls = message['tool_calls'] as { id: string }[];
  const results = calls.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'done' }));
  const { body } = translate({ messages: [{ role: 'user', content: 'x' }, message, ...results] });
  return (body['messages'] as { content: Block[] }[])[1]?.content ?? [];
}

it('puts thinking back behind the calls and thoughts it stood behind, whatever texts were joined or left out (a thought behind the last call is refused)', () => {
  fc.assert(fc.property(fc.array(fc.constantFrom<Kind>('thinking', 'text', 'blank', 'tool'), { maxLength: 8 }), (kinds) => {
    const original = contentOf([...kinds, 'tool']) as Block[];
    for (const message of handedOut([...kinds, 'tool'])) expect(before(givenBack(message))).toEqual(before(original));
  }), { numRuns: 300 });
});

it.each<readonly [readonly Kind[], readonly string[]]>([
  [['thinking', 'blank', 'thinking', 'tool'], ['thinking', 'thinking', 'tool_use']],
  [['thinking', 'text', 'thinking', 'text', 'thinking', 'tool'], ['thinking', 'text', 'thinking', 'thinking', 'tool_use']],
  [['text', 'thinking', 'tool'], ['text', 'thinking', 'tool_use']],
])('gives %j back as %j', (kinds, types) => {
  for (const message of handedOut(kinds)) expect(givenBack(message).map(({ type }) => type)).toEqual(types);
});
