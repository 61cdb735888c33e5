import { invalidValue, isJsonObject, member, optionalBoolean, requireArray, requireObject, requireString, unsupported, type JsonObject } from '../json/json-value.ts';
import type { NamedTool, TranslatedTools } from './tools.ts';
import type { TranslationScope } from './translation-scope.ts';

/** The upstream's `tool_choice`. */
export interface MessagesToolChoice {
  readonly type: 'auto' | 'any' | 'none' | 'tool';
  readonly name?: string;
  readonly disable_parallel_tool_use?: true;
}

/** The choice, and the tools that are left of those declared. */
export interface TranslatedToolChoice {
  readonly tools: readonly NamedTool[];
  readonly choice: MessagesToolChoice | undefined;
}

/** The names of the declared tools. */
type Names = ReadonlySet<string>;

function requireDeclared(name: unknown, names: Names, param: string): string {
  const wanted = requireString(name, param);
  if (!names.has(wanted)) throw invalidValue(param, 'no tool of that name is declared');
  return wanted;
}

/** The name that a choice or an allowed tool gives: inside `function`, or beside the type as in the Responses API and in Anthropic's. */
function requireNamed(value: JsonObject, names: Names, param: string): string {
  const nested = member(value, 'function');
  if (nested === undefined && member(value, 'name') !== undefined) return requireDeclared(value['name'], names, `${param}.name`);
  return requireDeclared(requireObject(nested, `${param}.function`)['name'], names, `${param}.function.name`);
}

/** Only the allowed tools are sent: sending all and choosing `any` would let the model call the others. */
function allowedTools(choice: JsonObject, tools: readonly NamedTool[], names: Names): TranslatedToolChoice {
  // The Responses API has mode and tools beside the type.
  const isFlat = member(choice, 'allowed_tools') === undefined && member(choice, 'tools') !== undefined;
  const param = isFlat ? 'tool_choice' : 'tool_choice.allowed_tools';
  const allowed = isFlat ? choice : requireObject(choice['allowed_tools'], param);
  const mode = allowed['mode'];
  if (mode !== 'auto' && mode !== 'required') throw invalidValue(`${param}.mode`, 'expected auto or required');
  const chosen = new Set(requireArray(allowed['tools'], `${param}.tools`).map((value, index) => {
    const tool = requireObject(value, `${param}.tools[${index}]`);
    if (tool['type'] !== 'function') throw unsupported(`${param}.tools[${index}].type`, 'only function tools are available');
    return requireNamed(tool, names, `${param}.tools[${index}]`);
  }));
  if (chosen.size === 0) throw invalidValue(`${param}.tools`, 'at least one tool is needed');
  return { tools: tools.filter((tool) => chosen.has(tool.name)), choice: { type: mode === 'auto' ? 'auto' : 'any' } };
}

/** A choice as Anthropic writes it; some clients send it to every endpoint. */
function anthropicChoice(choice: JsonObject, type: MessagesToolChoice['type'], names: Names): MessagesToolChoice {
  const named = type === 'tool' ? { type, name: requireDeclared(choice['name'], names, 'tool_choice.name') } : { type };
  const isSingle = optionalBoolean(choice, 'disable_parallel_tool_use', 'tool_choice.disable_parallel_tool_use') === true;
  return isSingle && type !== 'none' ? { ...named, disable_parallel_tool_use: true } : named;
}

function chooseByObject(choice: JsonObject, tools: readonly NamedTool[], names: Names): TranslatedToolChoice {
  const type = choice['type'];
  switch (type) {
    case 'allowed_tools': return allowedTools(choice, tools, names);
    case 'function': return { tools, choice: { type: 'tool', name: requireNamed(choice, names, 'tool_choice') } };
    case 'auto':
    case 'any':
    case 'none':
    case 'tool': return { tools, choice: anthropicChoice(choice, type, names) };
    case 'custom': throw unsupported('tool_choice.type', 'only function tools are available');
    default: throw invalidValue('tool_choice.type', 'expected function or allowed_tools');
  }
}

