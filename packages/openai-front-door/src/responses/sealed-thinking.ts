import { Buffer } from 'node:buffer';
import { isJsonObject, type JsonObject } from '../json/json-value.ts';

/** What a sealed block begins with; another version would have another. */
const PREFIX = 'penstock1.';

/**
 * A thinking block as the `encrypted_content` of a reasoning item: the block itself, so that nothing has to be stored and a client may cut
 * the summary as it likes. The upstream's signature makes a changed block useless. `undefined` for a block that has nothing to be checked by.
 */
export function sealThinking(block: { readonly thinking: string; readonly signature: string } | { readonly data: string }): string | undefined {
  const isBound = 'data' in block ? block.data !== '' : block.signature !== '';
  const typed = 'data' in block ? { type: 'redacted_thinking', data: block.data } : { type: 'thinking', thinking: block.thinking, signature: block.signature };
  return isBound ? PREFIX + Buffer.from(JSON.stringify(typed)).toString('base64url') : undefined;
}

function parse(sealed: string): unknown {
  try {
    return JSON.parse(Buffer.from(sealed.slice(PREFIX.length), 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The block in an `encrypted_content`, member by member; `undefined` for what another provider sealed, or nothing. */
export function openThinking(sealed: unknown): JsonObject | undefined {
  if (typeof sealed !== 'string' || !sealed.startsWith(PREFIX)) return undefined;
  const block = parse(sealed);
  if (!isJsonObject(block)) return undefined;
  const { type, thinking, signature, data } = block;
  if (type === 'thinking' && typeof thinking === 'string' && typeof signature === 'string' && signature !== '') return { type, thinking, signature };
  if (type === 'redacted_thinking' && typeof data === 'string' && data !== '') return { type, data };
  return undefined;
}
