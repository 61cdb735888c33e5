import { isJsonObject, objectsOf, type JsonObject } from '../json.ts';
import { checkEnforcedSchema, checkTopCombinators } from './check-schema.ts';
import { checkBoolean, checkObject, checkString, checkTag, eachOf, firstOf, noExtras, type Check } from './schema-checks.ts';

const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/;
const CUSTOM_MEMBERS: ReadonlySet<string> = new Set([
  'type', 'name', 'description', 'input_schema', 'cache_control', 'strict', 'defer_loading', 'allowed_callers', 'input_examples', 'eager_input_streaming',
]);
/** Tools of the API itself: a name and a date, or a toolset. */
const SERVER_TOOL_TYPE = /^(?:[a-z_]+_\d{8}|mcp_toolset|tool_search_tool_(?:regex|bm25))$/;
const CHOICE_MEMBERS: ReadonlySet<string> = new Set(['type', 'name', 'disable_parallel_tool_use']);

/** Checks `tools`. */
export function checkTools(tools: unknown): Check {
  if (tools === undefined || tools === null) return undefined;
  if (!Array.isArray(tools)) return 'tools: Input should be a valid list';
  return firstOf(
    () => eachOf(tools, (tool: unknown, index) => isJsonObject(tool) ? checkTool(`tools.${index}`, tool) : `tools.${index}: Input should be a valid dictionary or object to extract fields from`),
    () => hasDuplicates(objectsOf(tools)) ? 'tools: Tool names must be unique.' : undefined,
  );
}

/** Checks `tool_choice` against the tools that the request offers. */
export function checkToolChoice(request: JsonObject): Check {
  const choice = request['tool_choice'];
  if (choice === undefined || choice === null) return undefined;
  if (!isJsonObject(choice)) return 'tool_choice: Input should be a valid dictionary or object to extract fields from';
  const tools = objectsOf(request['tools']);
  return firstOf(
    () => checkTag('tool_choice', choice, ['auto', 'any', 'tool', 'none']),
    () => noExtras(`tool_choice.${String(choice['type'])}`, choice, CHOICE_MEMBERS),
    () => choice['disable_parallel_tool_use'] === undefined ? undefined : checkBoolean('tool_choice.disable_parallel_tool_use', choice['disable_parallel_tool_use']),
    () => tools.length === 0 && choice['type'] !== 'none' ? 'tool_choice may only be specified while providing tools.' : undefined,
    () => choice['type'] === 'tool' ? checkString('tool_choice.tool.name', choice['name']) : undefined,
    () => choice['type'] === 'tool' && !tools.some((tool) => tool['name'] === choice['name']) ? `Tool '${String(choice['name'])}' not found in provided tools` : undefined,
  );
}

function checkTool(path: string, tool: JsonObject): Check {
  const { type } = tool as { readonly type?: unknown };
  if (type !== undefined && type !== null && type !== 'custom') {
    return typeof type === 'string' && SERVER_TOOL_TYPE.test(type) ? undefined : checkTag(path, tool, ['bash_20250124', 'code_execution_20260521', 'custom', 'memory_20250818', 'text_editor_20250728', 'web_fetch_20260318', 'web_search_20260318']);
  }
  const { input_schema: schema } = tool as { readonly input_schema?: unknown };
  return firstOf(
    () => checkString(`${path}.custom.name`, tool['name'], { pattern: TOOL_NAME }),
    () => checkObject(`${path}.custom.input_schema`, schema),
    () => isJsonObject(schema) && schema['type'] === undefined ? `${path}.custom.input_schema.type: Field required` : undefined,
    () => isJsonObject(schema) ? checkTopCombinators(`${path}.custom.input_schema`, schema) : undefined,
    () => isJsonObject(schema) && tool['strict'] === true ? checkEnforcedSchema(`${path}.custom.input_schema`, schema) : undefined,
    () => isJsonObject(schema) && schema['type'] !== 'object' ? `${path}.custom.input_schema.type: Input should be 'object'` : undefined,
    () => tool['description'] === undefined ? undefined : checkString(`${path}.custom.description`, tool['description'], { mayBeEmpty: true }),
    () => noExtras(`${path}.custom`, tool, CUSTOM_MEMBERS),
  );
}

function hasDuplicates(tools: readonly JsonObject[]): boolean {
  const names = tools.map((tool) => tool['name']).filter((name) => name !== undefined);
  return new Set(names).size !== names.length;
}
