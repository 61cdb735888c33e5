import { UNKNOWN_MODEL_CAPABILITIES, type ModelCapabilities, type ModelCapabilityRegistry } from './model-capabilities.ts';

const ADAPTIVE_ONLY: ModelCapabilities = { ...UNKNOWN_MODEL_CAPABILITIES, effortLevels: ['low', 'medium', 'high', 'xhigh', 'max'] };

const SAMPLING: ModelCapabilities = {
  rejectsSampling: false,
  exclusiveSampling: false,
  effortLevels: [],
  adaptiveOnly: false,
  structuredOutputs: false,
  inlineSystem: false,
  rejectsPrefill: false,
};

const ONE_SAMPLING_PARAMETER: ModelCapabilities = { ...SAMPLING, exclusiveSampling: true, structuredOutputs: true };

/**
 * The families of Claude, wide patterns before narrow ones because a later rule wins. Each row states every flag, so that
 * no family inherits a flag by accident: `claude-*-5*` also matches `claude-sonnet-4-5`.
 */
export const BUILT_IN_MODEL_CAPABILITIES: ModelCapabilityRegistry = Object.freeze([
  { match: 'claude-*-5*', capabilities: ADAPTIVE_ONLY },
  { match: 'claude-3*', capabilities: SAMPLING },
  // The first three of the family end at 4,096 output tokens; a larger max_tokens is refused.
  { match: 'claude-3-opus*', capabilities: { ...SAMPLING, defaultMaxTokens: 4096 } },
  { match: 'claude-3-sonnet*', capabilities: { ...SAMPLING, defaultMaxTokens: 4096 } },
  { match: 'claude-3-haiku*', capabilities: { ...SAMPLING, defaultMaxTokens: 4096 } },
  { match: 'claude-*-4-0*', capabilities: SAMPLING },
  { match: 'claude-*-4-2*', capabilities: SAMPLING },
  { match: 'claude-*-4-1*', capabilities: ONE_SAMPLING_PARAMETER },
  { match: 'claude-*-4-5*', capabilities: ONE_SAMPLING_PARAMETER },
  { match: 'claude-opus-4-5*', capabilities: { ...ONE_SAMPLING_PARAMETER, effortLevels: ['low', 'medium', 'high'] } },
  { match: 'claude-*-4-6*', capabilities: { ...ONE_SAMPLING_PARAMETER, effortLevels: ['low', 'medium', 'high', 'max'], rejectsPrefill: true } },
  { match: 'claude-*-4-7*', capabilities: ADAPTIVE_ONLY },
  { match: 'claude-*-4-8*', capabilities: ADAPTIVE_ONLY },
  { match: 'claude-*-4-9*', capabilities: ADAPTIVE_ONLY },
]);
