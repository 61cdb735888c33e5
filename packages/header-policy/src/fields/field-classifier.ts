import { Buffer } from 'node:buffer';
import { isFieldName } from './field-syntax.ts';
import type { FieldTraits } from './field-traits.ts';

const BUCKETS = 512;
/** A bucket that is full is emptied: with the buckets this bounds the memory, and the time that a client can cost by inventing names that fall together. */
const MAX_IN_BUCKET = 4;
const MAX_CACHED_NAME_LENGTH = 64;

/** A name's traits, and the name as it was spelled: one string for all messages, so that a later lookup by it does not hash it again. */
export interface ClassifiedField extends FieldTraits {
  readonly spelling: string;
}

/** Finds the traits of a name as it was spelled; `undefined` when it is not a field name. A right `guess` costs one comparison, a wrong one changes nothing. */
export type FieldClassifier = (name: string | undefined, guess?: ClassifiedField) => ClassifiedField | undefined;

/**
 * Makes a classifier that caches the spellings it has seen in 512 buckets, chosen by the length and four characters of a name. Equivalent to a
 * `Map` by name, for which V8 hashes and interns each name that comes from a socket: that takes several times as long.
 * The memory is bounded: names over 64 characters are not cached, and a bucket holds four at most, so a client that invents names evicts
 * others and adds no memory.
 */
export function createFieldClassifier(traitsOf: (lowercaseName: string) => FieldTraits): FieldClassifier {
  const buckets: ClassifiedField[][] = Array.from({ length: BUCKETS }, () => []);

  return (name, guess) => {
    if (name === undefined) return undefined;
    if (guess !== undefined && guess.spelling === name) return guess;
    const bucket = buckets[bucketOf(name)] as ClassifiedField[];
    for (let index = 0; index < bucket.length; index += 1) {
      const known = bucket[index] as ClassifiedField;
      if (known.spelling === name) return known;
    }
    if (!isFieldName(name)) return undefined;
    const traits = traitsOf(name.toLowerCase());
    if (name.length > MAX_CACHED_NAME_LENGTH) return { ...traits, spelling: name };
    if (bucket.length >= MAX_IN_BUCKET) bucket.length = 0;
    const learned = { ...traits, spelling: ownCopy(name) };
    bucket.push(learned);
    return learned;
  };
}

/** Mixes the length with the characters in which names of one length mostly differ: both ends, the middle, and behind a common prefix. */
function bucketOf(name: string): number {
  const { length } = name;
  if (length === 0) return 0;
  const sum = length * 7 + name.charCodeAt(0) + name.charCodeAt(length - 1) * 3 + name.charCodeAt(length >> 1) * 5 + name.charCodeAt(length * 3 >> 2) * 11;
  return sum & (BUCKETS - 1);
}

/** A name is a slice of its head, which would stay in memory with it. V8 interns property keys: a lookup by one computes no hash. */
function ownCopy(name: string): string {
  const copy = Buffer.from(name, 'latin1').toString('latin1');
  return Object.keys({ [copy]: true })[0] ?? copy;
}
