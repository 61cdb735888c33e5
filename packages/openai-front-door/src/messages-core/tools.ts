import { enforceableSchema } from './fit-schema.ts';
import { invalidValue, isJsonObject, member, optionalBoolean, requireArray, requireObject, requireString, unsupported, type JsonObject } from '../json/json-value.ts';
import { mergeTopVariants } from './merge-variants.ts';
import { requireToolName } from './tool-name.ts';
import type { TranslationScope } from './translation-scope.ts';

/** Any tool of the upstream's: it is chosen by its name. */
export interface NamedTool {
  readonly name: string;
}

/** A function as the upstream takes it. */
export interface MessagesTool extends NamedTool {
  readonly name: string;
  readonly description?: string;
  readonly input_schema: JsonObject;
  readonly strict?: true;
  readonly cache_control?: JsonObject;
}

/** The tools of a request, and whether they came as legacy `functions`. */
export interface TranslatedTools {
  readonly tools: readonly NamedTool[];
  readonly isLegacy: boolean;
}

const TOOL_MEMBERS: ReadonlySet<string> = new Set(['type', 'function', 'cache_control', 'prompt_cache_breakpoint']);
const DEFINITION_MEMBERS: ReadonlySet<string> = new Set(['name', 'description', 'parameters', 'strict']);
/** A tool whose definition stands beside its type: of the Responses API, or of Anthropic's. */
const FLAT_MEMBERS: ReadonlySet<string> = new Set(['type', 'name', 'description', 'parameters', 'input_schema', 'strict', 'cache_control', 'prompt_cache_breakpoint']);

/** Where a tool's definition stands, and what its schema is called there. */
interface DefinitionPlace {
  readonly param: string;
  readonly schemaName: 'parameters' | 'input_schema';
  readonly known: ReadonlySet<string>;
}

/** The schema as an object at its top, which the upstream cannot do without; what was merged is reported. */
function objectSchema(given: JsonObject, param: string, name: string, scope: TranslationScope): JsonObject {
  const merged = mergeTopVariants(given);
  if (merged === undefined) throw invalidValue(param, `anyOf, oneOf and allOf at the top of the parameters cannot be merged into one object, which the tool ${name} needs`);
  if (merged.isMerged) scope.ignore(`${scope.names.definition}.parameters`);
  const { schema } = merged;
  const type = member(schema, 'type');
  if (type === undefined) {
    const { type: _null, ...rest } = schema;
    return Object.keys(rest).length === 0 ? { type: 'object', properties: {} } : { type: 'object', ...rest };
  }
  if (type !== 'object') throw invalidValue(`${param}.type`, 'the parameters of a function are an object');
  return schema;
}

/** The whole schema as it came; only what the upstream cannot do without is changed, and reported. */
function inputSchema(value: unknown, param: string, tool: { readonly name: string; readonly isStrict: boolean }, scope: TranslationScope): JsonObject {
  const schema = value === undefined ? { type: 'object', properties: {} } : objectSchema(requireObject(value, param), param, tool.name, scope);
  return tool.isStrict ? enforceableSchema(schema, { param, report: `${scope.names.definition}.parameters` }, scope) : schema;
}

function defineTool(definition: JsonObject, { param, schemaName, known }: DefinitionPlace, cached: { readonly cache_control?: JsonObject }, scope: TranslationScope): MessagesTool {
  const name = requireToolName(definition['name'], `${param}.name`);
  const description = member(definition, 'description');
  if (description !== undefined) requireString(description, `${param}.description`);
  scope.ignoreOthers(definition, known, param.replaceAll(/\[\d+\]/g, ''));
  const wantsStrict = optionalBoolean(definition, 'strict', `${param}.strict`) === true;
  const isStrict = wantsStrict && scope.settings.capabilities.structuredOutputs;
  if (wantsStrict && !isStrict) scope.ignore(`${scope.names.definition}.strict`);
  return {
    name,
    ...(typeof description === 'string' && description !== '' ? { description } : {}),
    input_schema: inputSchema(member(definition, schemaName), `${param}.${schemaName}`, { name, isStrict }, scope),
    ...(isStrict ? { strict: true } : {}),
    ...cached,
  };
}

/**
 * A tool in any of the shapes in which clients write it: OpenAI's, with or without its `type`, the flat one of the Responses API, or Anthropic's.
 * A custom tool of OpenAI's (free text, in a grammar) and server tools have no counterpart.
 */
export function translateTool(value: unknown, param: string, scope: TranslationScope): MessagesTool {
  const tool = requireObject(value, param);
  const type = member(tool, 'type');
  const nested = member(tool, 'function');
  const isAnthropic = member(tool, 'input_schema') !== undefined;
  if (type !== undefined && type !== 'function' && !(type === 'custom' && isAnthropic)) throw unsupported(`${param}.type`, 'only function tools are available');
  const cached = scope.cacheControl(tool, param);
  if (nested === undefined && (member(tool, 'name') !== undefined || isAnthropic)) {
    return defineTool(tool, { param, schemaName: isAnthropic ? 'input_schema' : 'parameters', known: FLAT_MEMBERS }, cached, scope);
  }
  scope.ignoreOthers(tool, TOOL_MEMBERS, 'tools');
  const place = `${param}.function`;
  return defineTool(requireObject(nested, place), { param: place, schemaName: 'parameters', known: DEFINITION_MEMBERS }, cached, scope);
}

export function requireUniqueNames(tools: readonly MessagesTool[], paramOf: (index: number) => string): void {
  const names = new Set<string>();
  for (const [index, tool] of tools.entries()) {
    if (names.has(tool.name)) throw invalidValue(paramOf(index), 'the name is used by another tool');
    names.add(tool.name);
  }
}

/** The functions of the legacy protocol, where they are what the request declares: an empty list beside tools declares nothing. */
function legacyFunctions(request: JsonObject): readonly unknown[] | undefined {
  const functions = member(request, 'functions');
  if (functions === undefined) return undefined;
  const given = requireArray(functions, 'functions');
  const tools = member(request, 'tools');
  const declaresTools = tools !== undefined && !(Array.isArray(tools) && tools.length === 0);
  if (given.length > 0 && declaresTools) throw invalidValue('functions', 'give either tools or functions');
  return given.length > 0 ? given : undefined;
}

/** Where the name of a declared tool stands in it. */
function nameMember(tools: unknown, index: number): string {
  const tool: unknown = Array.isArray(tools) ? tools[index] : undefined;
  return isJsonObject(tool) && member(tool, 'function') !== undefined ? '.function.name' : '.name';
}

/** Translates `tools`, or legacy `functions`; both at once are refused. */
export function translateTools(request: JsonObject, scope: TranslationScope): TranslatedTools {
  const functions = legacyFunctions(request);
  if (functions !== undefined) {
    const translated = functions.map((value, index) => {
      const param = `functions[${index}]`;
      return defineTool(requireObject(value, param), { param, schemaName: 'parameters', known: DEFINITION_MEMBERS }, {}, scope);
    });
    requireUniqueNames(translated, (index) => `functions[${index}].name`);
    return { tools: translated, isLegacy: true };
  }
  const tools = member(request, 'tools');
  if (tools === undefined) return { tools: [], isLegacy: false };
  const translated = requireArray(tools, 'tools').map((value, index) => translateTool(value, `tools[${index}]`, scope));
  requireUniqueNames(translated, (index) => `tools[${index}]${nameMember(tools, index)}`);
  return { tools: translated, isLegacy: false };
}
