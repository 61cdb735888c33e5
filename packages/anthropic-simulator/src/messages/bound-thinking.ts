import { Buffer } from 'node:buffer';
import { createHash, type Hash } from 'node:crypto';
import { isJsonObject, listOf, objectsOf, type JsonObject } from '../json.ts';
import type { PlannedBlock } from './message-plan.ts';

/*
 * From Claude 5.5 on a thought is bound to what it followed: system, tools and earlier messages must come back as they were, or the block is
 * refused (https://platform.claude.com/docs/en/build-with-claude/extended-thinking, "Preserving thinking blocks"). What the real signature holds
 * is secret; this one holds a hash of the prefix behind a mark, so that a signature of other origin is not checked.
 */

const MARK = Buffer.from('simbound:1');
const HASH_BYTES = 32;
/** Mark and hash together end on a whole group of base64. */
const BOUND_CHARS = ((MARK.length + HASH_BYTES) / 3) * 4;

/** Binds the thoughts of an answer to the request that they follow. */
export function bindThinking(blocks: readonly PlannedBlock[], request: JsonObject): readonly PlannedBlock[] {
  if (!blocks.some(({ block }) => block['type'] === 'thinking')) return blocks;
  const prefix = beginPrefix(request);
  for (const message of objectsOf(request['messages'])) addMessage(prefix, message);
  const bound = Buffer.concat([MARK, prefix.digest()]).toString('base64');
  return blocks.map((planned) => (planned.block['type'] === 'thinking'
    ? { ...planned, block: { ...planned.block, signature: bound + String(planned.block['signature']).slice(BOUND_CHARS) } }
    : planned));
}

/** The first thinking block that follows something else than what it followed when it was made, as `[message, block]`. */
export function findUnboundThinking(request: JsonObject): readonly [message: number, block: number] | undefined {
  const prefix = beginPrefix(request);
  for (const [index, message] of objectsOf(request['messages']).entries()) {
    const position = objectsOf(message['content']).findIndex((block) => block['type'] === 'thinking' && isUnbound(String(block['signature']), prefix));
    if (position !== -1) return [index, position];
    addMessage(prefix, message);
  }
  return undefined;
}

function isUnbound(signature: string, prefix: Hash): boolean {
  const bytes = Buffer.from(signature.slice(0, BOUND_CHARS), 'base64');
  return bytes.subarray(0, MARK.length).equals(MARK) && !bytes.subarray(MARK.length).equals(prefix.copy().digest());
}

function beginPrefix({ system, tools }: { readonly system?: unknown; readonly tools?: unknown }): Hash {
  return createHash('sha256').update(JSON.stringify([textBlocks(system), tools ?? []], withoutCacheControl));
}

function addMessage(prefix: Hash, { role, content }: { readonly role?: unknown; readonly content?: unknown }): void {
  prefix.update(JSON.stringify([role, textBlocks(content)], withoutCacheControl));
}

/** A text is the same as a block that holds it. */
function textBlocks(content: unknown): readonly unknown[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content);
}

/** Breakpoints move from turn to turn and are no content. */
function withoutCacheControl(name: string, value: unknown): unknown {
  return name === 'cache_control' && (value === null || isJsonObject(value)) ? undefined : value;
}
