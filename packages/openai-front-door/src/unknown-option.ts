const MOST_CHANGES = 3;

/**
 * Names the first option that is not known, and the nearest known name: a mistyped option in plain JavaScript would otherwise be ignored, and a
 * limit with it. `undefined` if all are known. Packages that import no other package have a copy of this file each; a test compares them.
 */
export function describeUnknownOption(options: object, known: object): string | undefined {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return undefined;
  const nearest = nearestName(unknown, Object.keys(known));
  return `${unknown} is not an option${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
}

function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = normalise(name.slice(0, 64));
  const most = Math.min(MOST_CHANGES, Math.floor(wanted.length / 2));
  const [nearest] = known.map((candidate) => ({ candidate, changes: editDistance(wanted, normalise(candidate)) }))
    .filter(({ changes }) => changes <= most).toSorted((left, right) => left.changes - right.changes);
  return nearest?.candidate;
}

/** One spelling for `maxConnections`, `max-connections` and `MAX_CONNECTIONS`. */
function normalise(name: string): string {
  return name.replaceAll(/[-_]/g, '').toLowerCase();
}

/** Levenshtein distance. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
