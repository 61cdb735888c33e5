import type { ModelCapabilities, ModelCapabilityRegistry, ModelCapabilityRule } from './model-capabilities.ts';

/** Before Claude 4.1: sampling as it was, a thinking budget from 3.7 on, no structured outputs. */
const CLAUDE_3: ModelCapabilities = {
  rejectsSampling: false,
  exclusiveSampling: false,
  effortLevels: [],
  thinkingTypes: ['disabled'],
  thinksByDefault: false,
  bindsThinking: false,
  boundsEffortWithoutThinking: false,
  rejectsForcedTools: false,
  structuredOutputs: false,
  inlineSystem: false,
  rejectsPrefill: false,
  maxOutputTokens: 4_096,
};

const CLAUDE_4: ModelCapabilities = { ...CLAUDE_3, thinkingTypes: ['enabled', 'disabled'], maxOutputTokens: 64_000 };
const CLAUDE_4_5: ModelCapabilities = { ...CLAUDE_4, exclusiveSampling: true, structuredOutputs: true };
const CLAUDE_4_6: ModelCapabilities = {
  ...CLAUDE_4_5, effortLevels: ['low', 'medium', 'high', 'max'], thinkingTypes: ['adaptive', 'enabled', 'disabled'], rejectsPrefill: true, maxOutputTokens: 128_000,
};
const CLAUDE_4_7: ModelCapabilities = { ...CLAUDE_4_6, rejectsSampling: true, effortLevels: ['low', 'medium', 'high', 'xhigh', 'max'], thinkingTypes: ['adaptive', 'disabled'] };
const CLAUDE_4_8: ModelCapabilities = { ...CLAUDE_4_7, inlineSystem: true };
const SONNET_5: ModelCapabilities = { ...CLAUDE_4_7, thinksByDefault: true };
const OPUS_5: ModelCapabilities = { ...SONNET_5, inlineSystem: true, boundsEffortWithoutThinking: true };
const HAIKU_5_5: ModelCapabilities = { ...OPUS_5, bindsThinking: true };
const SONNET_5_5: ModelCapabilities = { ...HAIKU_5_5, thinkingTypes: ['adaptive', 'between_tools'], rejectsForcedTools: true };
/** Claude that always thinks: Opus 5.5, and Fable and Mythos from the first on. */
const ALWAYS_THINKING: ModelCapabilities = { ...HAIKU_5_5, thinkingTypes: ['adaptive'], rejectsForcedTools: true };

/** A model under its plain name and with a date, written as Anthropic and as Vertex AI write it. */
function named(name: string, capabilities: ModelCapabilities): readonly ModelCapabilityRule[] {
  return [name, `${name}-20*`, `${name}-latest`, `${name}@*`].map((match) => ({ match, capabilities }));
}

/**
 * The families of Claude (https://platform.claude.com/docs/en/about-claude/models, the pages "what's new" of each), the newest first because a
 * later rule wins: a model that is newer than this table has the newest known behaviour of its family, and one of a new family the strictest
 * of all. Each row states every flag, so that no family inherits one by accident. `claude-opus-5*` would match Opus 5.5: what is older than the
 * newest is named exactly.
 */
export const BUILT_IN_MODEL_CAPABILITIES: ModelCapabilityRegistry = Object.freeze([
  { match: 'claude-*', capabilities: ALWAYS_THINKING },
  { match: 'claude-haiku-*', capabilities: HAIKU_5_5 },
  { match: 'claude-sonnet-*', capabilities: SONNET_5_5 },
  ...['claude-fable-5', 'claude-mythos-5'].flatMap((name) => named(name, { ...ALWAYS_THINKING, bindsThinking: false })),
  ...named('claude-opus-5', OPUS_5),
  ...named('claude-sonnet-5', SONNET_5),
  { match: 'claude-3*', capabilities: CLAUDE_3 },
  { match: 'claude-3-5-*', capabilities: { ...CLAUDE_3, maxOutputTokens: 8_192 } },
  { match: 'claude-3-7-*', capabilities: CLAUDE_4 },
  ...['claude-sonnet-4', 'claude-sonnet-4-0'].flatMap((name) => named(name, CLAUDE_4)),
  ...['claude-opus-4', 'claude-opus-4-0'].flatMap((name) => named(name, { ...CLAUDE_4, maxOutputTokens: 32_000 })),
  ...named('claude-opus-4-1', { ...CLAUDE_4_5, maxOutputTokens: 32_000 }),
  { match: 'claude-*-4-5*', capabilities: CLAUDE_4_5 },
  { match: 'claude-opus-4-5*', capabilities: { ...CLAUDE_4_5, effortLevels: ['low', 'medium', 'high'] } },
  { match: 'claude-*-4-6*', capabilities: CLAUDE_4_6 },
  { match: 'claude-*-4-7*', capabilities: CLAUDE_4_7 },
  { match: 'claude-*-4-8*', capabilities: CLAUDE_4_8 },
  { match: 'claude-*-4-9*', capabilities: CLAUDE_4_8 },
]);
