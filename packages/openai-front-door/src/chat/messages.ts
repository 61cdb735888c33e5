import { invalidValue, member, missing, requireArray, requireObject, requireString, type JsonObject } from '../json/json-value.ts';
import { cacheLastBlock, contentBlocks, type PartKind } from '../messages-core/content-parts.ts';
import { createConversation, type Conversation, type TranslatedMessages } from '../messages-core/conversation.ts';
import { translateToolId } from '../messages-core/tool-id.ts';
import { toolResult } from '../messages-core/tool-result.ts';
import type { TranslationScope } from '../messages-core/translation-scope.ts';
import { assistantBlocks } from './assistant-message.ts';

const TEXT_ONLY: ReadonlySet<PartKind> = new Set(['text']);
const USER_PARTS: ReadonlySet<PartKind> = new Set(['text', 'image_url', 'file']);
const COMMON_MEMBERS = ['role', 'content', 'cache_control', 'prompt_cache_breakpoint'];
const PLAIN_MEMBERS: ReadonlySet<string> = new Set(COMMON_MEMBERS);
/** What a message of a role may hold; anything else, a name included, is dropped and reported. */
const MEMBERS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['assistant', new Set([...COMMON_MEMBERS, 'refusal', 'audio', 'tool_calls', 'function_call', 'thinking_blocks'])],
  ['tool', new Set([...COMMON_MEMBERS, 'tool_call_id'])],
  ['function', new Set([...COMMON_MEMBERS, 'name'])],
]);
const ROLES = 'system, developer, user, assistant, tool or function';

/** A conversation that is being read, and the call that a legacy result would answer. */
interface Reading {
  readonly conversation: Conversation;
  legacyCallId: string | undefined;
}

function blocksOf(message: JsonObject, param: string, allowed: ReadonlySet<PartKind>, scope: TranslationScope): readonly JsonObject[] {
  return cacheLastBlock(contentBlocks(message['content'], `${param}.content`, allowed, scope), message, param, scope);
}

function addAssistant(reading: Reading, message: JsonObject, param: string, index: number, scope: TranslationScope): void {
  const legacyCallId = `call_message_${index}`;
  const content = assistantBlocks(message, param, legacyCallId, scope);
  if (content.length === 0) return;
  reading.legacyCallId = member(message, 'function_call') === undefined ? undefined : legacyCallId;
  reading.conversation.addAssistant(content, member(message, 'tool_calls') === undefined ? param : `${param}.tool_calls`);
}

function addToolResult({ conversation }: Reading, message: JsonObject, param: string, id: string, scope: TranslationScope): void {
  const content = contentBlocks(member(message, 'content') ?? '', `${param}.content`, USER_PARTS, scope);
  conversation.addResult({ ...toolResult(id, content), ...scope.cacheControl(message, param) }, `${param}.tool_call_id`);
}

function addMessage(reading: Reading, value: unknown, index: number, scope: TranslationScope): void {
  const param = `messages[${index}]`;
  const message = requireObject(value, param);
  const role = requireString(message['role'], `${param}.role`);
  scope.ignoreOthers(message, MEMBERS.get(role) ?? PLAIN_MEMBERS, 'messages');
  switch (role) {
    case 'system':
    case 'developer':
      reading.conversation.addSystem(blocksOf(message, param, TEXT_ONLY, scope));
      return;
    case 'assistant':
      addAssistant(reading, message, param, index, scope);
      return;
    case 'user':
      reading.conversation.addUser(blocksOf(message, param, USER_PARTS, scope));
      return;
    case 'tool':
      addToolResult(reading, message, param, translateToolId(message['tool_call_id'], `${param}.tool_call_id`, scope), scope);
      return;
    case 'function': {
      // The legacy protocol has no ids: a result answers the call right before it.
      if (reading.legacyCallId === undefined) throw invalidValue(`${param}.role`, 'no function_call comes before this result');
      addToolResult(reading, message, param, reading.legacyCallId, scope);
      reading.legacyCallId = undefined;
      return;
    }
    default:
      throw invalidValue(`${param}.role`, `expected ${ROLES}`);
  }
}

/** Translates `messages`: leading system texts to the top, tool results merged in front of the user's next words, blank texts left out. */
export function translateMessages(request: JsonObject, scope: TranslationScope): TranslatedMessages {
  const messages = member(request, 'messages');
  if (messages === undefined && member(request, 'input') !== undefined) {
    throw missing('messages', 'this is a body of the Responses API: send it to the path /v1/responses, or set the client to Chat Completions');
  }
  const given = requireArray(messages, 'messages');
  if (given.length === 0) throw invalidValue('messages', 'at least one message is needed');
  const reading: Reading = { conversation: createConversation(scope), legacyCallId: undefined };
  given.forEach((message, index) => { addMessage(reading, message, index, scope); });
  return reading.conversation.finish();
}
