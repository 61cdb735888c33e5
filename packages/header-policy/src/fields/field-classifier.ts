import { Buffer } from 'node:buffer';
import { isFieldName } from './field-syntax.ts';
import type { FieldTraits } from './field-traits.ts';

const BUCKETS = 512;
/** A bucket that is full is emptied: with the buckets this bounds the memory, and the time that a client can cost by inventing names that fall together. */
const MAX_IN_BUCKET = 4;
const MAX_CACHED_NAME_LENGTH = 64;
/** Of so many places the name that stood there last is remembered. */
const PLACES = 48;

/** A name's traits, and the name as it was spelled: one string for all messages, which whoever looks it up has hashed before. */
export interface ClassifiedField extends FieldTraits {
  readonly spelling: string;
}

/** Finds the traits of a name as it was spelled; `undefined` when it is no field name. `place` is its place in its section, if it has one. */
export type FieldClassifier = (name: string | undefined, place?: number) => ClassifiedField | undefined;

/**
 * Makes a classifier that remembers the spellings it has seen, so that a known one costs a single comparison: mostly with the name that
 * stood in its place in the section before, else with what a few of its characters lead to. A `Map` would have V8 hash and intern each
 * name that comes from a socket, which takes several times as long.
 * The memory is bounded: names over 64 characters are never kept, and four fall together at most, so a client that
 * invents names costs a little time and no memory, and cannot keep the honest ones out for ever.
 */
export function createFieldClassifier(traitsOf: (lowercaseName: string) => FieldTraits): FieldClassifier {
  const buckets: ClassifiedField[][] = Array.from({ length: BUCKETS }, () => []);
  const latest: (ClassifiedField | undefined)[] = Array.from({ length: PLACES }, () => undefined);

  function find(name: string): ClassifiedField | undefined {
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
  }

  return (name, place = PLACES) => {
    if (name === undefined) return undefined;
    const expected = latest[place];
    if (expected?.spelling === name) return expected;
    const found = find(name);
    if (found !== undefined && place < PLACES && name.length <= MAX_CACHED_NAME_LENGTH) latest[place] = found;
    return found;
  };
}

/** Tells names of the same length apart where they mostly differ: at both ends, in the middle, and after a common prefix. */
function bucketOf(name: string): number {
  const { length } = name;
  if (length === 0) return 0;
  const sum = length * 7 + name.charCodeAt(0) + name.charCodeAt(length - 1) * 3 + name.charCodeAt(length >> 1) * 5 + name.charCodeAt(length * 3 >> 2) * 11;
  return sum & (BUCKETS - 1);
}

/** A name is a piece of the head it came in, which would be kept alive with it. A key is interned: looking it up hashes nothing. */
function ownCopy(name: string): string {
  const copy = Buffer.from(name, 'latin1').toString('latin1');
  return Object.keys({ [copy]: true })[0] ?? copy;
}
