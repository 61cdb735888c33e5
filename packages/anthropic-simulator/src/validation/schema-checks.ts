import { isJsonObject } from '../json.ts';

/** What is wrong, in the API's words, or `undefined`. */
export type Check = string | undefined;

/** The first problem of a list of lazily made checks. */
export function firstOf(...checks: ReadonlyArray<() => Check>): Check {
  for (const check of checks) {
    const problem = check();
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** The first problem among the elements of a list. */
export function eachOf<T>(items: readonly T[], check: (item: T, index: number) => Check): Check {
  for (const [index, item] of items.entries()) {
    const problem = check(item, index);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Refuses members that the schema does not name. */
export function noExtras(path: string, value: Readonly<Record<string, unknown>>, allowed: ReadonlySet<string>): Check {
  const extra = Object.keys(value).find((name) => !allowed.has(name));
  return extra === undefined ? undefined : `${path === '' ? '' : `${path}.`}${extra}: Extra inputs are not permitted`;
}

/** Requires a string, not empty, of at most `maxLength` characters and of a pattern if one is given. */
export function checkString(path: string, value: unknown, options: { readonly pattern?: RegExp; readonly maxLength?: number; readonly mayBeEmpty?: boolean } = {}): Check {
  if (value === undefined) return `${path}: Field required`;
  if (typeof value !== 'string') return `${path}: Input should be a valid string`;
  if (value === '' && options.mayBeEmpty !== true) return `${path}: String should have at least 1 character`;
  if (options.maxLength !== undefined && value.length > options.maxLength) return `${path}: String should have at most ${options.maxLength} characters`;
  if (options.pattern !== undefined && !options.pattern.test(value)) return `${path}: String should match pattern '${options.pattern.source}'`;
  return undefined;
}

/** Requires a whole number within bounds. */
export function checkInteger(path: string, value: unknown, minimum: number): Check {
  if (value === undefined) return `${path}: Field required`;
  if (typeof value !== 'number' || !Number.isInteger(value)) return `${path}: Input should be a valid integer`;
  return value < minimum ? `${path}: Input should be greater than or equal to ${minimum}` : undefined;
}

/** Requires a number from 0 to 1. */
export function checkFraction(path: string, value: unknown): Check {
  if (typeof value !== 'number') return `${path}: Input should be a valid number`;
  if (value < 0) return `${path}: Input should be greater than or equal to 0`;
  return value > 1 ? `${path}: Input should be less than or equal to 1` : undefined;
}

/** Requires a boolean. */
export function checkBoolean(path: string, value: unknown): Check {
  return typeof value === 'boolean' ? undefined : `${path}: Input should be a valid boolean`;
}

/** Requires one of a few strings. */
export function checkOneOf(path: string, value: unknown, allowed: readonly string[]): Check {
  return typeof value === 'string' && allowed.includes(value) ? undefined : `${path}: Input should be ${quoteAll(allowed)}`;
}

/** Requires an object. */
export function checkObject(path: string, value: unknown): Check {
  if (value === undefined) return `${path}: Field required`;
  return isJsonObject(value) ? undefined : `${path}: Input should be a valid dictionary`;
}

/** Refuses an object whose `type` is not one of the tags of a union. */
export function checkTag(path: string, value: Readonly<Record<string, unknown>>, tags: readonly string[]): Check {
  const tag = value['type'];
  if (tag === undefined) return `${path}.type: Field required`;
  if (typeof tag === 'string' && tags.includes(tag)) return undefined;
  return `${path}: Input tag '${typeof tag === 'string' ? tag : JSON.stringify(tag)}' found using 'type' does not match any of the expected tags: ${tags.map((name) => `'${name}'`).join(', ')}`;
}

function quoteAll(names: readonly string[]): string {
  const quoted = names.map((name) => `'${name}'`);
  return quoted.length === 1 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
}
