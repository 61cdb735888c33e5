import { echo, long, maxTokens, plainText, redactedThinking, atPace, stopAtSequence, thinking } from './text-scenarios.ts';
import { cutToolUse, noArgumentTool, parallelTools, toolUse } from './tool-scenarios.ts';
import {
  codeExecution, mcpTool, pauseTurn, programmaticToolCall, searchedCitations, textEditor, toolSearch, webFetch, webSearch,
} from './server-tool-scenarios.ts';
import {
  allBlocks, compaction, contextWindow, documentCitations, emptyAnswer, errorEventAfter, fallback, refusal, unknownBlock, unknownEvent, unknownStop, advisor,
} from './unusual-scenarios.ts';
import { REAL_PACING } from '../simulator-options.ts';
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
  'sim-refusal': refusal,
  'sim-fallback': fallback,
  'sim-pause-turn': pauseTurn,
  'sim-context-window': contextWindow,
  'sim-compaction': compaction,
  'sim-empty': emptyAnswer,
  'sim-web-search': webSearch,
  'sim-web-fetch': webFetch,
  'sim-citations': documentCitations,
  'sim-search-citations': searchedCitations,
  'sim-code-execution': codeExecution,
  'sim-text-editor': textEditor,
  'sim-programmatic-tools': programmaticToolCall,
  'sim-tool-search': toolSearch,
  'sim-mcp': mcpTool,
  'sim-advisor': advisor,
  'sim-all-blocks': allBlocks,
  'sim-unknown-stop': unknownStop,
  'sim-unknown-event': unknownEvent,
  'sim-unknown-block': unknownBlock,
  'sim-stream-error': errorEventAfter(6),
  'sim-error-first': errorEventAfter(0),
  'sim-slow': atPace({ firstTokenMs: 1_000, tokensPerSecond: 20, pingIntervalMs: 250 }),
  'sim-paced': atPace(REAL_PACING),
});

/** The scenario that a model's name stands for; any other model behaves as `sim-text`. */
export function scenarioOf(model: string): Scenario {
  return (Object.hasOwn(SCENARIOS, model) ? SCENARIOS[model] : undefined) ?? plainText;
}

/** The model names that stand for a scenario which answers. */
export const SCENARIO_NAMES: readonly string[] = Object.freeze(Object.keys(SCENARIOS));
