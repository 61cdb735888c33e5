/** What an option must be: `typeof` values, `list` for an array and `object` for anything else with members. A question mark: it may be absent. */
export type OptionType = Kind | `${Kind}?`;

type Kind = 'string' | 'number' | 'boolean' | 'function' | 'list' | 'object';

const PHRASES: Readonly<Record<Kind, string>> = Object.freeze({
  string: 'a string', number: 'a number', boolean: 'a boolean', function: 'a function', list: 'a list', object: 'an object',
});

/**
 * Names the first option that is absent or of another type: "registry must be an object, received undefined". `undefined` if there is none. Call it
 * after `describeUnknownOption`: of a mistyped name the nearest one helps more than that the right one is absent.
 */
export function describeWrongOption(options: object, types: Readonly<Record<string, OptionType>>): string | undefined {
  for (const [name, type] of Object.entries(types)) {
    const value: unknown = Reflect.get(options, name);
    const isOptional = type.endsWith('?');
    const expected = (isOptional ? type.slice(0, -1) : type) as Kind;
    if (kindOf(value) !== expected && !(isOptional && value === undefined)) return `${name} must be ${PHRASES[expected]}, received ${phraseOf(value)}`;
  }
  return undefined;
}

/** A value in words, without the value: it may be a secret. */
export function phraseOf(value: unknown): string {
  const kind = kindOf(value);
  return Object.hasOwn(PHRASES, kind) ? PHRASES[kind as Kind] : kind;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'list' : typeof value;
}
