import { assistantBlocks } from './assistant-message.ts';
import { cacheLastBlock, contentBlocks, type PartKind } from '../messages-core/content-parts.ts';
import { invalidValue, member, requireArray, requireObject, requireString, unsupported, type JsonObject } from '../json/json-value.ts';
import { translateToolId } from '../messages-core/tool-id.ts';
import type { TranslationScope } from '../messages-core/translation-scope.ts';

const TEXT_ONLY: ReadonlySet<PartKind> = new Set(['text']);
const USER_PARTS: ReadonlySet<PartKind> = new Set(['text', 'image_url', 'file']);
const TOOL_PARTS: ReadonlySet<PartKind> = new Set(['text', 'image_url']);
const COMMON_MEMBERS = ['role', 'content', 'cache_control', 'prompt_cache_breakpoint'];
const PLAIN_MEMBERS: ReadonlySet<string> = new Set(COMMON_MEMBERS);
/** What a message of a role may hold; anything else, a name included, is dropped and reported. */
const MEMBERS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['assistant', new Set([...COMMON_MEMBERS, 'refusal', 'audio', 'tool_calls', 'function_call', 'thinking_blocks'])],
  ['tool', new Set([...COMMON_MEMBERS, 'tool_call_id'])],
  ['function', new Set([...COMMON_MEMBERS, 'name'])],
]);
const ROLES = 'system, developer, user, assistant, tool or function';

/** One turn as the upstream takes it. */
export interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: readonly JsonObject[];
}

/** A conversation in the upstream's shape. */
export interface TranslatedMessages {
  readonly system: readonly JsonObject[];
  readonly messages: readonly Turn[];
}

interface Conversation {
  readonly system: JsonObject[];
  /** Texts of system messages after the first turn, to be joined at the top. */
  readonly hoisted: string[];
  readonly turns: Turn[];
  /** What followed the last assistant turn: tool results and user contents are merged once it is known whether there are results. */
  results: JsonObject[];
  contents: JsonObject[][];
  /** A system message that may stay where it is, if an assistant turn or nothing follows. */
  inline: JsonObject[] | undefined;
  legacyCallId: string | undefined;
}

function hoist(conversation: Conversation, blocks: readonly JsonObject[], scope: TranslationScope): void {
  scope.ignore('messages.system_position');
  if (blocks.some((block) => block['cache_control'] !== undefined)) scope.ignore('messages.cache_control');
  for (const block of blocks) conversation.hoisted.push(String(block['text']));
}

/** Settles a system message that may stay where it is: it may when an assistant turn or nothing follows it. */
function flushInline(conversation: Conversation, canStay: boolean, scope: TranslationScope): void {
  if (conversation.inline === undefined) return;
  if (canStay) conversation.turns.push({ role: 'system', content: conversation.inline });
  else hoist(conversation, conversation.inline, scope);
  conversation.inline = undefined;
}

/** Ends a run of tool and user messages: all results first, in one user turn with the texts that came between or after them. */
function flushUserRun(conversation: Conversation): void {
  const { results, contents } = conversation;
  if (results.length > 0) conversation.turns.push({ role: 'user', content: [...results, ...contents.flat()] });
  else for (const content of contents) conversation.turns.push({ role: 'user', content });
  conversation.results = [];
  conversation.contents = [];
}

function addSystem(conversation: Conversation, message: JsonObject, param: string, scope: TranslationScope): void {
  const blocks = cacheLastBlock(contentBlocks(message['content'], `${param}.content`, TEXT_ONLY, scope), message, param, scope);
  const isLeading = conversation.turns.length === 0 && conversation.results.length === 0 && conversation.contents.length === 0;
  if (isLeading) {
    for (const block of blocks) conversation.system.push(block);
    return;
  }
  if (blocks.length === 0) return;
  const { laterSystemMessages, capabilities } = scope.settings;
  const followsUser = conversation.results.length > 0 || conversation.contents.length > 0;
  if (laterSystemMessages === 'inline' && capabilities.inlineSystem && followsUser) {
    conversation.inline ??= [];
    for (const block of blocks) conversation.inline.push(block);
    return;
  }
  hoist(conversation, blocks, scope);
}

