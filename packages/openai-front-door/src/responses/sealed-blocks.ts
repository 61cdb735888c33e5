import { Buffer } from 'node:buffer';
import { isJsonObject, type JsonObject } from '../json/json-value.ts';
import { stringifyExactly } from '../json/parse-json.ts';
import type { TranslationScope } from '../messages-core/translation-scope.ts';
import { WEB_SEARCH } from '../messages-core/web-search.ts';

/** What sealed blocks begin with; another version would have another. */
const PREFIX = 'penstock1.';

function seal(blocks: readonly JsonObject[]): string {
  return PREFIX + Buffer.from(stringifyExactly(blocks.length === 1 ? blocks[0] : blocks)).toString('base64url');
}

/**
 * A thinking block as the `encrypted_content` of a reasoning item: the block itself, so that nothing has to be stored and a client may cut
 * the summary as it likes. The upstream's signature makes a changed block useless. `undefined` for a block that has nothing to be checked by.
 */
export function sealThinking(block: { readonly thinking: string; readonly signature: string } | { readonly data: string }): string | undefined {
  if ('data' in block) return block.data === '' ? undefined : seal([{ type: 'redacted_thinking', data: block.data }]);
  return block.signature === '' ? undefined : seal([{ type: 'thinking', thinking: block.thinking, signature: block.signature }]);
}

/** A search and what it found, which the thinking behind it follows: a `web_search_call` has no room for it. */
export function sealSearch(use: { readonly id: string; readonly input: unknown }, result: { readonly content: unknown }): string {
  return seal([{ type: 'server_tool_use', id: use.id, name: WEB_SEARCH, input: use.input }, { type: 'web_search_tool_result', tool_use_id: use.id, content: result.content }]);
}

/** A block member by member: what a client adds does not go along. */
function openBlock(block: unknown): JsonObject | undefined {
  if (!isJsonObject(block)) return undefined;
  const { type, thinking, signature, data, id, tool_use_id: toolUseId, input, content } = block;
  if (type === 'thinking' && typeof thinking === 'string' && typeof signature === 'string' && signature !== '') return { type, thinking, signature };
  if (type === 'redacted_thinking' && typeof data === 'string' && data !== '') return { type, data };
  if (type === 'server_tool_use' && typeof id === 'string' && isJsonObject(input)) return { type, id, name: WEB_SEARCH, input };
  if (type === 'web_search_tool_result' && typeof toolUseId === 'string' && (Array.isArray(content) || isJsonObject(content))) return { type, tool_use_id: toolUseId, content };
  return undefined;
}

/** The blocks in an `encrypted_content`; none for what another provider sealed, or nothing. */
export function openSealed(sealed: unknown, param: string, scope: TranslationScope): readonly JsonObject[] {
  if (typeof sealed !== 'string' || !sealed.startsWith(PREFIX)) return [];
  const opened = scope.parseText(Buffer.from(sealed.slice(PREFIX.length), 'base64url').toString('utf8'), param);
  const blocks = (Array.isArray(opened) ? opened as readonly unknown[] : [opened]).map(openBlock);
  return blocks.every((block) => block !== undefined) ? blocks : [];
}
