import type { JsonObject } from '../json/json-value.ts';

/** The result of a tool call: content that is one plain text stands as a string, and none is left out. */
export function toolResult(id: string, content: readonly JsonObject[]): JsonObject {
  const result = { type: 'tool_result', tool_use_id: id };
  const [only] = content;
  if (only === undefined) return result;
  const isPlainText = content.length === 1 && only['type'] === 'text' && only['cache_control'] === undefined;
  return { ...result, content: isPlainText ? only['text'] : content };
}
