import { member, optionalBoolean, type JsonObject } from '../json/json-value.ts';
import { betasOf, writeMessagesRequest, type MessagesRequest } from '../messages-core/messages-request.ts';
import { isThinkingOn, translateReasoning, type ReasoningWish } from '../messages-core/reasoning.ts';
import { translateMaxTokens, translateSampling, translateStop } from '../messages-core/sampling.ts';
import { translateServiceTier } from '../messages-core/service-tier.ts';
import { translateToolChoice } from '../messages-core/tool-choice.ts';
import { translateTools } from '../messages-core/tools.ts';
import { createTranslationScope, type FieldNames, type TranslationScope, type TranslationSettings } from '../messages-core/translation-scope.ts';
import { translateUser } from '../messages-core/user-id.ts';
import { applyFieldRules, readStreamWish } from './field-rules.ts';
import { translateMessages } from './messages.ts';
import { translateResponseFormat } from './response-format.ts';
import { withWebSearch } from './web-search-options.ts';

/** A Chat Completions request as a Messages request, and how its answer is to be written. */
export interface TranslatedRequest {
  /** The body for the upstream; the same input always gives the same bytes, or prompt caches would miss. */
  readonly body: string;
  /** The `anthropic-beta` values that the body needs. */
  readonly betas: readonly string[];
  /** Fields that were dropped, clamped or moved, in the order they were met. */
  readonly ignoredParams: readonly string[];
  readonly isStream: boolean;
  readonly includeUsage: boolean;
  readonly maxTokens: number;
  /** Hand thinking to the client. */
  readonly wantsReasoning: boolean;
  /** Answer with `function_call` instead of `tool_calls`. */
  readonly usesLegacyFunctions: boolean;
}

/** What Chat Completions calls what errors and reports name. */
const CHAT_NAMES: FieldNames = {
  turns: 'messages',
  definition: 'tools.function',
  toolCallId: 'messages.tool_call_id',
  format: 'response_format',
  effort: 'reasoning_effort',
  maxTokens: ['max_completion_tokens', 'max_tokens'],
};

/** `reasoning_effort`, and the extensions `thinking` and `reasoning_content`. */
function reasoningWish(request: JsonObject, scope: TranslationScope): ReasoningWish {
  const effort = member(request, 'reasoning_effort');
  const isWanted = optionalBoolean(request, 'reasoning_content') ?? scope.settings.reasoningContent;
  const isShown = isWanted && (effort !== undefined || scope.settings.capabilities.thinksByDefault);
  return { effort, thinking: member(request, 'thinking'), isWanted, ...(isShown ? { display: 'summarized' } : {}) };
}

/** Translates a parsed Chat Completions request for one model. Throws a `FrontDoorError` with status 400 that names `param`. */
export function translateRequest(request: JsonObject, settings: TranslationSettings): TranslatedRequest {
  const scope = createTranslationScope(settings, CHAT_NAMES);
  applyFieldRules(request, scope);
  const { isStream, includeUsage } = readStreamWish(request, scope);
  const maxTokens = translateMaxTokens(request, scope);
  const declared = translateTools(request, scope);
  const { tools: chosen, choice } = translateToolChoice(request, declared, scope);
  const tools = withWebSearch(request, chosen, scope);
  const conversation = translateMessages(request, scope);
  const reasoning = translateReasoning(reasoningWish(request, scope), { maxTokens, toolChoice: choice, turns: conversation.messages }, scope);
  const sampling = translateSampling(request, isThinkingOn(reasoning.thinking), scope);
  const stop = translateStop(request, scope);
  const userId = translateUser(request, scope);
  const format = translateResponseFormat(request, scope);
  const others = translateServiceTier(request, scope);
  const translated: MessagesRequest = { maxTokens, isStream, tools, choice, conversation, reasoning, sampling, stop, format, userId, others };
  return {
    body: writeMessagesRequest(translated, scope), betas: betasOf(translated, scope), ignoredParams: scope.ignored(), isStream, includeUsage, maxTokens,
    wantsReasoning: reasoning.isWanted, usesLegacyFunctions: declared.isLegacy,
  };
}
