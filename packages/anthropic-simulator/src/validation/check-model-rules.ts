import { isJsonObject, objectsOf, type JsonObject } from '../json.ts';
import { findUnboundThinking } from '../messages/bound-thinking.ts';
import { modelRules, type ModelRules, type ThinkingType } from './model-rules.ts';
import { firstOf, type Check } from './schema-checks.ts';

/** Refuses what the request's model does not take. */
export function checkModelRules(request: JsonObject): Check {
  const model = typeof request['model'] === 'string' ? request['model'] : '';
  const rules = modelRules(model);
  const last = objectsOf(request['messages']).at(-1);
  const maxTokens = Number(request['max_tokens'] ?? 0);
  return firstOf(
    () => refusedSampling(request, rules),
    () => refusedThinking(request, rules),
    () => refusedEffort(request, rules),
    () => refusedChoice(request, rules),
    () => refusedSchemas(request, rules),
    () => !rules.takesSystemTurns && objectsOf(request['messages']).some((message) => message['role'] === 'system') ? "role 'system' is not supported on this model" : undefined,
    () => rules.bindsThinking ? refusedThought(request) : undefined,
    () => rules.refusesPrefill && last?.['role'] === 'assistant' ? 'This model does not support assistant message prefill. The conversation must end with a user message.' : undefined,
    () => maxTokens > rules.maxOutputTokens ? `max_tokens: ${maxTokens} > ${rules.maxOutputTokens}, which is the maximum allowed number of output tokens for ${model}` : undefined,
  );
}

function refusedSampling(request: JsonObject, rules: ModelRules): Check {
  const isSet = (name: string): boolean => request[name] !== undefined && request[name] !== null;
  if (rules.refusesSampling) {
    if (isSet('temperature') && request['temperature'] !== 1) return '`temperature` is deprecated for this model.';
    if (isSet('top_p') && request['top_p'] !== 1) return '`top_p` is deprecated for this model.';
    if (isSet('top_k')) return '`top_k` is deprecated for this model.';
  }
  return rules.refusesSamplingPair && isSet('temperature') && isSet('top_p')
    ? '`temperature` and `top_p` cannot both be specified for this model. Please use only one.'
    : undefined;
}

/** A text in an object; what is no text there was refused before. */
function inside(value: unknown, name: string): string | undefined {
  const member = isJsonObject(value) ? value[name] : undefined;
  return typeof member === 'string' ? member : undefined;
}

function refusedThinking(request: JsonObject, { thinkingTypes, boundsEffortWithoutThinking }: ModelRules): Check {
  const type = inside(request['thinking'], 'type');
  if (type === undefined) return undefined;
  if (!thinkingTypes.includes(type as ThinkingType)) {
    const hint = thinkingTypes.includes('adaptive') ? ' Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.' : '';
    return `"thinking.type.${type}" is not supported for this model.${hint}`;
  }
  const effort = inside(request['output_config'], 'effort');
  const isBounded = boundsEffortWithoutThinking && (type === 'disabled' || type === 'between_tools');
  return isBounded && (effort === 'xhigh' || effort === 'max') ? `output_config.effort: '${effort}' is not supported with "thinking.type.${type}" for this model.` : undefined;
}

/** Which of the two the API does with a thought that is bound to something else. */
function refusedThought(request: JsonObject): Check {
  const { thinking } = request as { readonly thinking?: unknown };
  const binding = isJsonObject(thinking) ? thinking['block_binding'] : undefined;
  if (isJsonObject(binding) && binding['prefix_mismatch_behavior'] === 'drop_block') return undefined;
  const [message, block] = findUnboundThinking(request) ?? [];
  return message === undefined ? undefined : `messages.${message}.content.${block}: The block is bound to a different conversation`;
}

function refusedEffort(request: JsonObject, { efforts }: ModelRules): Check {
  const effort = inside(request['output_config'], 'effort');
  if (effort === undefined || efforts.includes(effort)) return undefined;
  return efforts.length === 0 ? 'This model does not support the effort parameter.' : `output_config.effort: '${effort}' is not supported for this model. Supported: ${efforts.join(', ')}.`;
}

function refusedChoice(request: JsonObject, { refusesForcedTools }: ModelRules): Check {
  const type = inside(request['tool_choice'], 'type');
  return refusesForcedTools && (type === 'any' || type === 'tool') ? 'tool_choice: type "tool" and "any" are not supported for this model.' : undefined;
}

function refusedSchemas(request: JsonObject, { takesSchemas }: ModelRules): Check {
  if (takesSchemas) return undefined;
  const { output_config: config, output_format: format } = request as { readonly output_config?: unknown; readonly output_format?: unknown };
  if (isJsonObject(format) || (isJsonObject(config) && isJsonObject(config['format']))) return 'This model does not support output format.';
  const index = objectsOf(request['tools']).findIndex((tool) => tool['strict'] === true);
  return index === -1 ? undefined : `tools.${index}.custom.strict: strict tools are not supported on this model.`;
}
