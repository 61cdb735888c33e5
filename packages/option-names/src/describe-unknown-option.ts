import { nearestName } from './nearest-name.ts';

/**
 * Names the first option that is not known, and the nearest known name: "maxConnection is not an option; did you mean maxConnections?".
 * `undefined` if all are known. Plain JavaScript would otherwise ignore a mistyped option, and the limit that it sets.
 *
 * `known` has one own member for each option. Write it as `Record<keyof Options, true>`, so that a forgotten option does not compile.
 * Members that are inherited or symbols are not examined.
 */
export function describeUnknownOption(options: object, known: object): string | undefined {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return undefined;
  const nearest = nearestName(unknown, Object.keys(known));
  return `${unknown} is not an option${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
}
