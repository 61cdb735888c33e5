import { invalidType, invalidValue, member, optionalBoolean, requireArray, requireObject, requireString, unsupported, type JsonObject } from './json-value.ts';
import { requireToolName } from './tool-name.ts';
import type { TranslationScope } from './translation-scope.ts';

/** A tool as the upstream takes it. */
export interface MessagesTool {
  readonly name: string;
  readonly description?: string;
  readonly input_schema: JsonObject;
  readonly strict?: true;
  readonly cache_control?: JsonObject;
}

/** The tools of a request, and whether they came as legacy `functions`. */
export interface TranslatedTools {
  readonly tools: readonly MessagesTool[];
  readonly isLegacy: boolean;
}

const TOOL_MEMBERS: ReadonlySet<string> = new Set(['type', 'function', 'cache_control', 'prompt_cache_breakpoint']);
const DEFINITION_MEMBERS: ReadonlySet<string> = new Set(['name', 'description', 'parameters', 'strict']);

/** The whole schema as it came; only what the upstream cannot do without is added. */
function inputSchema(value: unknown, param: string): JsonObject {
  if (value === undefined) return { type: 'object', properties: {} };
  const schema = requireObject(value, param);
  const type = member(schema, 'type');
  if (type === undefined) {
    const { type: _null, ...rest } = schema;
    return Object.keys(rest).length === 0 ? { type: 'object', properties: {} } : { type: 'object', ...rest };
  }
  if (type !== 'object') throw invalidValue(`${param}.type`, 'the parameters of a function are an object');
  return schema;
}

function functionTool(value: unknown, param: string, cached: { readonly cache_control?: JsonObject }, scope: TranslationScope): MessagesTool {
  const definition = requireObject(value, param);
  const name = requireToolName(definition['name'], `${param}.name`);
  const description = member(definition, 'description');
  if (description !== undefined) requireString(description, `${param}.description`);
  scope.ignoreOthers(definition, DEFINITION_MEMBERS, param.replace(/\[\d+\]/, ''));
  const isStrict = optionalBoolean(definition, 'strict', `${param}.strict`) === true;
  if (isStrict && !scope.settings.capabilities.structuredOutputs) scope.ignore('tools.function.strict');
  return {
    name,
    ...(typeof description === 'string' && description !== '' ? { description } : {}),
    input_schema: inputSchema(member(definition, 'parameters'), `${param}.parameters`),
    ...(isStrict && scope.settings.capabilities.structuredOutputs ? { strict: true } : {}),
    ...cached,
  };
}

function requireUniqueNames(tools: readonly MessagesTool[], paramOf: (index: number) => string): void {
  const names = new Set<string>();
  for (const [index, tool] of tools.entries()) {
    if (names.has(tool.name)) throw invalidValue(paramOf(index), 'the name is used by another tool');
    names.add(tool.name);
  }
}

/** Translates `tools`, or legacy `functions`; both at once are refused. */
export function translateTools(request: JsonObject, scope: TranslationScope): TranslatedTools {
  const tools = member(request, 'tools');
  const functions = member(request, 'functions');
  if (functions !== undefined) {
    if (tools !== undefined) throw invalidValue('functions', 'give either tools or functions');
    const translated = requireArray(functions, 'functions').map((definition, index) => functionTool(definition, `functions[${index}]`, {}, scope));
    requireUniqueNames(translated, (index) => `functions[${index}].name`);
    return { tools: translated, isLegacy: translated.length > 0 };
  }
  if (tools === undefined) return { tools: [], isLegacy: false };
  if (!Array.isArray(tools)) throw invalidType('tools', 'an array', tools);
  const translated = tools.map((value: unknown, index) => {
    const param = `tools[${index}]`;
    const tool = requireObject(value, param);
    scope.ignoreOthers(tool, TOOL_MEMBERS, 'tools');
    if (tool['type'] !== 'function') throw unsupported(`${param}.type`, 'only function tools are available');
    return functionTool(tool['function'], `${param}.function`, scope.cacheControl(tool, param), scope);
  });
  requireUniqueNames(translated, (index) => `tools[${index}].function.name`);
  return { tools: translated, isLegacy: false };
}
