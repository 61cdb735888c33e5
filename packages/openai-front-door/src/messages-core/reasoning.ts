import { EFFORT_LEVELS, type EffortLevel } from '../models/model-capabilities.ts';
import { invalidType, invalidValue, isJsonObject, member, optionalBoolean, requireObject, requireString, unsupported, type JsonObject } from '../json/json-value.ts';
import type { Turn } from '../chat/messages.ts';
import type { MessagesToolChoice } from './tool-choice.ts';
import type { TranslationScope } from './translation-scope.ts';

/** What of a request decides whether the model thinks. */
export interface ReasoningContext {
  readonly maxTokens: number;
  readonly toolChoice: MessagesToolChoice | undefined;
  readonly turns: readonly Turn[];
}

/** The upstream's reasoning members. */
export interface Reasoning {
  readonly thinking: JsonObject | undefined;
  readonly effort: EffortLevel | undefined;
  /** Whether thinking is handed to the client. */
  readonly isWanted: boolean;
}

const MIN_THINKING_TOKENS = 1024;
/** Values by which clients ask for what they would get without the field. */
const NO_EFFORT_ASKED: ReadonlySet<unknown> = new Set([undefined, '', 'default', 'auto']);
const EFFORTS: readonly string[] = ['none', 'minimal', ...EFFORT_LEVELS];

function translateEffort(request: JsonObject, scope: TranslationScope): EffortLevel | undefined {
  const value = member(request, 'reasoning_effort');
  if (NO_EFFORT_ASKED.has(value)) return undefined;
  const effort = requireString(value, 'reasoning_effort');
  if (!EFFORTS.includes(effort)) throw invalidValue('reasoning_effort', `expected one of ${EFFORTS.join(', ')}`);
  if (effort === 'none') return undefined;
  const wanted = (effort === 'minimal' ? 'low' : effort) as EffortLevel;
  if (scope.settings.capabilities.effortLevels.includes(wanted)) return wanted;
  scope.ignore('reasoning_effort');
  return undefined;
}

/** Whether a forced tool or an unsigned tool turn forbids thinking upstream: turning it on unasked would be a 400. */
function forbidsThinking(context: ReasoningContext): boolean {
  if (context.toolChoice?.type === 'any' || context.toolChoice?.type === 'tool') return true;
  const lastAssistant = context.turns.findLast((turn) => turn.role === 'assistant');
  if (lastAssistant === undefined) return false;
  const callsTools = lastAssistant.content.some((block) => block['type'] === 'tool_use');
  return callsTools && !String(lastAssistant.content[0]?.['type']).endsWith('thinking');
}

function translateThinking(value: unknown, context: ReasoningContext, scope: TranslationScope): JsonObject {
  const thinking = requireObject(value, 'thinking');
  const type = requireString(thinking['type'], 'thinking.type');
  const display = member(thinking, 'display');
  const shown = display === undefined ? {} : { display: requireString(display, 'thinking.display') };
  if (display !== undefined && display !== 'summarized' && display !== 'omitted') throw invalidValue('thinking.display', 'expected summarized or omitted');
  if (type === 'disabled') return { type };
  if (context.toolChoice?.type === 'any' || context.toolChoice?.type === 'tool') throw invalidValue('thinking', 'thinking and a forced tool exclude each other');
  if (type === 'adaptive') return { type, ...shown };
  if (type !== 'enabled') throw invalidValue('thinking.type', 'expected enabled, adaptive or disabled');
  if (scope.settings.capabilities.adaptiveOnly) throw unsupported('thinking.type', 'this model takes adaptive thinking only');
  const budget = thinking['budget_tokens'];
  if (!Number.isSafeInteger(budget)) throw invalidType('thinking.budget_tokens', 'an integer', budget);
  const tokens = budget as number;
  if (tokens < MIN_THINKING_TOKENS || tokens >= context.maxTokens) {
    throw invalidValue('thinking.budget_tokens', `expected at least ${MIN_THINKING_TOKENS} and less than the output bound`);
  }
  return { type, budget_tokens: tokens, ...shown };
}

/**
 * Translates `reasoning_effort`, and the extensions `thinking` and `reasoning_content`. Thinking is turned on unasked only
 * for a client that takes it (and so can give its signatures back), on a model that thinks adaptively.
 */
export function translateReasoning(request: JsonObject, context: ReasoningContext, scope: TranslationScope): Reasoning {
  const isWanted = optionalBoolean(request, 'reasoning_content') ?? scope.settings.reasoningContent;
  const effort = translateEffort(request, scope);
  const given = member(request, 'thinking');
  if (given !== undefined) return { thinking: translateThinking(given, context, scope), effort, isWanted };
  const isImplied = isWanted && effort !== undefined && scope.settings.capabilities.adaptiveOnly && !forbidsThinking(context);
  return { thinking: isImplied ? { type: 'adaptive' } : undefined, effort, isWanted };
}

/** Whether a thinking member turns thinking on. */
export function isThinkingOn(thinking: JsonObject | undefined): boolean {
  return isJsonObject(thinking) && thinking['type'] !== 'disabled';
}
