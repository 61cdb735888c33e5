import { asNumber } from './parse-json.ts';

/** The largest count that is taken for one; a thousand times the longest context there is. */
const MAX_COUNT = 1_000_000_000;

/** A member of a parsed answer as a count of tokens or requests, a whole number up to 10⁹; `undefined` for anything else, which is neither billed nor stored. */
export function tokenCount(value: unknown): number | undefined {
  const count = asNumber(value);
  return typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= MAX_COUNT ? count : undefined;
}
