import { isJsonObject, type JsonObject } from '../json.ts';
import { checkInteger, checkObject, checkTag, type Check } from './schema-checks.ts';

const MIN_BUDGET_TOKENS = 1_024;

/** Checks `thinking` and what it excludes. */
export function checkThinking(request: JsonObject): Check {
  const { thinking } = request as { readonly thinking?: unknown };
  if (thinking === undefined) return undefined;
  const notObject = checkObject('thinking', thinking);
  if (notObject !== undefined || !isJsonObject(thinking)) return notObject;
  const wrongTag = checkTag('thinking', thinking, ['adaptive', 'between_tools', 'disabled', 'enabled']);
  if (wrongTag !== undefined) return wrongTag;
  if (thinking['type'] === 'disabled' || thinking['type'] === 'between_tools') return undefined;
  return (thinking['type'] === 'enabled' ? checkBudget(thinking, request) : undefined) ?? checkExclusions(request);
}

function checkBudget(thinking: JsonObject, request: JsonObject): Check {
  const budget = thinking['budget_tokens'];
  const invalid = checkInteger('thinking.enabled.budget_tokens', budget, MIN_BUDGET_TOKENS);
  if (invalid !== undefined) return invalid;
  return 'max_tokens' in request && Number(budget) >= Number(request['max_tokens'])
    ? '`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size'
    : undefined;
}

function checkExclusions(request: JsonObject): Check {
  const choice = request['tool_choice'];
  if (isJsonObject(choice) && (choice['type'] === 'any' || choice['type'] === 'tool')) return 'Thinking may not be enabled when tool_choice forces tool use.';
  if (request['temperature'] !== undefined && request['temperature'] !== 1) {
    return '`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking';
  }
  return request['top_k'] === undefined ? undefined : '`top_k` must be unset when thinking is enabled.';
}
