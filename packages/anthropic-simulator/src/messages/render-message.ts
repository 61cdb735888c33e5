import type { JsonObject } from '../json.ts';
import type { InputUsage, MessagePlan } from './message-plan.ts';

/** What identifies one answer beyond its plan. */
export interface MessageIdentity {
  readonly id: string;
  readonly model: string;
  readonly input: InputUsage;
  readonly serviceTier: 'standard' | 'priority' | 'batch';
}

/** The `Message` object of a non-streaming answer. */
export function renderMessage(plan: MessagePlan, identity: MessageIdentity): JsonObject {
  return {
    model: identity.model,
    id: identity.id,
    type: 'message',
    role: 'assistant',
    content: plan.blocks.map((planned) => planned.block),
    stop_reason: plan.stopReason,
    stop_sequence: plan.stopSequence ?? null,
    stop_details: plan.stopDetails ?? null,
    ...plan.container === undefined ? {} : { container: plan.container },
    usage: { ...startUsage(identity, plan.outputTokens), ...finalExtras(plan) },
    ...plan.contextManagement === undefined ? {} : { context_management: plan.contextManagement },
  };
}

/** The `usage` of a whole message, and of `message_start` with the few tokens counted by then. */
export function startUsage(identity: MessageIdentity, outputTokens: number): JsonObject {
  const { input } = identity;
  return {
    input_tokens: input.inputTokens,
    cache_creation_input_tokens: input.cacheWrite5mTokens + input.cacheWrite1hTokens,
    cache_read_input_tokens: input.cacheReadTokens,
    cache_creation: { ephemeral_5m_input_tokens: input.cacheWrite5mTokens, ephemeral_1h_input_tokens: input.cacheWrite1hTokens },
    output_tokens: outputTokens,
    service_tier: identity.serviceTier,
    inference_geo: 'not_available',
  };
}

/** The cumulative `usage` of `message_delta`. */
export function deltaUsage(plan: MessagePlan, identity: MessageIdentity): JsonObject {
  const { input } = identity;
  return {
    input_tokens: input.inputTokens,
    cache_creation_input_tokens: input.cacheWrite5mTokens + input.cacheWrite1hTokens,
    cache_read_input_tokens: input.cacheReadTokens,
    output_tokens: plan.outputTokens,
    ...finalExtras(plan),
  };
}

function finalExtras(plan: MessagePlan): JsonObject {
  const thinking = plan.thinkingTokens === undefined ? {} : { output_tokens_details: { thinking_tokens: plan.thinkingTokens } };
  return { ...thinking, ...plan.usage };
}
