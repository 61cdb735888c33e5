import { FrontDoorError } from '../errors/front-door-error.ts';
import type { JsonObject } from '../json/json-value.ts';
import { stringifyExactly } from '../json/parse-json.ts';
import { isThinkingBlock } from './content-parts.ts';
import type { TranslatedMessages } from './conversation.ts';
import type { Reasoning } from './reasoning.ts';
import type { Sampling } from './sampling.ts';
import type { MessagesToolChoice } from './tool-choice.ts';
import type { TranslationScope } from './translation-scope.ts';

/** The parts of a Messages request, each translated by itself. */
export interface MessagesRequest {
  readonly maxTokens: number;
  readonly isStream: boolean;
  readonly tools: readonly object[];
  readonly choice: MessagesToolChoice | undefined;
  readonly conversation: TranslatedMessages;
  readonly reasoning: Reasoning;
  readonly sampling: Sampling;
  readonly stop: readonly string[];
  readonly format: JsonObject | undefined;
  readonly userId: string | undefined;
  /** Members that depend on no other part, as the upstream names them. */
  readonly others: JsonObject;
}

function stringify(body: JsonObject, scope: TranslationScope): string {
  try {
    return stringifyExactly(body);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new FrontDoorError('invalid_value', 'The request is nested too deeply.', { param: scope.names.turns, cause: error });
  }
}

/** The beta that `thinking.block_binding` needs. */
const BINDING_BETA = 'thinking-binding-controls-2026-08-01';

/**
 * Whether a request is of a session in which a model gets thoughts back that it takes only behind what they followed. A client may change that: an agent hands over, or instructions hold the time.
 * The first request of a session asks for the same as all others, or they would find no prompt cache (https://platform.claude.com/docs/en/build-with-claude/preserved-thinking: on every request of the conversation).
 */
function mayUnbindThinking({ choice, conversation, reasoning: { thinking, isWanted } }: MessagesRequest, { settings }: TranslationScope): boolean {
  if (!settings.capabilities.bindsThinking || thinking?.['type'] === 'disabled' || (thinking === undefined && (choice?.type === 'any' || choice?.type === 'tool'))) return false;
  return isWanted || conversation.messages.some(({ role, content }) => role === 'assistant' && content.some(isThinkingBlock));
}

/** The `anthropic-beta` values that a request needs. */
export function betasOf(request: MessagesRequest, scope: TranslationScope): readonly string[] {
  return mayUnbindThinking(request, scope) ? [BINDING_BETA] : [];
}

/** The `thinking` of a request: thoughts that no longer fit are to be dropped, which the upstream would else refuse with 400. */
function thinkingMember(request: MessagesRequest, scope: TranslationScope): JsonObject | undefined {
  const { thinking } = request.reasoning;
  return mayUnbindThinking(request, scope) ? { type: 'adaptive', ...thinking, block_binding: { prefix_mismatch_behavior: 'drop_block' } } : thinking;
}

/** The members that decide how many tokens go in, in the order in which both requests have them. */
function promptMembers(request: MessagesRequest, scope: TranslationScope): Readonly<Record<'before' | 'after', JsonObject>> {
  const { tools, choice, conversation: { system, messages }, reasoning: { effort }, format } = request;
  const thinking = thinkingMember(request, scope);
  const outputConfig = { ...(effort === undefined ? {} : { effort }), ...(format === undefined ? {} : { format }) };
  return {
    before: {
      ...(tools.length === 0 ? {} : { tools }),
      ...(choice === undefined ? {} : { tool_choice: choice }),
      ...(system.length === 0 ? {} : { system }),
      messages,
      ...(thinking === undefined ? {} : { thinking }),
    },
    after: Object.keys(outputConfig).length === 0 ? {} : { output_config: outputConfig },
  };
}

/** Writes a Messages request. The same parts always give the same bytes, or prompt caches would miss. */
export function writeMessagesRequest(request: MessagesRequest, scope: TranslationScope): string {
  const { stop, userId } = request;
  const { before, after } = promptMembers(request, scope);
  return stringify({
    model: scope.settings.upstreamModel,
    max_tokens: request.maxTokens,
    ...(request.isStream ? { stream: true } : {}),
    ...before,
    ...request.sampling,
    ...(stop.length === 0 ? {} : { stop_sequences: stop }),
    ...after,
    ...(userId === undefined ? {} : { metadata: { user_id: userId } }),
    ...request.others,
  }, scope);
}

/** Writes the request that counts the tokens of the same prompt. */
export function writeCountRequest(request: MessagesRequest, scope: TranslationScope): string {
  const { before, after } = promptMembers(request, scope);
  return stringify({ model: scope.settings.upstreamModel, ...before, ...after }, scope);
}
