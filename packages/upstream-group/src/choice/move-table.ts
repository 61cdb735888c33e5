import type { MoveNote } from '../health/group-note.ts';

/** Keys whose moves are remembered at once. */
export const MAX_MOVES = 100_000;
/** Keys of one owner that are remembered: one caller with many sessions must not push out those of others. */
export const MAX_MOVES_PER_OWNER = 1_000;
/** How long a key that is not used is remembered, in milliseconds. */
export const MOVE_IDLE_MS = 3_600_000;

/** How often a key that is used is noted for other processes, in milliseconds: those that do not see it used would forget it. */
export const NOTE_AGAIN_MS: number = MOVE_IDLE_MS / 4;
/** Keys that a new process gets of those that are remembered: the ones used last. */
export const MAX_NOTED_MOVES = 10_000;

/** Where a session was moved to. */
interface Move {
  readonly owner: string;
  readonly member: string;
  usedAt: number;
  notedAt: number;
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
  /** Gets the moves that other processes do not know, or would forget. */
  onNote: ((note: MoveNote) => void) | undefined;

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
      if (now - move.notedAt >= NOTE_AGAIN_MS) this.#note(key, move, now);
    }
    return move.member;
  }

  /** Remembers a move of this process, and notes it for others. */
  moved(key: string, owner: string, member: string, now: number): void {
    this.remember(key, owner, member, now);
    const move = this.#moves.get(key);
    if (move !== undefined) this.#note(key, move, now);
  }

  /** The moves of the keys that were used last, for a new process. */
  notes(now: number): MoveNote[] {
    const used = [...this.#moves].slice(-MAX_NOTED_MOVES).filter(([, { usedAt }]) => now - usedAt < MOVE_IDLE_MS);
    return used.map(([key, { owner, member }]) => ({ kind: 'moved', key, owner, to: member }));
  }

  /** Remembers a move; the key that was not used for longest is forgotten where there is no room, of its owner first. */
  remember(key: string, owner: string, member: string, now: number): void {
    this.forget(key);
    const own = this.#byOwner.get(owner) ?? new Set<string>();
    if (own.size >= MAX_MOVES_PER_OWNER) this.#forgetFirst(own);
    if (this.#moves.size >= MAX_MOVES) this.#forgetFirst(this.#moves.keys());
    this.#moves.set(key, { owner, member, usedAt: now, notedAt: now });
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

  #note(key: string, move: Move, now: number): void {
    move.notedAt = now;
    this.onNote?.({ kind: 'moved', key, owner: move.owner, to: move.member });
  }

  #forgetFirst(keys: Iterable<string>): void {
    for (const key of keys) {
      this.forget(key);
      return;
    }
  }
}
