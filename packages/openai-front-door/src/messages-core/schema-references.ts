import { isJsonObject, member } from '../json/json-value.ts';

/** Why a reference of a schema cannot be enforced. */
export type ReferenceProblem = 'elsewhere' | 'nowhere' | 'recursive';

/** A reference that cannot be enforced. */
export interface RefusedReference {
  readonly problem: ReferenceProblem;
  /** Where it stands, as a JSON pointer into the schema (RFC 6901). */
  readonly at: string;
}

/** One value of a schema, with the nearest target of a reference around it. */
interface Place {
  readonly value: unknown;
  readonly pointer: string;
  readonly within: string;
}

/** The pointer that a reference names; `undefined` where it names something outside of the schema. */
function targetOf(reference: string): string | undefined {
  if (!reference.startsWith('#')) return undefined;
  try {
    return decodeURIComponent(reference.slice(1));
  } catch {
    return reference.slice(1);
  }
}

/** Every object and array of a schema, in no order and without recursion. `visit` gives what is around the values inside. */
function walk(schema: unknown, visit: (place: Place) => string): void {
  const places: Place[] = [{ value: schema, pointer: '', within: '' }];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    const { value, pointer } = place;
    if (typeof value !== 'object' || value === null) continue;
    const within = visit(place);
    for (const [name, inner] of Object.entries(value)) {
      if (typeof inner === 'object') places.push({ value: inner, pointer: `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, within });
    }
  }
}

function referenceIn(value: unknown): string | undefined {
  const reference = isJsonObject(value) ? member(value, '$ref') : undefined;
  return typeof reference === 'string' ? reference : undefined;
}

/** The targets that lead back to themselves, and what only they lead to: what is left when all others were taken out one by one. */
function cyclic(edges: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> {
  const incoming = new Map<string, number>([...edges.keys()].map((node) => [node, 0]));
  for (const targets of edges.values()) for (const target of targets) incoming.set(target, (incoming.get(target) ?? 0) + 1);
  const free = [...incoming].flatMap(([node, count]) => (count === 0 ? [node] : []));
  for (let node = free.pop(); node !== undefined; node = free.pop()) {
    incoming.delete(node);
    for (const target of edges.get(node) ?? []) {
      const left = (incoming.get(target) ?? 0) - 1;
      incoming.set(target, left);
      if (left === 0) free.push(target);
    }
  }
  return new Set(incoming.keys());
}

/**
 * Finds a reference that constrained decoding refuses: out of the schema, to nothing, or round in a circle
 * (https://platform.claude.com/docs/en/build-with-claude/structured-outputs, "JSON Schema limitations"). Time and memory grow with the schema.
 */
export function findRefusedReference(schema: unknown): RefusedReference | undefined {
  // By where they stand.
  const references = new Map<string, string | undefined>();
  walk(schema, ({ value, pointer }) => {
    const reference = referenceIn(value);
    if (reference !== undefined) references.set(pointer, targetOf(reference));
    return '';
  });
  if (references.size === 0) return undefined;
  const targets = new Set(references.values());
  const edges = new Map<string, Set<string>>([['', new Set()]]);
  const around = new Map<string, string>();
  walk(schema, ({ pointer, within }) => {
    const isTarget = pointer !== '' && targets.has(pointer);
    if (isTarget) {
      edges.get(within)?.add(pointer);
      edges.set(pointer, new Set());
    }
    const now = isTarget ? pointer : within;
    const target = references.get(pointer);
    if (target !== undefined) {
      around.set(pointer, now);
      edges.get(now)?.add(target);
    }
    return now;
  });
  const circle = cyclic(edges);
  for (const [at, target] of references) {
    if (target === undefined) return { problem: 'elsewhere', at };
    if (!edges.has(target)) return { problem: 'nowhere', at };
    if (circle.has(target) && circle.has(around.get(at) ?? '')) return { problem: 'recursive', at };
  }
  return undefined;
}
