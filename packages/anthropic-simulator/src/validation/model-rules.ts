import { isJsonObject, objectsOf, type JsonObject } from '../json.ts';
import type { Check } from './schema-checks.ts';

/** What a model refuses that others take. */
export interface ModelRules {
  /** `temperature`, `top_p` and `top_k` other than their defaults are refused. */
  readonly refusesSampling: boolean;
  /** `temperature` and `top_p` together are refused. */
  readonly refusesSamplingPair: boolean;
  /** `thinking.type: "enabled"` is refused. */
  readonly thinksAdaptivelyOnly: boolean;
  /** A conversation that ends with the assistant is refused. */
  readonly refusesPrefill: boolean;
  /** The largest `max_tokens`. */
  readonly maxOutputTokens: number;
}

const MAX_OUTPUT_TOKENS = 128_000;

/** The rules of a model by its name; a simulated or unknown one refuses nothing. */
export function modelRules(model: string): ModelRules {
  const match = /^claude-(?:([a-z]+)-)?(\d+)(?:-(\d{1,2})(?!\d))?/.exec(model);
  const version = match === null ? 0 : Number(match[2]) + Number(match[3] ?? 0) / 10;
  return {
    refusesSampling: version >= 5 || (match?.[1] === 'opus' && version >= 4.7),
    refusesSamplingPair: version >= 4.1,
    thinksAdaptivelyOnly: version >= 5,
    refusesPrefill: version >= 4.6,
    maxOutputTokens: match === null ? Number.POSITIVE_INFINITY : MAX_OUTPUT_TOKENS,
  };
}

/** Refuses what the request's model does not take. */
export function checkModelRules(request: JsonObject): Check {
  const model = typeof request['model'] === 'string' ? request['model'] : '';
  const rules = modelRules(model);
  const refused = refusedSampling(request, rules);
  if (refused !== undefined) return refused;
  const { thinking } = request as { readonly thinking?: unknown };
  if (rules.thinksAdaptivelyOnly && isJsonObject(thinking) && thinking['type'] === 'enabled') {
    return '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.';
  }
  if (rules.refusesPrefill && objectsOf(request['messages']).at(-1)?.['role'] === 'assistant') {
    return 'This model does not support assistant message prefill. The conversation must end with a user message.';
  }
  const maxTokens = Number(request['max_tokens'] ?? 0);
  return maxTokens > rules.maxOutputTokens
    ? `max_tokens: ${maxTokens} > ${rules.maxOutputTokens}, which is the maximum allowed number of output tokens for ${model}`
    : undefined;
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