function addToolResult(conversation: Conversation, message: JsonObject, param: string, id: string, scope: TranslationScope): void {
  const content = contentBlocks(member(message, 'content') ?? '', `${param}.content`, TOOL_PARTS, scope);
  const [only] = content;
  const isPlainText = content.length === 1 && only?.['type'] === 'text' && only['cache_control'] === undefined;
  const body = content.length === 0 ? {} : { content: isPlainText ? only['text'] : content };
  conversation.results.push({ type: 'tool_result', tool_use_id: id, ...body, ...scope.cacheControl(message, param) });
}

function addAssistant(conversation: Conversation, message: JsonObject, param: string, index: number, scope: TranslationScope): void {
  const legacyCallId = `call_message_${index}`;
  const content = assistantBlocks(message, param, legacyCallId, scope);
  if (content.length === 0) return;
  flushUserRun(conversation);
  flushInline(conversation, true, scope);
  conversation.legacyCallId = member(message, 'function_call') === undefined ? undefined : legacyCallId;
  conversation.turns.push({ role: 'assistant', content });
}

function addMessage(conversation: Conversation, value: unknown, index: number, scope: TranslationScope): void {
  const param = `messages[${index}]`;
  const message = requireObject(value, param);
  const role = requireString(message['role'], `${param}.role`);
  scope.ignoreOthers(message, MEMBERS.get(role) ?? PLAIN_MEMBERS, 'messages');
  switch (role) {
    case 'system':
    case 'developer':
      addSystem(conversation, message, param, scope);
      return;
    case 'assistant':
      addAssistant(conversation, message, param, index, scope);
      return;
    case 'user': {
      flushInline(conversation, false, scope);
      const content = cacheLastBlock(contentBlocks(message['content'], `${param}.content`, USER_PARTS, scope), message, param, scope);
      if (content.length > 0) conversation.contents.push([...content]);
      return;
    }
    case 'tool':
      flushInline(conversation, false, scope);
      addToolResult(conversation, message, param, translateToolId(message['tool_call_id'], `${param}.tool_call_id`, scope), scope);
      return;
    case 'function': {
      // The legacy protocol has no ids: a result answers the call right before it.
      flushInline(conversation, false, scope);
      if (conversation.legacyCallId === undefined) throw invalidValue(`${param}.role`, 'no function_call comes before this result');
      addToolResult(conversation, message, param, conversation.legacyCallId, scope);
      conversation.legacyCallId = undefined;
      return;
    }
    default:
      throw invalidValue(`${param}.role`, `expected ${ROLES}`);
  }
}

/** The upstream refuses a last assistant text that ends in white space, which OpenAI's takes: models rarely write on behind it. */
function trimPrefill(turns: readonly Turn[], scope: TranslationScope): readonly Turn[] {
  const last = turns.at(-1);
  const block = last?.content.at(-1);
  if (last?.role !== 'assistant' || typeof block?.['text'] !== 'string') return turns;
  const text = block['text'].trimEnd();
  if (text === block['text']) return turns;
  scope.ignore('messages.trailing_whitespace');
  return [...turns.slice(0, -1), { ...last, content: [...last.content.slice(0, -1), { ...block, text }] }];
}

/** Translates `messages`: leading system texts to the top, tool results merged in front of the user's next words, blank texts left out. */
export function translateMessages(value: unknown, scope: TranslationScope): TranslatedMessages {
  const given = requireArray(value, 'messages');
  if (given.length === 0) throw invalidValue('messages', 'at least one message is needed');
  const conversation: Conversation = { system: [], hoisted: [], turns: [], results: [], contents: [], inline: undefined, legacyCallId: undefined };
  given.forEach((message, index) => { addMessage(conversation, message, index, scope); });
  flushUserRun(conversation);
  flushInline(conversation, true, scope);
  const { turns, hoisted } = conversation;
  if (turns.length === 0) throw invalidValue('messages', 'at least one user or assistant message with content is needed');
  if (turns.at(-1)?.role === 'assistant' && scope.settings.capabilities.rejectsPrefill) {
    throw unsupported('messages', 'this model does not continue a last assistant message; end with a user message');
  }
  const system = hoisted.length === 0 ? conversation.system : [...conversation.system, { type: 'text', text: hoisted.join('\n') }];
  return { system, messages: trimPrefill(turns, scope) };
}
