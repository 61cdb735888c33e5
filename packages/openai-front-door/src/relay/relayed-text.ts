import { Buffer } from 'node:buffer';
import { isJsonObject, member } from '../json/json-value.ts';

/** Objects in a delta stand a few levels deep: calls, their function, its arguments. */
const MAX_DEPTH = 6;

/** Members of a delta that the model did not write. */
const LABELS: ReadonlySet<string> = new Set(['role', 'id', 'type', 'name', 'call_id']);

function bytesIn(value: unknown, depth: number): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (depth === MAX_DEPTH || typeof value !== 'object' || value === null) return 0;
  let bytes = 0;
  for (const [name, inner] of Object.entries(value)) if (!LABELS.has(name)) bytes += bytesIn(inner, depth + 1);
  return bytes;
}

/** Bytes that a model wrote in one event of an OpenAI stream: a chunk's choices, or the delta of an event of the Responses API. */
export function textBytesOf(event: unknown): number {
  if (!isJsonObject(event)) return 0;
  const choices = member(event, 'choices');
  if (!Array.isArray(choices)) return bytesIn(member(event, 'delta'), 0);
  let bytes = 0;
  for (const choice of choices) if (isJsonObject(choice)) bytes += bytesIn(member(choice, 'delta'), 0) + bytesIn(member(choice, 'text'), 0);
  return bytes;
}

/** The same of the data of an event; one that is no JSON is all text. */
export function textBytesIn(data: string): number {
  if (data === '[DONE]') return 0;
  try {
    return textBytesOf(JSON.parse(data));
  } catch {
    return Buffer.byteLength(data);
  }
}
