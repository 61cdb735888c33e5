import type { MessagePlan, PlannedBlock } from '../messages/message-plan.ts';
import { textBlock, thinkingBlock, toolUseBlock } from '../messages/planned-blocks.ts';
import { writeProse } from '../messages/prose.ts';
import { argumentsForSchema } from '../messages/value-for-schema.ts';
import { answerText, planOf } from './plan-answer.ts';
import { areToolsForbidden, chosenTool, clientTools, endsWithToolResult, thinkingMode, type ClientTool } from './request-facts.ts';
import type { Scenario, ScenarioContext } from './scenario.ts';

/** Says what it will do, then calls one tool; after the tool's result it answers with text. */
export const toolUse: Scenario = (context) => {
  if (isToolTurnOver(context)) return afterTools(context);
  return callTools(context, [chosenTool(context.request)], [textBlock('I will look that up.', context.random)]);
};

/** Calls several tools in one answer: each of the request's, or the only one twice. */
export const parallelTools: Scenario = (context) => {
  if (isToolTurnOver(context)) return afterTools(context);
  const tools = clientTools(context.request);
  const first = chosenTool(context.request);
  return callTools(context, tools.length > 1 ? tools.slice(0, 4) : [first, first], [textBlock('I will ask several at once.', context.random)]);
};

/** Calls a tool with no arguments at all: the stream has a single, empty piece of JSON. */
export const noArgumentTool: Scenario = (context) => {
  if (isToolTurnOver(context)) return afterTools(context);
  return toolPlan([toolUseBlock(chosenTool(context.request).name, {}, context.random)]);
};

/** Reaches `max_tokens` inside the arguments of a tool call, so that the pieces of JSON do not make valid JSON. */
export const cutToolUse: Scenario = (context) => {
  if (isToolTurnOver(context)) return afterTools(context);
  const tool = chosenTool(context.request);
  const planned = toolUseBlock(tool.name, { ...argumentsForSchema(tool.inputSchema, context.random), note: writeProse(context.random, 2) }, context.random);
  const pieces = planned.pieces?.slice(0, Math.ceil((planned.pieces.length) / 2)) ?? [];
  return { ...planOf([{ ...planned, pieces }]), stopReason: 'max_tokens', outputTokens: context.maxTokens };
};

/** A plan that ends in the given tool calls, after thinking if the request asks for it. */
export function callTools(context: ScenarioContext, tools: readonly ClientTool[], before: readonly PlannedBlock[]): MessagePlan {
  const { random, request } = context;
  const mode = thinkingMode(request);
  const thought = mode === 'off' ? [] : [thinkingBlock(writeProse(random, 1), random, mode === 'omitted')];
  const calls = tools.map((tool) => toolUseBlock(tool.name, argumentsForSchema(tool.inputSchema, random), random));
  return toolPlan([...thought, ...before, ...calls]);
}

function toolPlan(blocks: readonly PlannedBlock[]): MessagePlan {
  return { ...planOf(blocks), stopReason: 'tool_use' };
}

function isToolTurnOver({ request }: ScenarioContext): boolean {
  return endsWithToolResult(request) || areToolsForbidden(request);
}

function afterTools(context: ScenarioContext): MessagePlan {
  return answerText(context, `The tools answered. ${writeProse(context.random, 2)}`);
}
