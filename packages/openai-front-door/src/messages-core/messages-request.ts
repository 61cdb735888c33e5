import { FrontDoorError } from '../errors/front-door-error.ts';
import type { JsonObject } from '../json/json-value.ts';
import { stringifyExactly } from '../json/parse-json.ts';
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
  readonly reasoning: Pick<Reasoning, 'thinking' | 'effort'>;
  readonly sampling: Sampling;
  readonly stop: readonly string[];
  readonly format: JsonObject | undefined;
  readonly userId: string | undefined;
  /** The breakpoint that the upstream places itself, behind the last block that can be cached. */
  readonly cacheControl?: JsonObject | undefined;
  readonly serviceTier?: 'standard_only' | undefined;
}

function stringify(body: JsonObject, scope: TranslationScope): string {
  try {
    return stringifyExactly(body);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new FrontDoorError('invalid_value', 'The request is nested too deeply.', { param: scope.names.turns, cause: error });
  }
}

/** The members that decide how many tokens go in, in the order in which both requests have them. */
function promptMembers({ tools, choice, conversation: { system, messages }, reasoning: { thinking, effort }, format }: MessagesRequest): Readonly<Record<'before' | 'after', JsonObject>> {
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
  const { stop, userId, cacheControl, serviceTier } = request;
  const { before, after } = promptMembers(request);
  return stringify({
    model: scope.settings.upstreamModel,
    max_tokens: request.maxTokens,
    ...(request.isStream ? { stream: true } : {}),
    ...before,
    ...request.sampling,
    ...(stop.length === 0 ? {} : { stop_sequences: stop }),
    ...after,
    ...(userId === undefined ? {} : { metadata: { user_id: userId } }),
    ...(cacheControl === undefined ? {} : { cache_control: cacheControl }),
    ...(serviceTier === undefined ? {} : { service_tier: serviceTier }),
  }, scope);
}

/** Writes the request that counts the tokens of the same prompt. */
export function writeCountRequest(request: MessagesRequest, scope: TranslationScope): string {
  const { before, after } = promptMembers(request);
  return stringify({ model: scope.settings.upstreamModel, ...before, ...after }, scope);
}
