/** The values of `thinking.type`. */
export type ThinkingType = 'adaptive' | 'between_tools' | 'disabled' | 'enabled';

/** What a model refuses that others take. */
export interface ModelRules {
  /** `temperature`, `top_p` and `top_k` other than their defaults are refused. */
  readonly refusesSampling: boolean;
  /** `temperature` and `top_p` together are refused. */
  readonly refusesSamplingPair: boolean;
  /** The values of `thinking.type` that it takes. */
  readonly thinkingTypes: readonly ThinkingType[];
  /** It thinks where a request has no `thinking`. */
  readonly thinksByDefault: boolean;
  /** The text of its thoughts is left out unless `thinking.display` asks for it. */
  readonly omitsThinking: boolean;
  /** A thought may only come back behind what it followed when it was made. */
  readonly bindsThinking: boolean;
  /** With `thinking.type` `disabled` or `between_tools` an effort above `high` is refused. */
  readonly boundsEffortWithoutThinking: boolean;
  /** The efforts that it takes. */
  readonly efforts: readonly string[];
  /** A `tool_choice` of type `any` or `tool` is refused. */
  readonly refusesForcedTools: boolean;
  /** `role: "system"` inside the conversation is taken. */
  readonly takesSystemTurns: boolean;
  /** `output_config.format` and strict tools are taken. */
  readonly takesSchemas: boolean;
  /** A conversation that ends with the assistant is refused. */
  readonly refusesPrefill: boolean;
  /** The largest `max_tokens`. */
  readonly maxOutputTokens: number;
}

const EVERY_EFFORT: readonly string[] = ['low', 'medium', 'high', 'xhigh', 'max'];

/** Of a simulated or unknown model, which refuses nothing. */
const ANY_MODEL: ModelRules = {
  refusesSampling: false, refusesSamplingPair: false, thinkingTypes: ['adaptive', 'between_tools', 'disabled', 'enabled'], thinksByDefault: false, omitsThinking: false, bindsThinking: false, boundsEffortWithoutThinking: false,
  efforts: EVERY_EFFORT, refusesForcedTools: false, takesSystemTurns: true, takesSchemas: true, refusesPrefill: false, maxOutputTokens: Number.POSITIVE_INFINITY,
};

/** Of a family from a version on. */
type Step = readonly [from: number, change: Partial<ModelRules>];

/** What every family has, oldest first; each step changes what came before it. */
const STEPS: readonly Step[] = [
  [0, { thinkingTypes: ['disabled'], efforts: [], takesSystemTurns: false, takesSchemas: false, maxOutputTokens: 4_096 }],
  [3.5, { maxOutputTokens: 8_192 }],
  [3.7, { thinkingTypes: ['disabled', 'enabled'], maxOutputTokens: 64_000 }],
  [4.1, { refusesSamplingPair: true, takesSchemas: true }],
  [4.6, { efforts: ['low', 'medium', 'high', 'max'], thinkingTypes: ['adaptive', 'disabled', 'enabled'], refusesPrefill: true, maxOutputTokens: 128_000 }],
  [4.7, { efforts: EVERY_EFFORT, thinkingTypes: ['adaptive', 'disabled'], refusesSampling: true, omitsThinking: true }],
  [4.8, { takesSystemTurns: true }],
  [5, { thinksByDefault: true, boundsEffortWithoutThinking: true }],
];

const ALWAYS_THINKING: Partial<ModelRules> = { thinkingTypes: ['adaptive'], refusesForcedTools: true };
/** The first version of each family whose thoughts are bound. */
const BINDING: Partial<ModelRules> = { bindsThinking: true };

/** Where a family differs; its newest step holds for all that come after it. */
const FAMILY_STEPS: Readonly<Record<string, readonly Step[]>> = Object.freeze({
  opus: [[4, { maxOutputTokens: 32_000 }], [4.5, { maxOutputTokens: 64_000, efforts: ['low', 'medium', 'high'] }], [5.5, { ...ALWAYS_THINKING, ...BINDING }]],
  sonnet: [[5, { takesSystemTurns: false, boundsEffortWithoutThinking: false }], [5.5, { takesSystemTurns: true, boundsEffortWithoutThinking: true, thinkingTypes: ['adaptive', 'between_tools'], refusesForcedTools: true, ...BINDING }]],
  haiku: [[5.5, BINDING]],
  fable: [[5, ALWAYS_THINKING], [5.1, BINDING]],
  mythos: [[5, ALWAYS_THINKING], [5.1, BINDING]],
});

/** The rules of a model by its name (the pages "what's new" of each at https://platform.claude.com/docs/en/about-claude/models); a simulated or unknown one refuses nothing. */
export function modelRules(model: string): ModelRules {
  const match = /^claude-(?:([a-z]+)-)?(\d+)(?:-(\d{1,2})(?!\d))?(?:-([a-z]+))?/.exec(model);
  if (match === null) return ANY_MODEL;
  const [, before, major, minor = '0', behind = ''] = match;
  const family = FAMILY_STEPS[before ?? behind];
  // A family that is not known is newer than the numbers of its models.
  const version = family === undefined ? Number.POSITIVE_INFINITY : Number(`${major}.${minor}`);
  const steps = [...STEPS, ...family ?? [[5, { ...ALWAYS_THINKING, ...BINDING }] as const]].toSorted(([one], [other]) => one - other);
  return steps.reduce((rules, [from, change]) => (version >= from ? { ...rules, ...change } : rules), ANY_MODEL);
}
