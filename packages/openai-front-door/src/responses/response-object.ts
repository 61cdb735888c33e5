import type { JsonObject } from '../json/json-value.ts';
import type { OpenAiUsage } from '../messages-core/usage.ts';
import type { ResponseEcho } from './translate-response-request.ts';

/** How far a response is. */
export type ResponseStatus = 'in_progress' | 'completed' | 'incomplete' | 'failed';

/** The code and the message of a response that failed. */
export interface ResponseError {
  readonly code: string;
  readonly message: string;
}

/** What differs between the states of one response. */
export interface ResponseState {
  readonly status: ResponseStatus;
  readonly output: readonly JsonObject[];
  readonly usage?: OpenAiUsage;
  readonly incompleteReason?: string;
  readonly error?: ResponseError;
  /** The tier that served the answer; the usual one where the upstream names none. */
  readonly serviceTier?: string | undefined;
}

/** What is the same in all states of one response. */
export interface ResponseIdentity {
  readonly id: string;
  readonly model: string;
  /** Unix seconds. */
  readonly created: number;
  readonly echo: ResponseEcho;
}

/** Usage as clients of the Responses API read it. */
function responseUsage(usage: OpenAiUsage): JsonObject {
  return {
    input_tokens: usage.prompt_tokens,
    input_tokens_details: usage.prompt_tokens_details,
    output_tokens: usage.completion_tokens,
    output_tokens_details: usage.completion_tokens_details,
    total_tokens: usage.total_tokens,
  };
}

/** A response object with every member that the specification of Open Responses requires. Of the request it repeats the small members only. */
export function responseObject({ id, model, created, echo }: ResponseIdentity, state: ResponseState): JsonObject {
  return {
    id, object: 'response', created_at: created,
    completed_at: state.status === 'completed' ? created : null,
    status: state.status,
    incomplete_details: state.incompleteReason === undefined ? null : { reason: state.incompleteReason },
    error: state.error ?? null,
    model, output: state.output,
    usage: state.usage === undefined ? null : responseUsage(state.usage),
    ...echo,
    instructions: null, previous_response_id: null, tools: [], tool_choice: 'auto', text: { format: { type: 'text' } },
    truncation: 'disabled', store: false, background: false, service_tier: state.serviceTier ?? 'default', metadata: {},
    max_tool_calls: null, top_logprobs: 0, presence_penalty: 0, frequency_penalty: 0,
    user: null, safety_identifier: null, prompt_cache_key: null,
  };
}
