import type { JsonObject } from '../json/json-value.ts';
import type { EffortLevel } from './model-capabilities.ts';
import type { ModelObject } from './model-object.ts';

const EFFORTS: Readonly<Record<EffortLevel, string>> = {
  low: 'Short thinking, fast answers',
  medium: 'Balances thinking and speed',
  high: 'Thorough thinking',
  xhigh: 'Longer thinking for hard tasks',
  max: 'All the thinking that the model can do',
};

/** How much of a tool's output the client keeps. */
const KEPT_OUTPUT_TOKENS = 10_000;

/**
 * A model as Codex reads it from `models` beside `data` (with `model_catalog_url` in its provider): with it Codex knows the context window that it has to
 * compact for, offers its patch tool, and does not warn. All members but `context_window`, `default_reasoning_level`, `apply_patch_tool_type` and
 * `input_modalities` are required; the instructions are a prompt, and the operator's.
 */
export function codexModel(model: ModelObject, priority: number, { baseInstructions, effortLevels }: { readonly baseInstructions: string; readonly effortLevels: readonly EffortLevel[] }): JsonObject {
  const window = model['context_window'];
  return {
    slug: model.id,
    display_name: model['display_name'] ?? model.id,
    supported_reasoning_levels: effortLevels.map((effort) => ({ effort, description: EFFORTS[effort] })),
    ...(effortLevels.includes('medium') ? { default_reasoning_level: 'medium' } : {}),
    supports_reasoning_summaries: true,
    shell_type: 'unified_exec',
    visibility: 'list',
    supported_in_api: true,
    priority,
    base_instructions: baseInstructions,
    support_verbosity: false,
    apply_patch_tool_type: 'freeform',
    truncation_policy: { mode: 'tokens', limit: KEPT_OUTPUT_TOKENS },
    supports_parallel_tool_calls: true,
    experimental_supported_tools: [],
    input_modalities: ['text', 'image'],
    ...(window === undefined ? {} : { context_window: window }),
  };
}
