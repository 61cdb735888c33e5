import { echo, long, maxTokens, plainText, redactedThinking, atPace, stopAtSequence, thinking } from './text-scenarios.ts';
import { cutToolUse, noArgumentTool, parallelTools, toolUse } from './tool-scenarios.ts';
import type { Scenario } from './scenario.ts';

/** The scenarios by model name. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = Object.freeze({
  'sim-text': plainText,
  'sim-thinking': thinking,
  'sim-redacted-thinking': redactedThinking,
  'sim-tool-use': toolUse,
  'sim-parallel-tools': parallelTools,
  'sim-no-argument-tool': noArgumentTool,
  'sim-cut-tool-use': cutToolUse,
  'sim-max-tokens': maxTokens,
  'sim-stop-sequence': stopAtSequence,
  'sim-echo': echo,
  'sim-structured': plainText,
  'sim-long': long,
  'sim-slow': atPace({ firstTokenMs: 1_000, tokensPerSecond: 20, pingIntervalMs: 250 }),
  'sim-paced': atPace({ firstTokenMs: 700, tokensPerSecond: 60, pingIntervalMs: 15_000 }),
});

/** The scenario that a model's name stands for; any other model behaves as `sim-text`. */
export function scenarioOf(model: string): Scenario {
  return (Object.hasOwn(SCENARIOS, model) ? SCENARIOS[model] : undefined) ?? plainText;
}
