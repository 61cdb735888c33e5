/** A JSON object of unknown content. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A value as a JSON object, or `undefined`. */
export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as JsonObject : undefined;
}

/** A value as a text of at most 256 characters, or `undefined`. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 256 ? value : undefined;
}

/** The largest count that is taken for one; a thousand times the longest context there is. */
const MAX_COUNT = 1_000_000_000;

/** A value as a count of tokens or requests, a whole number up to 10⁹, or `undefined`. */
export function asCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT ? value : undefined;
}
