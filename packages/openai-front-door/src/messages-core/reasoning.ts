import { EFFORT_LEVELS, type EffortLevel } from '../models/model-capabilities.ts';
import { invalidType, invalidValue, isJsonObject, member, requireObject, requireString, unsupported, type JsonObject } from '../json/json-value.ts';
import type { Turn } from './conversation.ts';
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

function translateEffort(value: unknown, scope: TranslationScope): EffortLevel | undefined {
  const param = scope.names.effort;
  if (NO_EFFORT_ASKED.has(value)) return undefined;
  const effort = requireString(value, param);
  if (!EFFORTS.includes(effort)) throw invalidValue(param, `expected one of ${EFFORTS.join(', ')}`);
  if (effort === 'none') return undefined;
  const wanted = (effort === 'minimal' ? 'low' : effort) as EffortLevel;
  if (scope.settings.capabilities.effortLevels.includes(wanted)) return wanted;
  scope.ignore(param);
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

/** What a client asks for, whatever its protocol calls it. */
export interface ReasoningWish {
  /** An effort as the client named it. */
  readonly effort: unknown;
  /** Anthropic's own member, an extension. */
  readonly thinking: unknown;
  /** Whether the client takes thinking, and so can give its signatures back. */
  readonly isWanted: boolean;
  /** Set where the client asks to be shown a summary. */
  readonly display?: 'summarized';
}

/** Translates what a client asks for. Thinking is turned on unasked only for a client that takes it, on a model that thinks adaptively. */
export function translateReasoning(wish: ReasoningWish, context: ReasoningContext, scope: TranslationScope): Reasoning {
  const { isWanted, display } = wish;
  const effort = translateEffort(wish.effort, scope);
  if (wish.thinking !== undefined) return { thinking: translateThinking(wish.thinking, context, scope), effort, isWanted };
  const isAsked = effort !== undefined || display !== undefined;
  const isImplied = isWanted && isAsked && scope.settings.capabilities.adaptiveOnly && !forbidsThinking(context);
  return { thinking: isImplied ? { type: 'adaptive', ...(display === undefined ? {} : { display }) } : undefined, effort, isWanted };
}

/** Whether a thinking member turns thinking on. */
export function isThinkingOn(thinking: JsonObject | undefined): boolean {
  return isJsonObject(thinking) && thinking['type'] !== 'disabled';
}
