import { z } from 'zod';

/** What the specification of Open Responses (version 2026-04-24, https://www.openresponses.org/specification) requires of what a server sends. Written from its text; members that it allows besides are left alone. */
const outputText = z.looseObject({ type: z.literal('output_text'), text: z.string(), annotations: z.array(z.looseObject({ type: z.string() })), logprobs: z.array(z.unknown()) });
const refusal = z.looseObject({ type: z.literal('refusal'), refusal: z.string() });
const summaryText = z.looseObject({ type: z.literal('summary_text'), text: z.string() });
const itemStatus = z.enum(['in_progress', 'completed', 'incomplete']);
const part = z.discriminatedUnion('type', [outputText, refusal]);

const item = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('message'), id: z.string().min(1), status: itemStatus, role: z.literal('assistant'), content: z.array(part) }),
  z.looseObject({ type: z.literal('reasoning'), id: z.string().min(1), summary: z.array(summaryText), encrypted_content: z.string().nullish() }),
  z.looseObject({ type: z.literal('function_call'), id: z.string().min(1), call_id: z.string().min(1), name: z.string().min(1), arguments: z.string(), status: itemStatus }),
  z.looseObject({ type: z.literal('custom_tool_call'), id: z.string().min(1), call_id: z.string().min(1), name: z.string().min(1), input: z.string() }),
  z.looseObject({ type: z.literal('web_search_call'), id: z.string().min(1), status: z.string() }),
]);

const count = z.int().nonnegative();
const usage = z.looseObject({
  input_tokens: count, output_tokens: count, total_tokens: count, input_tokens_details: z.looseObject({ cached_tokens: count }), output_tokens_details: z.looseObject({ reasoning_tokens: count }),
});

/** A response object, in any state. */
export const responseSchema = z.looseObject({
  id: z.string().min(1), object: z.literal('response'), created_at: z.int(), completed_at: z.int().nullable(), status: z.enum(['queued', 'in_progress', 'completed', 'incomplete', 'failed']),
  incomplete_details: z.looseObject({ reason: z.string() }).nullable(), error: z.looseObject({ code: z.string(), message: z.string() }).nullable(), model: z.string(), previous_response_id: z.string().nullable(),
  instructions: z.string().nullable(), output: z.array(item), usage: usage.nullable(), tools: z.array(z.unknown()), tool_choice: z.union([z.enum(['none', 'auto', 'required']), z.looseObject({ type: z.string() })]),
  truncation: z.enum(['auto', 'disabled']), parallel_tool_calls: z.boolean(), text: z.looseObject({ format: z.looseObject({ type: z.string() }) }), top_p: z.number(), temperature: z.number(), presence_penalty: z.number(), frequency_penalty: z.number(),
  top_logprobs: z.int(), reasoning: z.looseObject({ effort: z.string().nullish(), summary: z.string().nullish() }).nullable(), max_output_tokens: z.int().nullable(), max_tool_calls: z.int().nullable(), store: z.boolean(), background: z.boolean(),
  service_tier: z.string(), metadata: z.record(z.string(), z.unknown()), user: z.string().nullable(), safety_identifier: z.string().nullable(), prompt_cache_key: z.string().nullable(),
});

const sequence = { sequence_number: z.int().nonnegative() };
const inItem = { ...sequence, item_id: z.string().min(1), output_index: count };
const inContent = { ...inItem, content_index: count };
const inSummary = { ...inItem, summary_index: count };
const ofResponse = { ...sequence, response: responseSchema };

/** Every event that a stream may have. */
export const eventSchema = z.discriminatedUnion('type', [
  z.looseObject({ type: z.enum(['response.created', 'response.in_progress', 'response.completed', 'response.incomplete', 'response.failed']), ...ofResponse }),
  z.looseObject({ type: z.literal('response.output_item.added'), ...sequence, output_index: count, item }),
  z.looseObject({ type: z.literal('response.output_item.done'), ...sequence, output_index: count, item }),
  z.looseObject({ type: z.literal('response.content_part.added'), ...inContent, part }),
  z.looseObject({ type: z.literal('response.content_part.done'), ...inContent, part }),
  z.looseObject({ type: z.literal('response.output_text.delta'), ...inContent, delta: z.string(), logprobs: z.array(z.unknown()) }),
  z.looseObject({ type: z.literal('response.output_text.done'), ...inContent, text: z.string(), logprobs: z.array(z.unknown()) }),
  z.looseObject({ type: z.literal('response.output_text.annotation.added'), ...inContent, annotation_index: count, annotation: z.looseObject({ type: z.string() }) }),
  z.looseObject({ type: z.literal('response.refusal.delta'), ...inContent, delta: z.string() }),
  z.looseObject({ type: z.literal('response.refusal.done'), ...inContent, refusal: z.string() }),
  z.looseObject({ type: z.literal('response.reasoning_summary_part.added'), ...inSummary, part: summaryText }),
  z.looseObject({ type: z.literal('response.reasoning_summary_part.done'), ...inSummary, part: summaryText }),
  z.looseObject({ type: z.literal('response.reasoning_summary_text.delta'), ...inSummary, delta: z.string() }),
  z.looseObject({ type: z.literal('response.reasoning_summary_text.done'), ...inSummary, text: z.string() }),
  z.looseObject({ type: z.literal('response.function_call_arguments.delta'), ...inItem, delta: z.string() }),
  z.looseObject({ type: z.literal('response.function_call_arguments.done'), ...inItem, arguments: z.string() }),
  z.looseObject({ type: z.literal('error'), ...sequence, error: z.looseObject({ type: z.string(), code: z.string().nullable(), message: z.string(), param: z.string().nullable() }) }),
]);
