import { EFFORT_LEVELS, type EffortLevel, type ModelCapabilities, type ThinkingType } from '../models/model-capabilities.ts';
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
/** The budgets that stand for efforts where a model has no efforts; at most half of the output bound, or nothing would be left for the answer. */
const BUDGETS: Readonly<Record<EffortLevel, number>> = Object.freeze({ low: MIN_THINKING_TOKENS, medium: 4096, high: 16_384, xhigh: 24_576, max: 32_000 });
/** Values by which clients ask for what they would get without the field. */
const NO_EFFORT_ASKED: ReadonlySet<unknown> = new Set([undefined, '', 'default', 'auto']);
const EFFORTS: readonly string[] = ['none', 'minimal', ...EFFORT_LEVELS];
/** Efforts that some models take only where thinking is on. */
const ABOVE_HIGH: ReadonlySet<EffortLevel | undefined> = new Set(['xhigh', 'max']);

function readEffort(value: unknown, param: string): EffortLevel | 'none' | undefined {
  if (NO_EFFORT_ASKED.has(value)) return undefined;
  const effort = requireString(value, param);
  if (!EFFORTS.includes(effort)) throw invalidValue(param, `expected one of ${EFFORTS.join(', ')}`);
  return (effort === 'minimal' ? 'low' : effort) as EffortLevel | 'none';
}

function isForced({ toolChoice }: ReasoningContext): boolean {
  return toolChoice?.type === 'any' || toolChoice?.type === 'tool';
}

function endsInPrefill({ turns }: ReasoningContext): boolean {
  return turns.at(-1)?.role === 'assistant';
}

/** Whether a forced tool, a prefill or an unsigned tool turn forbids a thinking budget upstream: turning it on unasked would be a 400. */
function forbidsBudget(context: ReasoningContext): boolean {
  if (isForced(context) || endsInPrefill(context)) return true;
  const lastAssistant = context.turns.findLast((turn) => turn.role === 'assistant');
  const callsTool = lastAssistant?.content.some((block) => block['type'] === 'tool_use') ?? false;
  return callsTool && !String(lastAssistant?.content[0]?.['type']).endsWith('thinking');
}

/** The values of `thinking.type` that a client can use instead of one that the model refuses. */
function insteadOf({ thinkingTypes, effortLevels }: ModelCapabilities, effort: string): string {
  const types = thinkingTypes.length === 0 ? 'leave thinking out' : `use ${thinkingTypes.join(' or ')}`;
  return effortLevels.length === 0 ? types : `${types}, and ${effort} for less or more of it`;
}

function translateThinking(value: unknown, effort: EffortLevel | undefined, context: ReasoningContext, scope: TranslationScope): JsonObject {
  const thinking = requireObject(value, 'thinking');
  const type = requireString(thinking['type'], 'thinking.type') as ThinkingType;
  const display = member(thinking, 'display');
  const shown = display === undefined ? {} : { display: requireString(display, 'thinking.display') };
  if (display !== undefined && display !== 'summarized' && display !== 'omitted') throw invalidValue('thinking.display', 'expected summarized or omitted');
  const { capabilities } = scope.settings;
  switch (type) {
    case 'disabled':
    case 'between_tools':
    case 'adaptive':
    case 'enabled':
      if (!capabilities.thinkingTypes.includes(type)) throw unsupported('thinking.type', `this model does not take ${type}; ${insteadOf(capabilities, scope.names.effort)}`);
      break;
    default: throw invalidValue('thinking.type', 'expected enabled, adaptive, between_tools or disabled');
  }
  if (type === 'disabled' || type === 'between_tools') {
    if (capabilities.boundsEffortWithoutThinking && ABOVE_HIGH.has(effort)) throw unsupported(scope.names.effort, `with thinking.type ${type} this model takes efforts up to high`);
    return type === 'disabled' ? { type } : { type, ...shown };
  }
  if (isForced(context)) throw invalidValue('thinking', 'thinking and a forced tool exclude each other');
  return type === 'adaptive' ? { type, ...shown } : { type, budget_tokens: requireBudget(thinking['budget_tokens'], context), ...shown };
}

