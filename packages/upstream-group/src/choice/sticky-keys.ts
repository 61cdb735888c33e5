import type { Member } from '../resolve-settings.ts';
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
  /** The member where the key puts its requests, for the list of members that it was chosen from last. */
  home: { readonly among: readonly Member[]; readonly member: Member } | undefined;
}

/**
 * The digests of the keys that were used last: most requests come with the key of one before, and SHA-256 costs more than the choice that is made with it.
 *
 * In two halves: where the newer one is full, it takes the place of the older one, whose keys are forgotten unless they were used meanwhile.
 */
export class StickyKeys {
  #newer = new Map<string, RememberedKey>();
  #older = new Map<string, RememberedKey>();

  /** Keys that are remembered. */
  get size(): number {
    return this.#newer.size + this.#older.size;
  }

  /** The digest of an owner and a key of it, computed or remembered. */
  find(owner: string, key: string): StickyKey {
    if (owner.length + key.length > MAX_REMEMBERED_LENGTH) return new RememberedKey(owner, key);
    // Ids of sessions are different with all owners, so that to join the two texts would only cost time. Where they are not, the latest pair is remembered.
    const name = key === '' ? owner : key;
    const known = this.#newer.get(name);
    if (known?.is(owner, key) === true) return known;
    const before = this.#older.get(name);
    const found = before?.is(owner, key) === true ? before : new RememberedKey(owner, key);
    this.#older.delete(name);
    if (this.#newer.size >= MAX_REMEMBERED_KEYS / 2) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(name, found);
    return found;
  }
}

class RememberedKey implements StickyKey {
  readonly digest: Digest;
  readonly text: string;
  home: StickyKey['home'];
  readonly #owner: string;
  readonly #key: string;

  constructor(owner: string, key: string) {
    this.digest = digestOf(owner, key);
    this.text = textOf(this.digest);
    this.#owner = owner;
    this.#key = key;
  }

  is(owner: string, key: string): boolean {
    return this.#owner === owner && this.#key === key;
  }
}

/** A digest as a key of the table of moves. */
export function textOf({ high, low }: Digest): string {
  return `${high}.${low}`;
}
