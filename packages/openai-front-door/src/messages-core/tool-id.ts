import { createHash } from 'node:crypto';
import { invalidValue, requireString } from '../json/json-value.ts';
import type { TranslationScope } from './translation-scope.ts';

/** What the upstream takes as the id of a tool call. */
const TOOL_ID = /^[a-zA-Z0-9_-]+$/;

/**
 * The id of a tool call. One that the upstream takes stays as it came. Any other, such as `functions.f:0` of a conversation that began with another
 * provider, becomes a hash of it, reported: the call and its result get the same one, two ids never do, and the same request gives the same bytes.
 */
export function translateToolId(value: unknown, param: string, scope: TranslationScope): string {
  const id = requireString(value, param);
  if (TOOL_ID.test(id)) return id;
  if (id === '') throw invalidValue(param, 'a tool call needs an id');
  scope.ignore(scope.names.toolCallId);
  return `call_${createHash('sha256').update(id, 'utf16le').digest('hex')}`;
}
