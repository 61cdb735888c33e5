import { FrontDoorError } from '../errors/front-door-error.ts';
import { applyFieldRules, readStreamWish, translateUser } from './field-rules.ts';
import { member, type JsonObject } from '../json/json-value.ts';
import { translateMessages } from './messages.ts';
import { stringifyExactly } from '../json/parse-json.ts';
import { isThinkingOn, translateReasoning } from '../messages-core/reasoning.ts';
import { translateResponseFormat } from './response-format.ts';
import { translateMaxTokens, translateSampling, translateStop } from '../messages-core/sampling.ts';
import { translateToolChoice } from '../messages-core/tool-choice.ts';
import { translateTools } from '../messages-core/tools.ts';
import { createTranslationScope, type TranslationSettings } from '../messages-core/translation-scope.ts';

/** A Chat Completions request as a Messages request, and how its answer is to be written. */
export interface TranslatedRequest {
  /** The body for the upstream; the same input always gives the same bytes, or prompt caches would miss. */
  readonly body: string;
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

function stringify(body: JsonObject): string {
  try {
    return stringifyExactly(body);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new FrontDoorError('invalid_value', 'The request is nested too deeply.', { param: 'messages', cause: error });
  }
}

/** Translates a parsed Chat Completions request for one model. Throws a `FrontDoorError` with status 400 that names `param`. */
export function translateRequest(request: JsonObject, settings: TranslationSettings): TranslatedRequest {
  const scope = createTranslationScope(settings);
  applyFieldRules(request, scope);
  const { isStream, includeUsage } = readStreamWish(request, scope);
  const maxTokens = translateMaxTokens(request, scope);
  const declared = translateTools(request, scope);
  const { tools, choice } = translateToolChoice(request, declared, scope);
  const { system, messages } = translateMessages(member(request, 'messages'), scope);
  const reasoning = translateReasoning(request, { maxTokens, toolChoice: choice, turns: messages }, scope);
  const sampling = translateSampling(request, isThinkingOn(reasoning.thinking), scope);
  const stop = translateStop(request, scope);
  const userId = translateUser(request, scope);
  const format = translateResponseFormat(request, scope);
  const outputConfig = {
    ...(reasoning.effort === undefined ? {} : { effort: reasoning.effort }),
    ...(format === undefined ? {} : { format }),
  };
  const body = stringify({
    model: settings.upstreamModel,
    max_tokens: maxTokens,
    ...(isStream ? { stream: true } : {}),
    ...(tools.length === 0 ? {} : { tools }),
    ...(choice === undefined ? {} : { tool_choice: choice }),
    ...(system.length === 0 ? {} : { system }),
    messages,
    ...(reasoning.thinking === undefined ? {} : { thinking: reasoning.thinking }),
    ...sampling,
    ...(stop.length === 0 ? {} : { stop_sequences: stop }),
    ...(Object.keys(outputConfig).length === 0 ? {} : { output_config: outputConfig }),
    ...(userId === undefined ? {} : { metadata: { user_id: userId } }),
  });
  return {
    body, ignoredParams: scope.ignored(), isStream, includeUsage, maxTokens,
    wantsReasoning: reasoning.isWanted, usesLegacyFunctions: declared.isLegacy,
  };
}
