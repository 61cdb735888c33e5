import { sumIterations } from './iterations.ts';
import { isJsonObject, member, type JsonObject } from '../json/json-value.ts';
import { tokenCount } from '../json/token-count.ts';
import type { AnswerTokens, UsageSource } from '../request-summary.ts';

/** Usage as OpenAI's clients read it. */
export interface OpenAiUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number; readonly cache_write_tokens: number };
  readonly completion_tokens_details: { readonly reasoning_tokens: number };
}

/** The usage of one answer as its parts come in. */
export interface UsageTally {
  /** Lays a usage object over what is known, field by field: the last word on a field wins, nothing is added up. */
  update(usage: unknown, isFinal: boolean): void;
  counts(): AnswerTokens | undefined;
  source(): UsageSource;
  openAiUsage(): OpenAiUsage;
}

function countOf(object: JsonObject | undefined, name: string): number | undefined {
  return object === undefined ? undefined : tokenCount(member(object, name));
}

function nested(object: JsonObject, name: string): JsonObject | undefined {
  const value = member(object, name);
  return isJsonObject(value) ? value : undefined;
}

/** Members that decide what tokens cost. */
const TERMS = [['service_tier', 'serviceTier'], ['inference_geo', 'inferenceGeo'], ['speed', 'speed']] as const;
const MAX_TERM_CHARS = 64;

/** Begins a tally of the upstream's usage. */
export function createUsageTally(): UsageTally {
  let source: UsageSource = 'missing';
  let input = 0;
  let output = 0;
  let cacheRead = 0;
  let cacheWrites: number | undefined;
  let cacheWrite5m = 0;
  let cacheWrite1h = 0;
  let reasoning = 0;
  let iterations: AnswerTokens | undefined;
  let searches = 0;
  const terms: { serviceTier?: string; inferenceGeo?: string; speed?: string } = {};
  const topLevel = (): AnswerTokens => {
    // The total may be absent, or newer than its split. Without a split a write is a 5-minute one, the API's default.
    const total = cacheWrites ?? cacheWrite5m + cacheWrite1h;
    const longer = Math.min(cacheWrite1h, total);
    return { input, output, cacheRead, cacheWrite5m: total - longer, cacheWrite1h: longer };
  };
  const counts = (): AnswerTokens => ({ ...(iterations ?? topLevel()), ...terms, ...(searches === 0 ? {} : { serverToolRequests: { web_search_requests: searches } }) });
  return {
    update: (usage, isFinal) => {
      if (!isJsonObject(usage)) return;
      if (isFinal) source = 'final';
      else if (source === 'missing') source = 'partial';
      input = countOf(usage, 'input_tokens') ?? input;
      output = countOf(usage, 'output_tokens') ?? output;
      cacheRead = countOf(usage, 'cache_read_input_tokens') ?? cacheRead;
      cacheWrites = countOf(usage, 'cache_creation_input_tokens') ?? cacheWrites;
      const split = nested(usage, 'cache_creation');
      cacheWrite5m = countOf(split, 'ephemeral_5m_input_tokens') ?? cacheWrite5m;
      cacheWrite1h = countOf(split, 'ephemeral_1h_input_tokens') ?? cacheWrite1h;
      iterations = sumIterations(usage['iterations']) ?? iterations;
      searches = countOf(nested(usage, 'server_tool_use'), 'web_search_requests') ?? searches;
      for (const [name, field] of TERMS) {
        const value = member(usage, name);
        if (typeof value === 'string' && value.length <= MAX_TERM_CHARS) terms[field] = value;
      }
      reasoning = countOf(nested(usage, 'output_tokens_details'), 'thinking_tokens') ?? reasoning;
    },
    source: () => source,
    counts: () => (source === 'missing' ? undefined : counts()),
    openAiUsage: () => {
      const total = counts();
      const written = total.cacheWrite5m + total.cacheWrite1h;
      const prompt = total.input + total.cacheRead + written;
      return {
        prompt_tokens: prompt,
        completion_tokens: total.output,
        total_tokens: prompt + total.output,
        prompt_tokens_details: { cached_tokens: total.cacheRead, cache_write_tokens: written },
        completion_tokens_details: { reasoning_tokens: reasoning },
      };
    },
  };
}
