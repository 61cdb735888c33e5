import { HeaderPolicyError } from '../header-policy-error.ts';
import { isFieldName, printableName } from '../fields/field-syntax.ts';

/** A set of field names and of prefixes written `name-*`; `*` alone is every name. */
export interface FieldPatterns {
  /** The whole names, lowercase. */
  readonly names: ReadonlySet<string>;
  /** Tells whether a lowercase name is in the set. */
  matches(name: string): boolean;
}

/**
 * Compiles patterns once, so that a lookup is a set test and a few prefix tests; throws `invalid_rules` naming the option and its index.
 * @param always patterns of ours that come before those of the option
 */
export function compileFieldPatterns(option: string, patterns: readonly string[], always: readonly string[] = []): FieldPatterns {
  if (!Array.isArray(patterns)) {
    throw new HeaderPolicyError('invalid_rules', `${option} must be an array of field names, received ${typeof patterns}`);
  }
  const names = new Set<string>();
  const prefixes: string[] = [];
  for (const [place, pattern] of [...always, ...patterns].entries()) {
    const isPrefix = typeof pattern === 'string' && pattern.endsWith('*');
    const name = isPrefix ? pattern.slice(0, -1) : pattern;
    if (!(isPrefix && name === '') && (!isFieldName(name) || name.includes('*'))) {
      throw new HeaderPolicyError('invalid_rules', `${option}[${place - always.length}] must be a field name or a prefix ending in "*", received ${printableName(pattern)}`);
    }
    if (isPrefix) prefixes.push(name.toLowerCase());
    else names.add(name.toLowerCase());
  }
  return {
    names,
    matches: (name) => names.has(name) || prefixes.some((prefix) => name.startsWith(prefix)),
  };
}
