import { isJsonObject, member, optionalBoolean, requireArray, requireObject, requireString, unsupported, type JsonObject } from '../json/json-value.ts';
import { translateToolChoice, type TranslatedToolChoice } from '../messages-core/tool-choice.ts';
import type { TranslationScope } from '../messages-core/translation-scope.ts';
import { WEB_SEARCH } from '../messages-core/web-search.ts';
import { SEARCH_TYPE, type DeclaredTools } from './declared-tools.ts';
import { flatName } from './tool-names.ts';

/** A tool that is named by a choice, as the function that it is upstream. */
function namedFunction(choice: JsonObject, param: string): JsonObject {
  const type = requireString(choice['type'], `${param}.type`);
  if (SEARCH_TYPE.test(type)) return { type: 'function', name: WEB_SEARCH };
  if (type !== 'function' && type !== 'custom') throw unsupported(`${param}.type`, 'only functions, custom tools and web_search can be chosen');
  const namespace = member(choice, 'namespace');
  const within = namespace === undefined ? undefined : requireString(namespace, `${param}.namespace`);
  return { type: 'function', name: flatName(requireString(choice['name'], `${param}.name`), within) };
}

function flatChoice(choice: unknown): unknown {
  if (!isJsonObject(choice)) return choice;
  if (choice['type'] !== 'allowed_tools') return namedFunction(choice, 'tool_choice');
  const tools = requireArray(choice['tools'], 'tool_choice.tools').map((value, index) => {
    const param = `tool_choice.tools[${index}]`;
    return namedFunction(requireObject(value, param), param);
  });
  return { ...choice, tools };
}

/** Translates `tool_choice` and `parallel_tool_calls`. */
export function translateResponseChoice(request: JsonObject, { tools }: DeclaredTools, scope: TranslationScope): TranslatedToolChoice {
  const isParallel = optionalBoolean(request, 'parallel_tool_calls');
  const choice = flatChoice(member(request, 'tool_choice'));
  // Clients send both with every request, with tools or without.
  if (tools.length === 0 && (choice === undefined || choice === 'auto' || choice === 'none')) return { tools: [], choice: undefined };
  return translateToolChoice({ tool_choice: choice, parallel_tool_calls: isParallel }, { tools, isLegacy: false }, scope);
}
