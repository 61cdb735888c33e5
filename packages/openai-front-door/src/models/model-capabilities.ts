import { matchesModelGlob } from './model-glob.ts';

/** The efforts of `output_config.effort`, weakest first. */
export const EFFORT_LEVELS = ['low', 'medium', 'high', 'xhigh', 'max'] as const;

/** One of `EFFORT_LEVELS`. */
export type EffortLevel = (typeof EFFORT_LEVELS)[number];

/** What a model accepts; decides what of a Chat Completions request is sent, dropped or refused. */
export interface ModelCapabilities {
  /** `temperature` and `top_p` are refused upstream, so they are dropped and reported. */
  readonly rejectsSampling: boolean;
  /** `temperature` and `top_p` may not be sent together: `temperature` stays. */
  readonly exclusiveSampling: boolean;
  /** The efforts it takes; any other `reasoning_effort` is dropped and reported. */
  readonly effortLevels: readonly EffortLevel[];
  /** Thinking is adaptive only: `{type: "enabled", budget_tokens}` is refused. */
  readonly adaptiveOnly: boolean;
  /** It takes `output_config.format` and strict tools. */
  readonly structuredOutputs: boolean;
  /** It takes `role: "system"` messages inside the conversation. */
  readonly inlineSystem: boolean;
  /** It refuses a conversation that ends with an assistant message. */
  readonly rejectsPrefill: boolean;
  /** `max_tokens` where the client gives none; absent: the front door's `maxOutputTokens`. */
  readonly defaultMaxTokens?: number;
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
 * What is assumed of a model that no rule knows: whatever a newer model might refuse is not sent. Structured outputs stay
 * on, because dropping a schema would change the answer's meaning while the upstream can refuse it by itself.
 */
export const UNKNOWN_MODEL_CAPABILITIES: ModelCapabilities = Object.freeze({
  rejectsSampling: true,
  exclusiveSampling: true,
  effortLevels: [],
  adaptiveOnly: true,
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
    if (matchesModelGlob(rule.match, model)) capabilities = { ...capabilities, ...rule.capabilities };
  }
  return capabilities;
}
