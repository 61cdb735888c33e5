import type { MessagePlan, Pacing } from '../messages/message-plan.ts';
import { redactedThinkingBlock, textBlock, thinkingBlock } from '../messages/planned-blocks.ts';
import { writeProse } from '../messages/prose.ts';
import { valueForSchema } from '../messages/value-for-schema.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { answerText, CHARACTERS_PER_TOKEN, planOf } from './plan-answer.ts';
import { chosenTool, isToolCallForced, lastUserText, outputSchema, stopSequences, thinkingMode, toolAskedFor } from './request-facts.ts';
import type { Scenario, ScenarioContext } from './scenario.ts';
import { callTools } from './tool-scenarios.ts';

/** Ordinary behaviour: thinks if asked to, calls a tool if it must or the user writes `[call NAME]`, conforms to a schema if one is given, else writes a few sentences. */
export const plainText: Scenario = (context) => {
  const { request, random } = context;
  if (isToolCallForced(request)) return callTools(context, [chosenTool(request)], []);
  const asked = toolAskedFor(request);
  if (asked !== undefined) return callTools(context, [asked], []);
  const schema = outputSchema(request);
  if (schema !== undefined) return answerText(context, JSON.stringify(valueForSchema(schema, random)));
  return answerText(context, writeProse(random, 2 + random.integer(4)));
};

/** Always thinks, whether the request switched it on or not. */
export const thinking: Scenario = (context) => {
  const mode = thinkingMode(context.request);
  return answerText(context, writeProse(context.random, 3), [thinkingBlock(writeProse(context.random, 3), context.random, mode === 'omitted')]);
};

/** Thinks in two encrypted blocks. */
export const redactedThinking: Scenario = (context) =>
  answerText(context, writeProse(context.random, 2), [redactedThinkingBlock(context.random), redactedThinkingBlock(context.random)]);

/** Answers with the user's last text. */
export const echo: Scenario = (context) => answerText(context, lastUserText(context.request) || '(nothing to echo)');

/** Writes until `max_tokens` is reached, however many that is. */
export const maxTokens: Scenario = (context) => {
  const tokens = Math.min(context.maxTokens, 400);
  return { ...answerOfLength(context, tokens), stopReason: 'max_tokens', outputTokens: context.maxTokens };
};

/** Writes `max_tokens` tokens and ends by itself: many events, for flow control and memory. */
export const long: Scenario = (context) => ({ ...answerOfLength(context, context.maxTokens), outputTokens: context.maxTokens });

/** Stops at the first of the request's stop sequences. */
export const stopAtSequence: Scenario = (context) => {
  const [sequence = '\n\nHuman:'] = stopSequences(context.request);
  const text = writeProse(context.random, 2).split(sequence)[0] ?? '';
  return { ...planOf([textBlock(text === '' ? 'Stop' : text, context.random)]), stopReason: 'stop_sequence', stopSequence: sequence };
};

/** The same as plain text at a pace of its own. */
export function atPace(pacing: Partial<Pacing>): Scenario {
  return (context) => ({ ...plainText(context), pacing });
}

/** Text of a given number of tokens whose pieces are made while they are sent. */
function answerOfLength(context: ScenarioContext, tokens: number): MessagePlan {
  const text = repeatProse(context.random, Math.ceil(tokens * CHARACTERS_PER_TOKEN));
  return planOf([textBlock(text, context.random)]);
}

function repeatProse(random: SeededRandom, characters: number): string {
  const paragraph = `${writeProse(random, 12)}\n\n`;
  const text = paragraph.repeat(Math.ceil(characters / paragraph.length)).slice(0, characters);
  return text.replace(/[\uD800-\uDBFF]$/, '');
}
