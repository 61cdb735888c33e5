/** How often the young generation is looked at. */
export const LOOK_EVERY_MS = 4_000;
/** A young generation of this size stays as it is. */
const SMALL_BYTES = 8 * 1024 * 1024;
/** V8 makes the young generation smaller only while the program allocates less than this (`kLowAllocationThroughput`). */
const LULL_BYTES_PER_MS = 1_000;
/** As many quiet looks in a row begin a lull: 8 s, as V8 itself waits before it returns memory. */
const QUIET_LOOKS = 2;
/** V8 follows at the second or third collection. If it does not, the lull is left alone. */
const MAX_COLLECTIONS = 5;

/** The young generation of V8, in bytes. */
export interface YoungGeneration {
  /** What it holds from the system. */
  readonly size: number;
  /** What objects take of it, garbage included. */
  readonly used: number;
}

/** Finds the lulls in which a young generation that grew under load is worth collecting. */
export class LullWatch {
  #used = Number.POSITIVE_INFINITY;
  #quietLooks = 0;
  #collections = 0;

  /** Whether to collect now. Called each {@link LOOK_EVERY_MS}. */
  isTimeToCollect({ size, used }: YoungGeneration): boolean {
    // V8 collects when the young generation is full: a smaller use says that it was.
    const isQuiet = used >= this.#used && used - this.#used < LULL_BYTES_PER_MS * LOOK_EVERY_MS;
    this.#used = used;
    this.#quietLooks = isQuiet ? this.#quietLooks + 1 : 0;
    if (!isQuiet) this.#collections = 0;
    return size > SMALL_BYTES && this.#quietLooks >= QUIET_LOOKS && this.#collections < MAX_COLLECTIONS;
  }

  /** Notes what is left after a collection. */
  collected({ used }: YoungGeneration): void {
    this.#used = used;
    this.#collections += 1;
  }
}
