import { FrontDoorOptionsError } from '../options-error.ts';
import { BUILT_IN_MODEL_CAPABILITIES } from './built-in-capabilities.ts';
import { EFFORT_LEVELS, type ModelCapabilities, type ModelCapabilityRegistry, type ModelCapabilityRule } from './model-capabilities.ts';

const BOOLEAN_FLAGS: ReadonlySet<string> = new Set([
  'rejectsSampling', 'exclusiveSampling', 'adaptiveOnly', 'structuredOutputs', 'inlineSystem', 'rejectsPrefill',
]);
const KNOWN_FLAGS = [...BOOLEAN_FLAGS, 'effortLevels', 'defaultMaxTokens'].join(', ');

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkFlag(path: string, flag: string, value: unknown): string | undefined {
  const received = `received ${JSON.stringify(value)}`;
  if (BOOLEAN_FLAGS.has(flag)) return typeof value === 'boolean' ? undefined : `${path} must be true or false, ${received}`;
  if (flag === 'effortLevels') {
    const isValid = Array.isArray(value) && value.every((level) => (EFFORT_LEVELS as readonly unknown[]).includes(level));
    return isValid ? undefined : `${path} must be a list of ${EFFORT_LEVELS.join(', ')}, ${received}`;
  }
  if (flag === 'defaultMaxTokens') {
    return Number.isSafeInteger(value) && (value as number) > 0 ? undefined : `${path} must be a positive integer, ${received}`;
  }
  return `${path} is not a capability; the capabilities are ${KNOWN_FLAGS}`;
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
