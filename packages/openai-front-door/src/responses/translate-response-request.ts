import { invalidValue, member, optionalBoolean, optionalNumber, requireObject, type JsonObject } from '../json/json-value.ts';
import { betasOf, writeCountRequest, writeMessagesRequest, type MessagesRequest } from '../messages-core/messages-request.ts';
import { isThinkingOn, translateReasoning, type ReasoningWish } from '../messages-core/reasoning.ts';
import { translateMaxTokens, translateSampling } from '../messages-core/sampling.ts';
import { translateServiceTier } from '../messages-core/service-tier.ts';
import { createTranslationScope, type FieldNames, type TranslationScope, type TranslationSettings } from '../messages-core/translation-scope.ts';
import { translateUser } from '../messages-core/user-id.ts';
import { declareTools } from './declared-tools.ts';
import { applyResponseFieldRules, readResponseStream } from './field-rules.ts';
import { translateInput } from './input-items.ts';
import { translatePromptCache } from './prompt-cache.ts';
import { translateTextFormat } from './text-format.ts';
import { translateResponseChoice } from './tool-choice.ts';
import type { ToolNames } from './tool-names.ts';

/** The small members of a request that its response repeats. */
export interface ResponseEcho {
  readonly max_output_tokens: number | null;
  readonly parallel_tool_calls: boolean;
  readonly temperature: number;
  readonly top_p: number;
  readonly reasoning: { readonly effort: string | null; readonly summary: string | null };
}

/** A Responses request as a Messages request, and how its answer is to be written. */
export interface TranslatedResponseRequest {
  /** The `anthropic-beta` values that the body needs. */
  readonly betas: readonly string[];
  /** The body for the upstream; the same input always gives the same bytes, or prompt caches would miss. */
  readonly body: string;
  /** Fields that were dropped, clamped or moved, in the order they were met. */
  readonly ignoredParams: readonly string[];
  readonly isStream: boolean;
  readonly maxTokens: number;
  readonly names: ToolNames;
  readonly echo: ResponseEcho;
}

/** What the Responses API calls what errors and reports name. */
const RESPONSES_NAMES: FieldNames = {
  turns: 'input',
  definition: 'tools',
  toolCallId: 'input.call_id',
  format: 'text.format',
  effort: 'reasoning.effort',
  maxTokens: ['max_output_tokens'],
};

const REASONING_MEMBERS: ReadonlySet<string> = new Set(['effort', 'summary', 'generate_summary', 'context']);
const SUMMARIES: ReadonlySet<unknown> = new Set(['auto', 'concise', 'detailed']);

interface ReadReasoning {
  readonly wish: ReasoningWish;
  readonly summary: string | null;
}

/** `reasoning`, and the extension `thinking`. Every client of this protocol takes reasoning items, and gives them back. */
function readReasoning(request: JsonObject, scope: TranslationScope): ReadReasoning {
  const thinking = member(request, 'thinking');
  const value = member(request, 'reasoning');
  if (value === undefined) return { wish: { effort: undefined, thinking, isWanted: true }, summary: null };
  const reasoning = requireObject(value, 'reasoning');
  scope.ignoreOthers(reasoning, REASONING_MEMBERS, 'reasoning');
  const effort = member(reasoning, 'effort');
  const summary = member(reasoning, 'summary') ?? member(reasoning, 'generate_summary');
  // There is one kind of summary.
  if (summary !== undefined && summary !== 'none' && !SUMMARIES.has(summary)) throw invalidValue('reasoning.summary', 'expected auto, concise or detailed');
  const isSummarized = SUMMARIES.has(summary);
  return { wish: { effort, thinking, isWanted: true, ...(isSummarized ? { display: 'summarized' } : {}) }, summary: isSummarized ? String(summary) : null };
}

type Write = (request: MessagesRequest, scope: TranslationScope) => string;

function translateWith(write: Write, request: JsonObject, settings: TranslationSettings): TranslatedResponseRequest {
  const scope = createTranslationScope(settings, RESPONSES_NAMES);
  applyResponseFieldRules(request, scope);
  const isStream = readResponseStream(request, scope);
  const maxTokens = translateMaxTokens(request, scope);
  const declared = declareTools(request, scope);
  const { tools, choice } = translateResponseChoice(request, declared, scope);
  const conversation = translateInput(request, declared, scope);
  const { wish, summary } = readReasoning(request, scope);
  const reasoning = translateReasoning(wish, { maxTokens, toolChoice: choice, turns: conversation.messages }, scope);
  const sampling = translateSampling(request, isThinkingOn(reasoning.thinking), scope);
  const format = translateTextFormat(request, scope);
  const userId = translateUser(request, scope);
  const others = { ...translatePromptCache(request, scope), ...translateServiceTier(request, scope) };
  const translated: MessagesRequest = { maxTokens, isStream, tools, choice, conversation, reasoning, sampling, stop: [], format, userId, others };
  return {
    body: write(translated, scope), betas: betasOf(translated, scope), ignoredParams: scope.ignored(), isStream, maxTokens, names: declared.names,
    echo: {
      max_output_tokens: optionalNumber(request, 'max_output_tokens') ?? null,
      parallel_tool_calls: optionalBoolean(request, 'parallel_tool_calls') ?? true,
      temperature: sampling.temperature ?? 1,
      top_p: sampling.top_p ?? 1,
      reasoning: { effort: reasoning.effort ?? null, summary },
    },
  };
}

/** Translates a parsed Responses request for one model. Throws a `FrontDoorError` with status 400 that names `param`. */
export function translateResponseRequest(request: JsonObject, settings: TranslationSettings): TranslatedResponseRequest {
  return translateWith(writeMessagesRequest, request, settings);
}

/** Translates a request for the input tokens of a response; what is counted is what would be sent. */
export function translateInputTokensRequest(request: JsonObject, settings: TranslationSettings): TranslatedResponseRequest {
  return { ...translateWith(writeCountRequest, request, settings), isStream: false };
}
