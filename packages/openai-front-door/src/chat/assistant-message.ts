import { cacheLastBlock, contentBlocks, hasText, isThinkingBlock, type PartKind } from '../messages-core/content-parts.ts';
import { invalidType, invalidValue, member, requireArray, requireObject, requireString, unsupported, type JsonObject } from '../json/json-value.ts';
import { parseArguments } from '../messages-core/tool-arguments.ts';
import { translateToolId } from '../messages-core/tool-id.ts';
import { requireToolName } from '../messages-core/tool-name.ts';
import type { TranslationScope } from '../messages-core/translation-scope.ts';

const ASSISTANT_PARTS: ReadonlySet<PartKind> = new Set(['text', 'refusal', 'thinking']);
const CALL_MEMBERS: ReadonlySet<string> = new Set(['id', 'type', 'function', 'cache_control', 'prompt_cache_breakpoint']);
const CALLED_MEMBERS: ReadonlySet<string> = new Set(['name', 'arguments']);

function toolUseBlock(value: unknown, param: string, scope: TranslationScope): JsonObject {
  const call = requireObject(value, param);
  const type = member(call, 'type');
  if (type !== undefined && type !== 'function') throw unsupported(`${param}.type`, 'only function tools are available');
  const called = requireObject(call['function'], `${param}.function`);
  scope.ignoreOthers(call, CALL_MEMBERS, 'messages.tool_calls');
  scope.ignoreOthers(called, CALLED_MEMBERS, 'messages.tool_calls.function');
  return {
    type: 'tool_use',
    id: translateToolId(call['id'], `${param}.id`, scope),
    name: requireToolName(called['name'], `${param}.function.name`),
    input: parseArguments(called['arguments'], `${param}.function.arguments`, 'messages.tool_calls.function.arguments', scope),
    ...scope.cacheControl(call, param),
  };
}

function legacyToolUse(value: unknown, param: string, id: string, scope: TranslationScope): JsonObject {
  const call = requireObject(value, param);
  scope.ignoreOthers(call, CALLED_MEMBERS, 'messages.function_call');
  return { type: 'tool_use', id, name: requireToolName(call['name'], `${param}.name`), input: parseArguments(call['arguments'], `${param}.arguments`, 'messages.function_call.arguments', scope) };
}

/** The thinking that an earlier answer handed out, signature and all: it must go back unchanged for a tool turn to continue. */
function thinkingBlock(value: unknown, param: string): { readonly index: number; readonly block: JsonObject } {
  const given = requireObject(value, param);
  const index = member(given, 'index');
  if (index !== undefined && (!Number.isSafeInteger(index) || (index as number) < 0)) throw invalidType(`${param}.index`, 'a non-negative integer', index);
  const position = (index as number | undefined) ?? 0;
  if (given['type'] === 'redacted_thinking') {
    return { index: position, block: { type: 'redacted_thinking', data: requireString(given['data'], `${param}.data`) } };
  }
  if (given['type'] !== 'thinking') throw invalidValue(`${param}.type`, 'expected thinking or redacted_thinking');
  const signature = requireString(given['signature'], `${param}.signature`);
  return { index: position, block: { type: 'thinking', thinking: requireString(given['thinking'], `${param}.thinking`), signature } };
}

function withThinking(blocks: readonly JsonObject[], message: JsonObject, param: string, scope: TranslationScope): readonly JsonObject[] {
  const given = member(message, 'thinking_blocks');
  if (given === undefined) return blocks;
  const merged: JsonObject[] = [];
  let taken = 0;
  for (const [position, value] of requireArray(given, `${param}.thinking_blocks`).entries()) {
    const { index, block } = thinkingBlock(value, `${param}.thinking_blocks[${position}]`);
    // What no signature binds cannot be sent.
    if (block['signature'] === '' || block['data'] === '') {
      scope.ignore('messages.thinking_blocks');
      continue;
    }
    // Blocks without a place come first, in order; one with a place goes back to where the answer had it.
    for (; merged.length < index && taken < blocks.length; taken += 1) merged.push(blocks[taken] as JsonObject);
    merged.push(block);
  }
  for (; taken < blocks.length; taken += 1) merged.push(blocks[taken] as JsonObject);
  return merged;
}

/** A client that has both extensions gives its thinking back once. */
function withoutSecondThinking(blocks: readonly JsonObject[], message: JsonObject, scope: TranslationScope): readonly JsonObject[] {
  if (member(message, 'thinking_blocks') === undefined || !blocks.some(isThinkingBlock)) return blocks;
  scope.ignore('messages.content.thinking');
  return blocks.filter((block) => !isThinkingBlock(block));
}

/** The content of an assistant message: texts, then tool calls, with signed thinking where it stood; empty when it says nothing. */
export function assistantBlocks(message: JsonObject, param: string, legacyCallId: string, scope: TranslationScope): readonly JsonObject[] {
  if (member(message, 'audio') !== undefined) throw unsupported(`${param}.audio`, 'earlier audio cannot be referred to');
  const content = member(message, 'content');
  const given = content === undefined ? [] : contentBlocks(content, `${param}.content`, ASSISTANT_PARTS, scope);
  const texts = withoutSecondThinking(given, message, scope);
  const refusal = member(message, 'refusal');
  if (refusal !== undefined && typeof refusal !== 'string') throw invalidType(`${param}.refusal`, 'a string', refusal);
  if (!texts.every(isThinkingBlock) && refusal !== undefined) scope.ignore('messages.refusal');
  const isSilent = texts.every(isThinkingBlock);
  const spoken = isSilent && refusal !== undefined && hasText(refusal) ? [...texts, { type: 'text', text: refusal }] : texts;
  const calls = member(message, 'tool_calls');
  const toolUses = calls === undefined ? [] : requireArray(calls, `${param}.tool_calls`)
    .map((call, index) => toolUseBlock(call, `${param}.tool_calls[${index}]`, scope));
  const legacy = member(message, 'function_call');
  const legacyUses = legacy === undefined ? [] : [legacyToolUse(legacy, `${param}.function_call`, legacyCallId, scope)];
  const blocks = cacheLastBlock([...spoken, ...toolUses, ...legacyUses], message, param, scope);
  return blocks.every(isThinkingBlock) ? [] : withThinking(blocks, message, param, scope);
}
