import { invalidValue, member, requireArray, requireObject, requireString, unsupported, type JsonObject } from '../json/json-value.ts';
import { requireToolName } from '../messages-core/tool-name.ts';
import { translateTool, type MessagesTool, type NamedTool } from '../messages-core/tools.ts';
import type { TranslationScope } from '../messages-core/translation-scope.ts';
import { readContextSize, WEB_SEARCH, webSearchTool } from '../messages-core/web-search.ts';
import { CUSTOM_INPUT, flatName, type ToolName, type ToolNames } from './tool-names.ts';

/** The tools of a request in order of appearance, and what their client calls them. */
export interface DeclaredTools {
  readonly tools: readonly NamedTool[];
  readonly names: ToolNames;
  /** Whether the upstream may search the web. */
  readonly searches: boolean;
}

/** Hosted tools without which the answer would be another one; the others are dropped and reported, because clients declare them unasked. */
const REFUSED: Readonly<Record<string, string>> = {
  file_search: 'vector stores are not available here; give the text of the files in the input',
  code_interpreter: 'no code is run here; declare a function that runs it',
  mcp: 'remote MCP servers are not called from here; let the client connect to them and declare their tools as functions',
  computer: 'computer use is not available here; declare functions',
  computer_use: 'computer use is not available here; declare functions',
  computer_use_preview: 'computer use is not available here; declare functions',
};

const CUSTOM_MEMBERS: ReadonlySet<string> = new Set(['type', 'name', 'description', 'format', 'cache_control', 'prompt_cache_breakpoint']);
const NAMESPACE_MEMBERS: ReadonlySet<string> = new Set(['type', 'name', 'description', 'tools']);

interface Declared {
  readonly tool: NamedTool;
  /** Where its name stands. */
  readonly param: string;
  readonly named: ToolName | undefined;
}

/** The rules that the text of a custom tool follows, as a sentence: the upstream cannot enforce a grammar. */
function describeFormat(tool: JsonObject, param: string): string {
  const value = member(tool, 'format');
  if (value === undefined) return '';
  const format = requireObject(value, param);
  const type = requireString(format['type'], `${param}.type`);
  if (type === 'text') return '';
  if (type !== 'grammar') throw invalidValue(`${param}.type`, 'expected text or grammar');
  const syntax = requireString(format['syntax'], `${param}.syntax`);
  return `The text of "${CUSTOM_INPUT}" must follow this ${syntax} grammar:\n${requireString(format['definition'], `${param}.definition`)}`;
}

/** A custom tool as a function with one text: the description carries its grammar. */
function customTool(tool: JsonObject, param: string, name: string, scope: TranslationScope): MessagesTool {
  const given = member(tool, 'description');
  const described = given === undefined ? '' : requireString(given, `${param}.description`);
  scope.ignoreOthers(tool, CUSTOM_MEMBERS, 'tools');
  const description = [described, describeFormat(tool, `${param}.format`)].filter((text) => text !== '').join('\n\n');
  return {
    name: requireToolName(name, `${param}.name`),
    ...(description === '' ? {} : { description }),
    input_schema: { type: 'object', properties: { [CUSTOM_INPUT]: { type: 'string' } }, required: [CUSTOM_INPUT], additionalProperties: false },
    ...scope.cacheControl(tool, param),
  };
}

function declareNamed(tool: JsonObject, param: string, namespace: string | undefined, scope: TranslationScope): Declared {
  const name = requireString(tool['name'], `${param}.name`);
  const upstreamName = flatName(name, namespace);
  const isCustom = tool['type'] === 'custom';
  const within = namespace === undefined ? {} : { namespace };
  return {
    tool: isCustom ? customTool(tool, param, upstreamName, scope) : translateTool({ ...tool, name: upstreamName }, param, scope),
    param: `${param}.name`,
    named: isCustom || namespace !== undefined ? { name, ...within, isCustom } : undefined,
  };
}

