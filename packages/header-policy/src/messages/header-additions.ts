import { copyField, isFieldValue, printableName, type RawHeaders } from '../fields/field-syntax.ts';
import type { FieldClassifier } from '../fields/field-classifier.ts';
import type { FieldTraits } from '../fields/field-traits.ts';
import { HeaderPolicyError } from '../header-policy-error.ts';

/** The gateway's own fields, added after everything else, so that nothing a peer sends can remove or repeat them. */
export interface HeaderAdditions {
  /** Fields the gateway decides: those of the same name are dropped as `replaced`. `via` is appended instead (RFC 9110 §7.6.3). */
  readonly set?: RawHeaders | undefined;
  /** Fields sent only when none of that name crossed. */
  readonly defaults?: RawHeaders | undefined;
}

/** Additions whose fields have been looked up. */
export interface PreparedAdditions {
  readonly set: RawHeaders;
  readonly setTraits: readonly FieldTraits[];
  readonly defaults: RawHeaders;
  readonly defaultTraits: readonly FieldTraits[];
}

const NONE: readonly never[] = Object.freeze([]);
const NO_ADDITIONS: PreparedAdditions = Object.freeze({ set: NONE, setTraits: NONE, defaults: NONE, defaultTraits: NONE });

/** Prepares additions, see {@link createAdditionsPreparer}. */
export type AdditionsPreparer = (additions: HeaderAdditions | undefined) => PreparedAdditions;

/**
 * Makes a preparer that checks additions as strictly as a peer's fields; it throws a {@link HeaderPolicyError} `invalid_additions` that
 * never holds a value. Additions that are frozen, their lists too, are checked once: nearly every request comes with the same.
 */
export function createAdditionsPreparer(classify: FieldClassifier): AdditionsPreparer {
  const known = new WeakMap<HeaderAdditions, PreparedAdditions>();
  return (additions) => {
    if (additions === undefined) return NO_ADDITIONS;
    const remembered = known.get(additions);
    if (remembered !== undefined) return remembered;
    const prepared = prepareAdditions(additions, classify);
    if (Object.isFrozen(additions) && Object.isFrozen(prepared.set) && Object.isFrozen(prepared.defaults)) known.set(additions, prepared);
    return prepared;
  };
}

function prepareAdditions(additions: HeaderAdditions, classify: FieldClassifier): PreparedAdditions {
  const set = additions.set ?? NONE;
  const defaults = additions.defaults ?? NONE;
  if (set.length === 0 && defaults.length === 0) return NO_ADDITIONS;
  const setTraits = traitsOfFields('set', set, classify);
  const defaultTraits = traitsOfFields('defaults', defaults, classify);
  // A default key beside a client's own would send two credentials.
  const credential = defaultTraits.find((traits) => traits.isCredential);
  if (credential !== undefined) throw refusal('defaults', credential.name, 'is a credential, give it in set');
  return { set, setTraits, defaults, defaultTraits };
}

/** Tells whether one of some fields has this name. */
export function includesName(fields: readonly FieldTraits[], name: string): boolean {
  for (let index = 0; index < fields.length; index += 1) if (fields[index]?.name === name) return true;
  return false;
}

/** Appends the defaults that no crossed field answers, then what is set. */
export function addFields(headers: string[], additions: PreparedAdditions, classify: FieldClassifier): void {
  const crossed = headers.length;
  const { set, setTraits, defaults, defaultTraits } = additions;
  for (let index = 0; index < defaultTraits.length; index += 1) {
    const name = defaultTraits[index]?.name ?? '';
    const isAnswered = includesName(setTraits, name) || hasName(headers, crossed, name, classify);
    if (!isAnswered) copyField(defaults, index * 2, headers);
  }
  for (let position = 0; position < set.length; position += 2) copyField(set, position, headers);
}

function hasName(headers: readonly string[], length: number, name: string, classify: FieldClassifier): boolean {
  for (let index = 0; index < length; index += 2) {
    const candidate = headers[index];
    if (candidate?.length === name.length && classify(candidate)?.name === name) return true;
  }
  return false;
}

function traitsOfFields(option: string, fields: RawHeaders, classify: FieldClassifier): readonly FieldTraits[] {
  if (fields.length === 0) return NONE;
  if (fields.length % 2 !== 0) {
    throw new HeaderPolicyError('invalid_additions', `${option} must hold a value for each name, received ${fields.length} strings`);
  }
  const all: FieldTraits[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    const traits = classify(name);
    if (traits === undefined) throw refusal(option, name, 'is not a field name');
    if (!traits.isAddable) throw refusal(option, name, 'is written by the HTTP client or server itself');
    if (!isFieldValue(fields[index + 1])) throw refusal(option, name, 'has a value that no field can carry');
    if (traits.singleton !== -1 && includesName(all, traits.name)) throw refusal(option, name, 'may come only once');
    all.push(traits);
  }
  return all;
}

function refusal(option: string, name: unknown, reason: string): HeaderPolicyError {
  return new HeaderPolicyError('invalid_additions', `${option} must hold fields that may be sent: ${printableName(name)} ${reason}`);
}
