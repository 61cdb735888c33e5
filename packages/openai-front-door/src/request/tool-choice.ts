import { invalidValue, isJsonObject, member, optionalBoolean, requireArray, requireObject, requireString, unsupported, type JsonObject } from './json-value.ts';
import type { MessagesTool, TranslatedTools } from './tools.ts';
import type { TranslationScope } from './translation-scope.ts';

/** The upstream's `tool_choice`. */
export interface MessagesToolChoice {
  readonly type: 'auto' | 'any' | 'none' | 'tool';
  readonly name?: string;
  readonly disable_parallel_tool_use?: true;
}

/** The choice, and the tools that are left of those declared. */
export interface TranslatedToolChoice {
  readonly tools: readonly MessagesTool[];
  readonly choice: MessagesToolChoice | undefined;
}

function requireDeclared(name: unknown, tools: readonly MessagesTool[], param: string): string {
  const wanted = requireString(name, param);
  if (!tools.some((tool) => tool.name === wanted)) throw invalidValue(param, 'no tool of that name is declared');
  return wanted;
}

/** Only the allowed tools are sent: sending all and choosing `any` would let the model call the others. */
function allowedTools(choice: JsonObject, tools: readonly MessagesTool[]): TranslatedToolChoice {
  const param = 'tool_choice.allowed_tools';
  const allowed = requireObject(choice['allowed_tools'], param);
  const mode = allowed['mode'];
  if (mode !== 'auto' && mode !== 'required') throw invalidValue(`${param}.mode`, 'expected auto or required');
  const names = new Set(requireArray(allowed['tools'], `${param}.tools`).map((value, index) => {
    const tool = requireObject(value, `${param}.tools[${index}]`);
    if (tool['type'] !== 'function') throw unsupported(`${param}.tools[${index}].type`, 'only function tools are available');
    return requireDeclared(requireObject(tool['function'], `${param}.tools[${index}].function`)['name'], tools, `${param}.tools[${index}].function.name`);
  }));
  if (names.size === 0) throw invalidValue(`${param}.tools`, 'at least one tool is needed');
  return { tools: tools.filter((tool) => names.has(tool.name)), choice: { type: mode === 'auto' ? 'auto' : 'any' } };
}

function chooseByObject(choice: JsonObject, tools: readonly MessagesTool[]): TranslatedToolChoice {
  switch (choice['type']) {
    case 'allowed_tools': return allowedTools(choice, tools);
    case 'function': {
      const name = requireDeclared(requireObject(choice['function'], 'tool_choice.function')['name'], tools, 'tool_choice.function.name');
      return { tools, choice: { type: 'tool', name } };
    }
    case 'custom': throw unsupported('tool_choice.type', 'only function tools are available');
    default: throw invalidValue('tool_choice.type', 'expected function or allowed_tools');
  }
}

function choose(value: unknown, tools: readonly MessagesTool[]): TranslatedToolChoice {
  if (value === undefined) return { tools, choice: undefined };
  if (isJsonObject(value)) return chooseByObject(value, tools);
  switch (requireString(value, 'tool_choice')) {
    case 'auto': return { tools, choice: { type: 'auto' } };
    case 'required': return { tools, choice: { type: 'any' } };
    // The tools stay: the conversation may hold calls of them.
    case 'none': return { tools, choice: { type: 'none' } };
    default: throw invalidValue('tool_choice', 'expected none, auto, required or a named tool');
  }
}

function legacyChoice(value: unknown, tools: readonly MessagesTool[]): MessagesToolChoice {
  if (isJsonObject(value)) return { type: 'tool', name: requireDeclared(value['name'], tools, 'function_call.name'), disable_parallel_tool_use: true };
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
    if (choice !== 'auto' && choice !== 'none') throw invalidValue(name, 'no tools are declared');
    scope.ignore(name);
  }
  if (optionalBoolean(request, 'parallel_tool_calls') !== undefined) scope.ignore('parallel_tool_calls');
  return { tools: [], choice: undefined };
}

/** Translates `tool_choice` and `parallel_tool_calls`, or legacy `function_call`. */
export function translateToolChoice(request: JsonObject, declared: TranslatedTools, scope: TranslationScope): TranslatedToolChoice {
  if (declared.tools.length === 0) return choiceWithoutTools(request, scope);
  const isParallel = optionalBoolean(request, 'parallel_tool_calls') ?? true;
  if (declared.isLegacy) {
    if (member(request, 'tool_choice') !== undefined) throw invalidValue('tool_choice', 'functions are chosen by function_call');
    // A legacy answer holds one call: what asks for that is done, what asks for more is not.
    if (optionalBoolean(request, 'parallel_tool_calls') === true) scope.ignore('parallel_tool_calls');
    return { tools: declared.tools, choice: legacyChoice(member(request, 'function_call'), declared.tools) };
  }
  if (member(request, 'function_call') !== undefined) throw invalidValue('function_call', 'tools are chosen by tool_choice');
  const { tools, choice } = choose(member(request, 'tool_choice'), declared.tools);
  if (isParallel) return { tools, choice };
  if (choice?.type === 'none') {
    scope.ignore('parallel_tool_calls');
    return { tools, choice };
  }
  return { tools, choice: { ...choice ?? { type: 'auto' }, disable_parallel_tool_use: true } };
}