const SEARCH_MEMBERS: ReadonlySet<string> = new Set(['type', 'filters', 'user_location', 'search_context_size', 'external_web_access']);
const FILTER_MEMBERS: ReadonlySet<string> = new Set(['allowed_domains', 'blocked_domains']);
/** The search by all its names. */
export const SEARCH_TYPE: RegExp = /^web_search(?:_preview)?(?:_\d{4}_\d{2}_\d{2})?$/;

/** The upstream's own search. Without external access it would search an index of OpenAI's: nothing here has that, and Codex declares it unasked. */
function declareSearch(tool: JsonObject, param: string, scope: TranslationScope): readonly Declared[] {
  if (member(tool, 'external_web_access') === false) {
    scope.ignore('tools.web_search');
    return [];
  }
  scope.ignoreOthers(tool, SEARCH_MEMBERS, 'tools');
  readContextSize(member(tool, 'search_context_size'), 'tools.search_context_size', scope);
  const given = member(tool, 'filters');
  const filters = given === undefined ? {} : requireObject(given, `${param}.filters`);
  scope.ignoreOthers(filters, FILTER_MEMBERS, 'tools.filters');
  const search = webSearchTool({
    location: member(tool, 'user_location'), locationParam: `${param}.user_location`,
    allowed: member(filters, 'allowed_domains'), blocked: member(filters, 'blocked_domains'), domainsParam: `${param}.filters`,
  });
  return [{ tool: search, param: `${param}.type`, named: undefined }];
}

function declare(value: unknown, param: string, namespace: string | undefined, scope: TranslationScope): readonly Declared[] {
  const tool = requireObject(value, param);
  const type = requireString(tool['type'], `${param}.type`);
  if (type === 'function' || type === 'custom') return [declareNamed(tool, param, namespace, scope)];
  if (type === 'namespace') {
    if (namespace !== undefined) throw invalidValue(`${param}.type`, 'a namespace holds no other namespace');
    scope.ignoreOthers(tool, NAMESPACE_MEMBERS, 'tools');
    const name = requireString(tool['name'], `${param}.name`);
    return requireArray(tool['tools'], `${param}.tools`).flatMap((inner, index) => declare(inner, `${param}.tools[${index}]`, name, scope));
  }
  if (SEARCH_TYPE.test(type)) return declareSearch(tool, param, scope);
  const reason = Object.hasOwn(REFUSED, type) ? REFUSED[type] : undefined;
  if (reason !== undefined) throw unsupported(`${param}.type`, reason);
  scope.ignore(`tools.${type}`);
  return [];
}

/** The tools of an `additional_tools` item stand in the input; the upstream has one list, at the top. */
function additionalTools(input: unknown): readonly (readonly [value: unknown, param: string])[] {
  if (!Array.isArray(input)) return [];
  return input.flatMap((item: unknown, index) => {
    if (typeof item !== 'object' || item === null || (item as JsonObject)['type'] !== 'additional_tools') return [];
    const param = `input[${index}].tools`;
    return requireArray((item as JsonObject)['tools'], param).map((tool, position) => [tool, `${param}[${position}]`] as const);
  });
}

/** Translates `tools`, and those in the input. The order is that of appearance, so that a longer conversation declares what the shorter one did. */
export function declareTools(request: JsonObject, scope: TranslationScope): DeclaredTools {
  const byName = new Map<string, Declared>();
  const given = member(request, 'tools');
  const listed = given === undefined ? [] : requireArray(given, 'tools').flatMap((value, index) => declare(value, `tools[${index}]`, undefined, scope));
  for (const declared of listed) {
    if (byName.has(declared.tool.name)) throw invalidValue(declared.param, 'the name is used by another tool');
    byName.set(declared.tool.name, declared);
  }
  // A later item may declare a tool again: the last one counts, in the place of the first.
  for (const [value, param] of additionalTools(member(request, 'input'))) {
    for (const declared of declare(value, param, undefined, scope)) byName.set(declared.tool.name, declared);
  }
  const all = [...byName.values()];
  return {
    tools: all.map(({ tool }) => tool),
    searches: all.some(({ tool }) => 'type' in tool && tool.name === WEB_SEARCH),
    names: Object.fromEntries(all.flatMap(({ tool, named }) => (named === undefined ? [] : [[tool.name, named]]))),
  };
}
