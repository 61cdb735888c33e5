import { textBlock, thinkingBlock, toolUseBlock } from '../messages/planned-blocks.ts';
import type { ReplyContent } from '../programmed-answers.ts';
import { planOf } from './plan-answer.ts';
import type { Scenario } from './scenario.ts';

/** Answers with what a test programmed; `max_tokens` and `stop_sequences` do not shorten it. */
export function replyWith({ thinking, text, toolUse = [], stopReason, outputTokens }: ReplyContent): Scenario {
  return ({ random }) => {
    const calls = 'name' in toolUse ? [toolUse] : toolUse;
    const plan = planOf([
      ...thinking === undefined ? [] : [thinkingBlock(thinking, random)],
      ...text === undefined ? [] : [textBlock(text, random)],
      ...calls.map(({ name, input = {} }) => toolUseBlock(name, input, random)),
    ]);
    return { ...plan, stopReason: stopReason ?? (calls.length > 0 ? 'tool_use' : plan.stopReason), outputTokens: outputTokens ?? plan.outputTokens };
  };
}