function choose(value: unknown, tools: readonly NamedTool[], names: Names): TranslatedToolChoice {
  if (value === undefined) return { tools, choice: undefined };
  if (isJsonObject(value)) return chooseByObject(value, tools, names);
  switch (requireString(value, 'tool_choice')) {
    case 'auto': return { tools, choice: { type: 'auto' } };
    case 'any':
    case 'required': return { tools, choice: { type: 'any' } };
    // The tools stay: the conversation may hold calls of them.
    case 'none': return { tools, choice: { type: 'none' } };
    default: throw invalidValue('tool_choice', 'expected none, auto, required or a named tool');
  }
}

function legacyChoice(value: unknown, names: Names): MessagesToolChoice {
  if (isJsonObject(value)) return { type: 'tool', name: requireDeclared(value['name'], names, 'function_call.name'), disable_parallel_tool_use: true };
  if (value === 'none') return { type: 'none' };
  if (value !== undefined && value !== 'auto') throw invalidValue('function_call', 'expected none, auto or a named function');
  // A legacy answer has room for one call only.
  return { type: 'auto', disable_parallel_tool_use: true };
}

/** Without tools a demand for one is refused, and a choice that demands nothing is dropped and reported. */
function choiceWithoutTools(request: JsonObject, scope: TranslationScope): TranslatedToolChoice {
  for (const name of ['tool_choice', 'function_call']) {
    const choice = member(request, name);
    if (choice === undefined) continue;
    const demand = isJsonObject(choice) ? choice['type'] : choice;
    if (demand !== 'auto' && demand !== 'none') throw invalidValue(name, 'no tools are declared');
    scope.ignore(name);
  }
  if (optionalBoolean(request, 'parallel_tool_calls') !== undefined) scope.ignore('parallel_tool_calls');
  return { tools: [], choice: undefined };
}

/** Translates `tool_choice` and `parallel_tool_calls`, or legacy `function_call`. What a model does not take as a demand is sent as a choice of its own, and reported. */
export function translateToolChoice(request: JsonObject, declared: TranslatedTools, scope: TranslationScope): TranslatedToolChoice {
  const { tools, choice } = translateChoice(request, declared, scope);
  const isForced = choice?.type === 'any' || choice?.type === 'tool';
  if (!isForced || !scope.settings.capabilities.rejectsForcedTools) return { tools, choice };
  scope.ignore(declared.isLegacy ? 'function_call' : 'tool_choice');
  const { name: _name, ...rest } = choice;
  return { tools, choice: { ...rest, type: 'auto' } };
}

function translateChoice(request: JsonObject, declared: TranslatedTools, scope: TranslationScope): TranslatedToolChoice {
  if (declared.tools.length === 0) return choiceWithoutTools(request, scope);
  const names: Names = new Set(declared.tools.map((tool) => tool.name));
  const isParallel = optionalBoolean(request, 'parallel_tool_calls') ?? true;
  if (declared.isLegacy) {
    if (member(request, 'tool_choice') !== undefined) throw invalidValue('tool_choice', 'functions are chosen by function_call');
    // A legacy answer holds one call: what asks for that is done, what asks for more is not.
    if (optionalBoolean(request, 'parallel_tool_calls') === true) scope.ignore('parallel_tool_calls');
    return { tools: declared.tools, choice: legacyChoice(member(request, 'function_call'), names) };
  }
  if (member(request, 'function_call') !== undefined) throw invalidValue('function_call', 'tools are chosen by tool_choice');
  const { tools, choice } = choose(member(request, 'tool_choice'), declared.tools, names);
  if (isParallel) return { tools, choice };
  if (choice?.type === 'none') {
    scope.ignore('parallel_tool_calls');
    return { tools, choice };
  }
  return { tools, choice: { ...choice ?? { type: 'auto' }, disable_parallel_tool_use: true } };
}
