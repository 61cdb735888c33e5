import { isJsonObject, listOf, objectsOf, type JsonObject } from '../json.ts';
import { checkContentBlock } from './check-content-block.ts';
import { checkOneOf, eachOf, firstOf, noExtras, type Check } from './schema-checks.ts';

const MESSAGE_MEMBERS: ReadonlySet<string> = new Set(['role', 'content']);

/** Checks `messages`: each message by itself, then their order, then the pairs of tool calls and results. */
export function checkMessages(messages: unknown, isStrict: boolean): Check {
  if (messages === undefined) return 'messages: Field required';
  if (!Array.isArray(messages)) return 'messages: Input should be a valid list';
  if (messages.length === 0) return 'messages: at least one message is required';
  const list = objectsOf(messages);
  return firstOf(
    () => eachOf(messages, (message: unknown, index) => checkMessage(message, index, messages.length)),
    () => isInitialSystem(list[0]) ? "messages.0: use the top-level 'system' parameter for the initial system prompt; the directive-only form (content: [] with output_config) is accepted at any position" : undefined,
    () => list[0]?.['role'] === 'user' ? undefined : 'messages: first message must use the "user" role',
    () => eachOf(list, (message, index) => checkSystemPlace(list, message, index)),
    () => checkEnd(list.at(-1)),
    () => isStrict ? eachOf(list, checkStrict) : undefined,
    () => checkToolPairs(list),
  );
}

function checkMessage(message: unknown, index: number, count: number): Check {
  const path = `messages.${index}`;
  if (!isJsonObject(message)) return `${path}: Input should be a valid dictionary or object to extract fields from`;
  const { role, content } = message as { readonly role?: unknown; readonly content?: unknown };
  return firstOf(
    () => role === undefined ? `${path}.role: Field required` : undefined,
    () => checkOneOf(`${path}.role`, role, ['user', 'assistant', 'system']),
    () => noExtras(path, message, MESSAGE_MEMBERS),
    () => checkContent(path, content, String(role), index === count - 1),
  );
}

function checkContent(path: string, content: unknown, role: string, isLast: boolean): Check {
  if (content === undefined) return `${path}.content: Field required`;
  if (typeof content !== 'string' && !Array.isArray(content)) return `${path}.content: Input should be a valid list`;
  if (content.length === 0) {
    if (role === 'assistant') return isLast ? undefined : `${path}: all messages must have non-empty content except for the optional final assistant message`;
    return `${path}: ${role} messages must have non-empty content`;
  }
  if (typeof content === 'string') return role === 'user' && content.trim() === '' ? 'messages: text content blocks must contain non-whitespace text' : undefined;
  return eachOf(content, (block: unknown, index) => checkContentBlock(`${path}.content.${index}`, block, role));
}

function isInitialSystem(first: JsonObject | undefined): boolean {
  if (first?.['role'] !== 'system') return false;
  const { content } = first as { readonly content?: unknown };
  return (typeof content === 'string' || Array.isArray(content)) && content.length > 0;
}

/** A system message stands behind a user turn, or an assistant's that ends with a server tool, and last or in front of an assistant's. */
function checkSystemPlace(list: readonly JsonObject[], message: JsonObject, index: number): Check {
  if (message['role'] !== 'system') return undefined;
  const previous = list[index - 1];
  const endsWithServerTool = String(objectsOf(previous?.['content']).at(-1)?.['type']).endsWith('_tool_result');
  if (previous?.['role'] !== 'user' && !(previous?.['role'] === 'assistant' && endsWithServerTool)) return `messages.${index}: a \`system\` message must immediately follow a \`user\` message`;
  const next = list[index + 1];
  return next === undefined || next['role'] === 'assistant' ? undefined : `messages.${index}: a \`system\` message must be the last message or be followed by an \`assistant\` message`;
}

/** A prefill may not end in white space. */
function checkEnd(last: JsonObject | undefined): Check {
  if (last?.['role'] !== 'assistant') return undefined;
  const { content } = last as { readonly content?: unknown };
  const text = typeof content === 'string' ? content : objectsOf(content).at(-1)?.['text'];
  return typeof text === 'string' && /\s$/.test(text) ? 'messages: final assistant content cannot end with trailing whitespace' : undefined;
}

/** From version 2026-10-21 on, assistants hold no documents and users give no citations of their own. */
function checkStrict(message: JsonObject, index: number): Check {
  return eachOf(objectsOf(message['content']), (block, position) => {
    const path = `messages.${index}.content.${position}`;
    if (message['role'] === 'assistant' && block['type'] === 'document') return `${path}: \`document\` blocks can only be in \`user\` messages`;
    return message['role'] === 'user' && block['type'] === 'text' && listOf(block['citations']).length > 0 ? `${path}.text.citations: List should have at most 0 items` : undefined;
  });
}

function checkToolPairs(messages: readonly JsonObject[]): Check {
  const seen = new Set<unknown>();
  return eachOf(messages, (message, index) => {
    const uses = blocksOf(message, 'tool_use').map((block) => block['id']);
    const previous = messages[index - 1];
    const offered = previous?.['role'] === 'assistant' ? blocksOf(previous, 'tool_use').map((block) => block['id']) : [];
    return firstOf(
      () => checkUniqueIds(message, index, seen),
      () => checkResults(message, index, offered),
      () => checkAnswered(messages[index + 1], index, uses),
    );
  });
}

function checkUniqueIds(message: JsonObject, index: number, seen: Set<unknown>): Check {
  return eachOf(objectsOf(message['content']), (block, position) => {
    if (block['type'] !== 'tool_use') return undefined;
    if (seen.has(block['id'])) return `messages.${index}.content.${position}: \`tool_use\` ids must be unique`;
    seen.add(block['id']);
    return undefined;
  });
}

function checkResults(message: JsonObject, index: number, offered: readonly unknown[]): Check {
  const answered = new Set<unknown>();
  return eachOf(objectsOf(message['content']), (block, position) => {
    if (block['type'] !== 'tool_result') return undefined;
    const id = block['tool_use_id'];
    if (!offered.includes(id)) {
      return `messages.${index}.content.${position}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${String(id)}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`;
    }
    if (answered.has(id)) return `messages.${index}.content.${position}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${String(id)}`;
    answered.add(id);
    return undefined;
  });
}

function checkAnswered(next: JsonObject | undefined, index: number, uses: readonly unknown[]): Check {
  const results = next === undefined ? [] : blocksOf(next, 'tool_result').map((block) => block['tool_use_id']);
  const open = uses.filter((id) => !results.includes(id));
  return open.length === 0 ? undefined
    : `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`;
}

function blocksOf(message: JsonObject, type: string): readonly JsonObject[] {
  return objectsOf(message['content']).filter((block) => block['type'] === type);
}
