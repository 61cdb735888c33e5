import { phraseOf } from './describe-wrong-option.ts';
import { nearestName } from './nearest-name.ts';

/**
 * Names the first option that is not known, and the nearest known name: "maxConnection is not an option; did you mean maxConnections?".
 * `undefined` if all are known. Plain JavaScript would otherwise ignore a mistyped option, and the limit that it sets.
 *
 * Options that are no object are named so, too: "the options must be an object, received undefined".
 *
 * `known` has one own member for each option. Write it as `Record<keyof Options, true>`, so that a forgotten option does not compile.
 * Members that are inherited or symbols are not examined.
 */
export function describeUnknownOption(options: object, known: object): string | undefined {
  if (typeof options !== 'object' || options === null) return `the options must be an object, received ${phraseOf(options)}`;
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return undefined;
  const nearest = nearestName(unknown, Object.keys(known));
  return `${unknown} is not an option${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
}
