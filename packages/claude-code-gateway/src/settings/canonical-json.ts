import { createHash } from 'node:crypto';

/** A value as JSON with the keys sorted at every level and no white space: what the client computes its checksum over. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

/** The checksum of a settings document, `sha256:` and 64 hex digits. */
export function settingsChecksum(settings: Readonly<Record<string, unknown>>): string {
  return `sha256:${createHash('sha256').update(canonicalJson(settings)).digest('hex')}`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([name, member]) => [name, sorted(member)]));
}
