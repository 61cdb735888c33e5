import { FrontDoorOptionsError } from '../options-error.ts';
import { BUILT_IN_MODEL_CAPABILITIES } from './built-in-capabilities.ts';
import { EFFORT_LEVELS, THINKING_TYPES, type ModelCapabilities, type ModelCapabilityRegistry, type ModelCapabilityRule } from './model-capabilities.ts';

/** What is expected of a flag's value, where the value given is not that. */
type FlagCheck = (value: unknown) => string | undefined;

const isFlag: FlagCheck = (value) => (typeof value === 'boolean' ? undefined : 'true or false');
const isPositiveInteger: FlagCheck = (value) => (Number.isSafeInteger(value) && (value as number) > 0 ? undefined : 'a positive integer');
const isListOf = (allowed: readonly string[]): FlagCheck => (value) => (Array.isArray(value) && value.every((item) => allowed.includes(item as string)) ? undefined : `a list of ${allowed.join(', ')}`);

/** Every capability with the check of its value; one without a line does not compile. */
const FLAG_CHECKS: Readonly<Record<keyof ModelCapabilities, FlagCheck>> = Object.freeze({
  rejectsSampling: isFlag,
  exclusiveSampling: isFlag,
  effortLevels: isListOf(EFFORT_LEVELS),
  thinkingTypes: isListOf(THINKING_TYPES),
  thinksByDefault: isFlag,
  bindsThinking: isFlag,
  boundsEffortWithoutThinking: isFlag,
  rejectsForcedTools: isFlag,
  structuredOutputs: isFlag,
  inlineSystem: isFlag,
  rejectsPrefill: isFlag,
  defaultMaxTokens: isPositiveInteger,
  maxOutputTokens: isPositiveInteger,
});

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkFlag(path: string, flag: string, value: unknown): string | undefined {
  if (!Object.hasOwn(FLAG_CHECKS, flag)) return `${path} is not a capability; the capabilities are ${Object.keys(FLAG_CHECKS).join(', ')}`;
  const expected = FLAG_CHECKS[flag as keyof ModelCapabilities](value);
  return expected === undefined ? undefined : `${path} must be ${expected}, received ${JSON.stringify(value)}`;
}

/** Lists every problem of capability flags by path; empty when there is none. */
export function capabilityProblems(path: string, flags: unknown): readonly string[] {
  if (!isPlainObject(flags)) return [`${path} must be an object of capabilities, received ${JSON.stringify(flags)}`];
  return Object.entries(flags).flatMap(([flag, value]) => checkFlag(`${path}.${flag}`, flag, value) ?? []);
}

/** `rejects_sampling` as `rejectsSampling`: configuration files are written in snake_case. */
function camelCaseKeys(flags: unknown): unknown {
  if (!isPlainObject(flags)) return flags;
  return Object.fromEntries(Object.entries(flags).map(([flag, value]) => [flag.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()), value]));
}

/**
 * Lays plain data over a registry: `{"claude-next-*": {"rejectsSampling": false}}`, an object from model pattern to
 * capabilities (camelCase or snake_case). Its rules win over the base's, the later over the earlier, flag by flag.
 * Throws a `FrontDoorOptionsError` that lists every problem.
 */
export function mergeModelCapabilities(extension: unknown, base: ModelCapabilityRegistry = BUILT_IN_MODEL_CAPABILITIES): ModelCapabilityRegistry {
  if (!isPlainObject(extension)) {
    throw new FrontDoorOptionsError([`model capabilities must be an object from model pattern to capabilities, received ${JSON.stringify(extension)}`]);
  }
  const problems: string[] = [];
  const rules: ModelCapabilityRule[] = [];
  for (const [match, value] of Object.entries(extension)) {
    const capabilities = camelCaseKeys(value);
    if (match === '') problems.push('a model pattern must not be empty');
    problems.push(...capabilityProblems(`model capabilities["${match}"]`, capabilities));
    rules.push({ match, capabilities: capabilities as Partial<ModelCapabilities> });
  }
  if (problems.length > 0) throw new FrontDoorOptionsError(problems);
  return [...base, ...rules];
}