function requireBudget(budget: unknown, { maxTokens }: ReasoningContext): number {
  if (!Number.isSafeInteger(budget)) throw invalidType('thinking.budget_tokens', 'an integer', budget);
  const tokens = budget as number;
  if (tokens < MIN_THINKING_TOKENS || tokens >= maxTokens) {
    throw invalidValue('thinking.budget_tokens', `expected at least ${MIN_THINKING_TOKENS} and less than the output bound`);
  }
  return tokens;
}

/** Members by which a model thinks as little as it can; reported where that is more than none. */
function leastThinking(scope: TranslationScope): Omit<Reasoning, 'isWanted'> {
  const { thinksByDefault, thinkingTypes, effortLevels } = scope.settings.capabilities;
  if (!thinksByDefault) return { thinking: undefined, effort: undefined };
  if (thinkingTypes.includes('disabled')) return { thinking: { type: 'disabled' }, effort: undefined };
  scope.ignore(scope.names.effort);
  if (thinkingTypes.includes('between_tools')) return { thinking: { type: 'between_tools' }, effort: undefined };
  return { thinking: undefined, effort: effortLevels[0] };
}

/** A budget for a model without efforts, where thinking may be turned on and there is room for it. */
function budgetOf(effort: EffortLevel, context: ReasoningContext, { thinkingTypes, effortLevels }: ModelCapabilities): JsonObject | undefined {
  const tokens = Math.min(BUDGETS[effort], Math.floor(context.maxTokens / 2));
  const isPossible = effortLevels.length === 0 && thinkingTypes.includes('enabled') && tokens >= MIN_THINKING_TOKENS && !forbidsBudget(context);
  return isPossible ? { type: 'enabled', budget_tokens: tokens } : undefined;
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

/**
 * Adaptive thinking for a client that takes it: turned on where the model would not think by itself, shown where the model would think and leave
 * the text out, which it does from Claude 4.7 on. Turns without thoughts do not turn it off: the upstream takes them with adaptive thinking, and a session that
 * changed between the two would find no prompt cache (https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking).
 */
function impliedThinking(effort: EffortLevel | undefined, { isWanted, display }: ReasoningWish, context: ReasoningContext, { thinkingTypes, thinksByDefault }: ModelCapabilities): JsonObject | undefined {
  if (!isWanted || !thinkingTypes.includes('adaptive') || isForced(context)) return undefined;
  const isAsked = display !== undefined || (effort !== undefined && !thinksByDefault);
  if (!isAsked || (!thinksByDefault && endsInPrefill(context))) return undefined;
  return { type: 'adaptive', ...(display === undefined || thinkingTypes.includes('enabled') ? {} : { display }) };
}

/** Translates what a client asks for. Thinking is turned on unasked only for a client that takes it, on a model that thinks adaptively. */
export function translateReasoning(wish: ReasoningWish, context: ReasoningContext, scope: TranslationScope): Reasoning {
  const { capabilities } = scope.settings;
  const { isWanted, thinking } = wish;
  const asked = readEffort(wish.effort, scope.names.effort);
  if (asked === 'none' && thinking === undefined) return { ...leastThinking(scope), isWanted };
  const level = asked === 'none' ? undefined : asked;
  const effort = level !== undefined && capabilities.effortLevels.includes(level) ? level : undefined;
  const budget = level === undefined || effort !== undefined || thinking !== undefined ? undefined : budgetOf(level, context, capabilities);
  if (level !== undefined && effort === undefined && budget === undefined) scope.ignore(scope.names.effort);
  if (thinking !== undefined) return { thinking: translateThinking(thinking, effort, context, scope), effort, isWanted };
  return { thinking: budget ?? impliedThinking(effort, wish, context, capabilities), effort, isWanted };
}

/** Whether a thinking member turns thinking on. */
export function isThinkingOn(thinking: JsonObject | undefined): boolean {
  return isJsonObject(thinking) && thinking['type'] !== 'disabled';
}
