import type { JsonObject } from '../json/json-value.ts';

/** The result of a tool call: content that is one plain text stands as a string, and none is left out. */
export function toolResult(id: string, content: readonly JsonObject[]): JsonObject {
  const [only] = content;
  const isPlainText = content.length === 1 && only?.['type'] === 'text' && only['cache_control'] === undefined;
  const body = content.length === 0 ? {} : { content: isPlainText ? only['text'] : content };
  return { type: 'tool_result', tool_use_id: id, ...body };
}
