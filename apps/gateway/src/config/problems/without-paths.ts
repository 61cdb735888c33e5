/** A copy of a document without what stands at some paths; list entries are removed, and the root becomes an empty object. */
export function withoutPaths(document: unknown, paths: readonly (readonly PropertyKey[])[]): unknown {
  if (paths.some((path) => path.length === 0)) return {};
  if (paths.length === 0 || typeof document !== 'object' || document === null) return document;
  // Grouped once: looking through all paths for every key would take seconds for a file full of unknown keys.
  const byFirst = Map.groupBy(paths, ([first]) => first);
  const keep = (key: PropertyKey, value: unknown): unknown[] => {
    const below = (byFirst.get(key) ?? []).map((path) => path.slice(1));
    return below.some((path) => path.length === 0) ? [] : [withoutPaths(value, below)];
  };
  // A list entry with anything wrong inside goes as a whole: what is left of it may lack what it requires.
  if (Array.isArray(document)) return document.filter((_item, index) => !byFirst.has(index));
  return Object.fromEntries(Object.entries(document).flatMap(([key, value]) => keep(key, value).map((kept): [string, unknown] => [key, kept])));
}
