import type { MemberValue } from '../src/index.ts';

/** The paths that the property tests choose. */
export const CHOSEN = ['model', 'stream', 'max_tokens', 'fallbacks', 'fallbacks[].model', 'fallbacks.model', 'tools[].model', 'stop[]', 'stop.model'];

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The value of a text as Node itself reads it: fatal UTF-8, then JSON.parse; undefined when one of them refuses. */
export function parseText(bytes: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(decoder.decode(bytes)) };
  } catch {
    return undefined;
  }
}

/**
 * What the chosen paths hold in a parsed value, the last occurrence of each name only. The texts of numbers are left
 * out: parsing loses them.
 */
export function readChosen(value: unknown): ReadonlyMap<string, readonly unknown[]> {
  const found = new Map<string, unknown[]>();
  const keep = (path: string, member: unknown): void => {
    if (CHOSEN.includes(path)) found.set(path, [...(found.get(path) ?? []), withoutText(kindOf(member))]);
  };
  if (!isObject(value)) return found;
  for (const [name, member] of Object.entries(value)) {
    keep(name, member);
    if (isObject(member) && Object.hasOwn(member, 'model')) keep(`${name}.model`, member['model']);
    if (!Array.isArray(member)) continue;
    for (const element of member) {
      keep(`${name}[]`, element);
      if (isObject(element) && Object.hasOwn(element, 'model')) keep(`${name}[].model`, element['model']);
    }
  }
  return found;
}

/** A member as it can be compared with what parsing gives. */
export function withoutText(value: MemberValue): unknown {
  return value.kind === 'number' ? { kind: value.kind, value: value.value } : value;
}

function kindOf(value: unknown): MemberValue {
  if (value === null) return { kind: 'null' };
  if (Array.isArray(value)) return { kind: 'array' };
  if (typeof value === 'number') return { kind: 'number', value, text: '' };
  if (typeof value === 'string') return { kind: 'string', value };
  return typeof value === 'boolean' ? { kind: 'boolean', value } : { kind: 'object' };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
