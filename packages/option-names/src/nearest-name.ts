const MOST_CHANGES = 3;
/** Characters that a beginning of a name must have to stand for it. */
const SHORTEST_BEGINNING = 3;
/** Characters of a name that are compared: the work is bounded whatever a caller passes. */
const MAX_NAME_LENGTH = 64;

/**
 * The known name that a mistyped one most likely means, the first of several equally near ones. `undefined` where none is near: more than three
 * changes, or more than half of the name. A change is a character inserted, removed or replaced, or two neighbours swapped (Damerau-Levenshtein
 * distance). Case, dashes, underscores and camel case do not count. Where none is near, the only known name that begins with `name` is meant
 * (`key` for `key_sha256`).
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = normalise(name.slice(0, MAX_NAME_LENGTH));
  let nearest: string | undefined;
  let fewest = Math.min(MOST_CHANGES, Math.floor(wanted.length / 2)) + 1;
  for (const candidate of known) {
    const changes = editDistance(wanted, normalise(candidate));
    if (changes < fewest) {
      nearest = candidate;
      fewest = changes;
    }
  }
  if (nearest !== undefined || wanted.length < SHORTEST_BEGINNING) return nearest;
  const [longer, ...others] = known.filter((candidate) => normalise(candidate).startsWith(wanted));
  return others.length === 0 ? longer : undefined;
}

/** One spelling for `maxConnections`, `max-connections` and `MAX_CONNECTIONS`. */
function normalise(name: string): string {
  return name.replaceAll(/[-_]/g, '').toLowerCase();
}

/** Damerau-Levenshtein distance, restricted: no part is edited twice. */
function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      let changes = Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (previous[column - 1] ?? 0) + (same ? 0 : 1));
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        changes = Math.min(changes, (beforePrevious[column - 2] ?? 0) + 1);
      }
      current.push(changes);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[right.length] ?? 0;
}
