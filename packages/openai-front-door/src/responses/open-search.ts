import { Buffer } from 'node:buffer';
import { isJsonObject, type JsonObject } from '../json/json-value.ts';
import { parseJsonExactly, stringifyExactly } from '../json/parse-json.ts';
import { TextPieces } from '../messages-core/text-pieces.ts';
import type { BegunItem, ItemPlace, OpenItem } from './open-items.ts';
import { sealSearch } from './sealed-blocks.ts';

/** A search of the upstream's. */
export interface OpenSearch extends OpenItem {
  /** The upstream's id of the search, which its result names. */
  readonly callId: unknown;
  /** What it found. */
  found(result: JsonObject): void;
  /** The search and what it found, sealed for the next turn; absent while nothing was found. */
  sealed(): string | undefined;
}

function inputOf(json: string): JsonObject {
  try {
    const input: unknown = parseJsonExactly(json);
    if (isJsonObject(input)) return input;
  } catch {
    // Cut, or none: a search for nothing.
  }
  return {};
}

/** The pages that a result names. */
function sourcesOf(content: unknown): readonly JsonObject[] {
  if (!Array.isArray(content)) return [];
  return (content as readonly unknown[]).filter(isJsonObject).flatMap(({ url }) => (typeof url === 'string' ? [{ type: 'url', url }] : []));
}

/** A `web_search_call`, whose query comes in pieces. */
export function beginSearch({ id, outputIndex, events, grow }: ItemPlace, block: JsonObject): BegunItem & { readonly item: OpenSearch } {
  const json = new TextPieces();
  const at = { item_id: id, output_index: outputIndex };
  let result: JsonObject | undefined;
  const call = (status: string, query: string): JsonObject => {
    const sources = sourcesOf(result?.['content']);
    return { type: 'web_search_call', id, status, action: { type: 'search', query, ...(sources.length === 0 ? {} : { sources }) } };
  };
  const input = (): JsonObject => (json.length === 0 && isJsonObject(block['input']) ? block['input'] : inputOf(json.toString()));
  return {
    frames: events.frame('response.output_item.added', { output_index: outputIndex, item: call('in_progress', '') })
      + events.frame('response.web_search_call.in_progress', at) + events.frame('response.web_search_call.searching', at),
    item: {
      callId: block['id'],
      append: ({ partial_json: piece }) => {
        if (typeof piece !== 'string') return '';
        grow(Buffer.byteLength(piece));
        json.append(piece);
        return '';
      },
      found: (found) => {
        grow(Buffer.byteLength(stringifyExactly(found)));
        result = found;
      },
      sealed: () => (result === undefined || typeof block['id'] !== 'string' ? undefined : sealSearch({ id: block['id'], input: input() }, { content: result['content'] })),
      close: () => {
        const { query } = input();
        // A result that is no list is an error of the search.
        const item = call(Array.isArray(result?.['content']) ? 'completed' : 'failed', typeof query === 'string' ? query : '');
        return { frames: events.frame('response.web_search_call.completed', at) + events.frame('response.output_item.done', { output_index: outputIndex, item }), item };
      },
    },
  };
}

/** The reasoning item that carries what a search found, and shows nothing. */
export function beginSealed({ id, outputIndex, events, grow }: ItemPlace, sealed: string): BegunItem {
  grow(sealed.length);
  const item = { type: 'reasoning', id, summary: [], encrypted_content: sealed };
  return {
    frames: events.frame('response.output_item.added', { output_index: outputIndex, item: { type: 'reasoning', id, summary: [] } }),
    item: { append: () => '', close: () => ({ frames: events.frame('response.output_item.done', { output_index: outputIndex, item }), item }) },
  };
}
