import { isFieldName } from './field-syntax.ts';
import type { FieldTraits } from './field-traits.ts';

const MAX_CACHED_NAMES = 1024;
const MAX_CACHED_NAME_LENGTH = 64;

/** Finds the traits of a name as it was spelled; `undefined` when it is no field name. */
export type FieldClassifier = (name: string | undefined) => FieldTraits | undefined;

/**
 * Makes a classifier that remembers the spellings it has seen, so that a known one costs a single lookup.
 * The memory is bounded: names over 64 characters are never kept, and at 1,024 names all are forgotten, so a client that
 * invents names costs a little time and no memory, and cannot keep the honest ones out for ever.
 */
export function createFieldClassifier(traitsOf: (lowercaseName: string) => FieldTraits): FieldClassifier {
  const known = new Map<string, FieldTraits>();
  return (name) => {
    if (name === undefined) return undefined;
    const traits = known.get(name);
    if (traits !== undefined) return traits;
    if (!isFieldName(name)) return undefined;
    const learned = traitsOf(name.toLowerCase());
    if (name.length <= MAX_CACHED_NAME_LENGTH) {
      if (known.size >= MAX_CACHED_NAMES) known.clear();
      known.set(name, learned);
    }
    return learned;
  };
}
