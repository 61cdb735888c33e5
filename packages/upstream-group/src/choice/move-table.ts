/** Keys whose moves are remembered at once. */
export const MAX_MOVES = 100_000;
/** Keys of one owner that are remembered: one caller with many sessions must not push out those of others. */
export const MAX_MOVES_PER_OWNER = 1_000;
/** How long a key that is not used is remembered, in milliseconds. */
export const MOVE_IDLE_MS = 3_600_000;

/** Where a session was moved to. */
interface Move {
  readonly owner: string;
  readonly member: string;
  usedAt: number;
}

/**
 * The sessions that are not where their key alone would put them. A session that was moved stays where it is when its first member is well again: to
 * go back would cost its prompt cache a second time.
 *
 * Ordered by use: a `Map` keeps the order of insertion, and a key that is used is inserted anew.
 */
export class MoveTable {
  readonly #moves = new Map<string, Move>();
  readonly #byOwner = new Map<string, Set<string>>();

  get size(): number {
    return this.#moves.size;
  }

  /** The member that a key was moved to; notes the use. */
  find(key: string, now: number): string | undefined {
    const move = this.#moves.get(key);
    if (move === undefined) return undefined;
    if (now - move.usedAt >= MOVE_IDLE_MS) {
      this.forget(key);
      return undefined;
    }
    // At most one reinsertion a second: a busy session is near the end of the order anyway.
    if (now - move.usedAt >= 1_000) {
      this.#moves.delete(key);
      move.usedAt = now;
      this.#moves.set(key, move);
      const own = this.#byOwner.get(move.owner);
      own?.delete(key);
      own?.add(key);
    }
    return move.member;
  }

  /** Remembers a move; the key that was not used for longest is forgotten where there is no room, of its owner first. */
  remember(key: string, owner: string, member: string, now: number): void {
    this.forget(key);
    const own = this.#byOwner.get(owner) ?? new Set<string>();
    if (own.size >= MAX_MOVES_PER_OWNER) this.#forgetFirst(own);
    if (this.#moves.size >= MAX_MOVES) this.#forgetFirst(this.#moves.keys());
    this.#moves.set(key, { owner, member, usedAt: now });
    own.add(key);
    this.#byOwner.set(owner, own);
  }

  forget(key: string): void {
    const move = this.#moves.get(key);
    if (move === undefined) return;
    this.#moves.delete(key);
    const own = this.#byOwner.get(move.owner);
    own?.delete(key);
    if (own?.size === 0) this.#byOwner.delete(move.owner);
  }

  #forgetFirst(keys: Iterable<string>): void {
    for (const key of keys) {
      this.forget(key);
      return;
    }
  }
}
