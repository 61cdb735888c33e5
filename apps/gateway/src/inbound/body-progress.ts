/** The least a client must send of its body in one interval; the rest of the body counts as enough. */
export const BODY_PROGRESS_BYTES = 16 * 1024;

/** Milliseconds of one interval. */
export const BODY_PROGRESS_INTERVAL_MS = 30_000;

/**
 * Watches a request body arrive and reports a client that sends less than `BODY_PROGRESS_BYTES` in an interval. Node's own
 * `requestTimeout` covers the whole receipt and would cut honest uploads of 500 MB. Pause it while we are the ones not reading.
 */
export class BodyProgress {
  readonly #onStalled: () => void;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;

  constructor(onStalled: () => void, intervalMs: number = BODY_PROGRESS_INTERVAL_MS) {
    this.#onStalled = onStalled;
    this.#intervalMs = intervalMs;
    this.resume();
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Starts a fresh interval. */
  resume(): void {
    if (this.#timer !== undefined) return;
    this.#bytes = 0;
    this.#timer = setTimeout(() => this.#check(), this.#intervalMs);
  }

  #check(): void {
    this.#timer = undefined;
    if (this.#bytes < BODY_PROGRESS_BYTES) this.#onStalled();
    else this.resume();
  }
}
