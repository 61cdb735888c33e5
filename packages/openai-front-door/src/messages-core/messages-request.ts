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

/** A tool for requests without any whose history has calls. One name for all, or the prefix would change with the calls. */
const STAND_IN_TOOL: JsonObject = Object.freeze({ name: 'unavailable', description: 'Stands for the tools of earlier turns, which cannot be called any more.', input_schema: Object.freeze({ type: 'object', properties: {} }) });

/**
 * The tools of a request, and the choice among them. The upstream refuses tool blocks where no tool is defined ("Requests which include `tool_use` or `tool_result` blocks
 * must define tools"), and a client that sums a conversation up leaves its tools out, as Codex does.
 */
function toolMembers({ tools, choice, conversation: { messages } }: MessagesRequest): JsonObject {
  if (tools.length > 0) return { tools, ...(choice === undefined ? {} : { tool_choice: choice }) };
  const hasCalls = messages.some(({ content }) => content.some(({ type }) => type === 'tool_use' || type === 'tool_result'));
  return hasCalls ? { tools: [STAND_IN_TOOL], tool_choice: { type: 'none' } } : {};
}

/** The members that decide how many tokens go in, in the order in which both requests have them. */
function promptMembers(request: MessagesRequest, scope: TranslationScope): Readonly<Record<'before' | 'after', JsonObject>> {
  const { conversation: { system, messages }, reasoning: { effort }, format } = request;
  const thinking = thinkingMember(request, scope);
  const outputConfig = { ...(effort === undefined ? {} : { effort }), ...(format === undefined ? {} : { format }) };
  return {
    before: {
      ...toolMembers(request),
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
