import type { InboundLimits } from './inbound-limits.ts';

/**
 * Watches a request body arrive and reports a client that takes longer than `bodyStepTimeoutMs` for `bodyStepBytes`. Node's own
 * `requestTimeout` covers the whole receipt and would cut honest uploads of 500 MB. Pause it while we are the ones not reading.
 */
export class BodyProgress {
  readonly #onStalled: () => void;
  readonly #stepTimeoutMs: number;
  readonly #stepBytes: number;
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;

  constructor(limits: Pick<InboundLimits, 'bodyStepTimeoutMs' | 'bodyStepBytes'>, onStalled: () => void) {
    this.#onStalled = onStalled;
    this.#stepTimeoutMs = limits.bodyStepTimeoutMs;
    this.#stepBytes = limits.bodyStepBytes;
    this.resume();
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < this.#stepBytes) return;
    this.#bytes = 0;
    this.#timer?.refresh();
  }

  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Gives the whole time again; what arrived of the current step still counts. */
  resume(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#onStalled();
    }, this.#stepTimeoutMs);
  }
}
