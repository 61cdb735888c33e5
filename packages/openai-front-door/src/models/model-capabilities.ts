import { matchesGlob } from './matches-glob.ts';

/** The efforts of `output_config.effort`, weakest first. */
export const EFFORT_LEVELS = ['low', 'medium', 'high', 'xhigh', 'max'] as const;

/** One of `EFFORT_LEVELS`. */
export type EffortLevel = (typeof EFFORT_LEVELS)[number];

/** The values of `thinking.type`, the most thinking first. */
export const THINKING_TYPES = ['adaptive', 'enabled', 'between_tools', 'disabled'] as const;

/** One of `THINKING_TYPES`. */
export type ThinkingType = (typeof THINKING_TYPES)[number];

/** What a model accepts; decides what of a request is sent, dropped or refused. */
export interface ModelCapabilities {
  /** `temperature` and `top_p` are refused upstream, so they are dropped and reported. */
  readonly rejectsSampling: boolean;
  /** `temperature` and `top_p` may not be sent together: `temperature` stays. */
  readonly exclusiveSampling: boolean;
  /** The efforts it takes; any other `reasoning_effort` is dropped and reported, or becomes a thinking budget where the model takes one. */
  readonly effortLevels: readonly EffortLevel[];
  /** The values of `thinking.type` it takes. */
  readonly thinkingTypes: readonly ThinkingType[];
  /** It thinks where a request has no `thinking`. */
  readonly thinksByDefault: boolean;
  /** A thought may only come back behind what it followed when it was made; one that does not is dropped upstream, as the request then asks. */
  readonly bindsThinking: boolean;
  /** Where `thinking.type` is `disabled` or `between_tools`, an effort above `high` is refused. */
  readonly boundsEffortWithoutThinking: boolean;
  /** A `tool_choice` of type `any` or `tool` is refused, so `auto` is sent and reported. */
  readonly rejectsForcedTools: boolean;
  /** It takes `output_config.format` and strict tools. */
  readonly structuredOutputs: boolean;
  /** It takes `role: "system"` messages inside the conversation. */
  readonly inlineSystem: boolean;
  /** It refuses a conversation that ends with an assistant message. */
  readonly rejectsPrefill: boolean;
  /** `max_tokens` where the client gives none; absent: the front door's `maxOutputTokens`, else `maxOutputTokens` of the model. */
  readonly defaultMaxTokens?: number;
  /** The most tokens it writes: a larger `max_tokens` becomes this and is reported. Absent: not known. */
  readonly maxOutputTokens?: number;
}

/** Capabilities laid over those of every model whose name matches. */
export interface ModelCapabilityRule {
  /** A model name; `*` stands for any run of characters. */
  readonly match: string;
  readonly capabilities: Partial<ModelCapabilities>;
}

/** Rules in order; a later one wins, flag by flag. */
export type ModelCapabilityRegistry = readonly ModelCapabilityRule[];

/**
 * What is assumed of a model that no rule knows: whatever a newer model might refuse is not sent. Structured outputs and forced tools stay
 * on, because dropping them would change the answer's meaning while the upstream can refuse them by itself.
 */
export const UNKNOWN_MODEL_CAPABILITIES: ModelCapabilities = Object.freeze<ModelCapabilities>({
  rejectsSampling: true,
  exclusiveSampling: true,
  effortLevels: [],
  thinkingTypes: ['adaptive', 'between_tools', 'disabled'],
  thinksByDefault: false,
  bindsThinking: false,
  boundsEffortWithoutThinking: true,
  rejectsForcedTools: false,
  structuredOutputs: true,
  inlineSystem: false,
  rejectsPrefill: true,
});

/** From this version of the API on, sampling parameters are refused whatever the model. */
const FIRST_VERSION_WITHOUT_SAMPLING = '2026-10-21';

/** Capabilities as they are under a version of the API, which is a date. */
export function capabilitiesUnder(anthropicVersion: string, capabilities: ModelCapabilities): ModelCapabilities {
  return anthropicVersion < FIRST_VERSION_WITHOUT_SAMPLING ? capabilities : { ...capabilities, rejectsSampling: true };
}

/** What `model` accepts according to `registry`. */
export function capabilitiesOf(registry: ModelCapabilityRegistry, model: string): ModelCapabilities {
  let capabilities = UNKNOWN_MODEL_CAPABILITIES;
  for (const rule of registry) {
    if (matchesGlob(rule.match, model)) capabilities = { ...capabilities, ...rule.capabilities };
  }
  return capabilities;
}
