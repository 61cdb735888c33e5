import { digestOf, type Digest } from './rank-members.ts';

/** Keys whose digests are remembered at once, at most. */
export const MAX_REMEMBERED_KEYS = 4_096;
/** Characters of a key and its owner that are remembered; the digest of a longer one is computed each time. */
export const MAX_REMEMBERED_LENGTH = 512;

/** What a request sticks to. */
export interface StickyKey {
  readonly digest: Digest;
  /** What stands for it in the table of moves. */
  readonly text: string;
}

/**
 * The digests of the keys that were used last: most requests come with the key of one before, and SHA-256 costs more than the choice that is made with it.
 *
 * In two halves: where the newer one is full, it takes the place of the older one, whose keys are forgotten unless they were used meanwhile.
 */
export class StickyKeys {
  #newer = new Map<string, StickyKey>();
  #older = new Map<string, StickyKey>();

  /** Keys that are remembered. */
  get size(): number {
    return this.#newer.size + this.#older.size;
  }

  /** The digest of an owner and a key of it, computed or remembered. */
  find(owner: string, key: string): StickyKey {
    if (owner.length + key.length > MAX_REMEMBERED_LENGTH) return toStickyKey(owner, key);
    // With the length of the owner in front, no two pairs have one text.
    const pair = `${owner.length}:${owner}${key}`;
    const known = this.#newer.get(pair);
    if (known !== undefined) return known;
    const found = this.#older.get(pair) ?? toStickyKey(owner, key);
    this.#older.delete(pair);
    if (this.#newer.size >= MAX_REMEMBERED_KEYS / 2) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(pair, found);
    return found;
  }
}

function toStickyKey(owner: string, key: string): StickyKey {
  const digest = digestOf(owner, key);
  return { digest, text: textOf(digest) };
}

/** A digest as a key of the table of moves. */
export function textOf({ high, low }: Digest): string {
  return `${high}.${low}`;
}
