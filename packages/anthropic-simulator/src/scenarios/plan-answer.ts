import { tokensOfText } from '../messages/count-tokens.ts';
import type { MessagePlan, PlannedBlock } from '../messages/message-plan.ts';
import { textBlock, thinkingBlock } from '../messages/planned-blocks.ts';
import { writeProse } from '../messages/prose.ts';
import { stopSequences, thinkingMode } from './request-facts.ts';
import type { ScenarioContext } from './scenario.ts';

/** How many characters a token stands for, when text is made to a length. */
export const CHARACTERS_PER_TOKEN = 3.6;

/** A plan of blocks that ends by itself. */
export function planOf(blocks: readonly PlannedBlock[]): MessagePlan {
  const outputTokens = blocks.reduce((sum, planned) => sum + tokensOfText(JSON.stringify(planned.block)), 1);
  const thinkingTokens = blocks.filter(({ block }) => block['type'] === 'thinking' || block['type'] === 'redacted_thinking')
    .reduce((sum, { block }) => sum + tokensOfText(JSON.stringify(block)), 0);
  return { blocks, stopReason: 'end_turn', outputTokens, ...thinkingTokens > 0 ? { thinkingTokens } : {} };
}

/** A text answer that respects `stop_sequences` and `max_tokens`, after the thinking that the request asks for. */
export function answerText(context: ScenarioContext, text: string, before: readonly PlannedBlock[] = requestedThinking(context)): MessagePlan {
  const { random } = context;
  const room = Math.floor(context.maxTokens * CHARACTERS_PER_TOKEN);
  const sequence = stopSequences(context.request).find((candidate) => text.includes(candidate));
  const stopped = sequence === undefined ? text : text.slice(0, text.indexOf(sequence));
  if (stopped.length > room) {
    const cut = Array.from(stopped.slice(0, room)).filter((character) => !/^[\uD800-\uDFFF]$/.test(character)).join('');
    return { ...planOf([...before, textBlock(cut, random)]), stopReason: 'max_tokens', outputTokens: context.maxTokens };
  }
  const plan = planOf([...before, textBlock(stopped, random)]);
  const outputTokens = Math.min(context.maxTokens, plan.outputTokens);
  return sequence === undefined ? { ...plan, outputTokens } : { ...plan, outputTokens, stopReason: 'stop_sequence', stopSequence: sequence };
}

function requestedThinking({ request, random }: ScenarioContext): readonly PlannedBlock[] {
  const mode = thinkingMode(request);
  return mode === 'off' ? [] : [thinkingBlock(writeProse(random, 2), random, mode === 'omitted')];
}
