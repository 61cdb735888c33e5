import { performance } from 'node:perf_hooks';
import type { InboundLimits } from './inbound-limits.ts';

/**
 * Watches a request body arrive and reports a client that takes longer than `bodyStepTimeoutMs` for `bodyStepBytes`. Node's own
 * `requestTimeout` covers the whole receipt and would cut legitimate uploads of 500 MB. Pause it while we are the ones not reading.
 */
export class BodyProgress {
  readonly #onStalled: () => void;
  readonly #stepTimeoutMs: number;
  readonly #stepBytes: number;
  #isRunning = false;
  #timer: NodeJS.Timeout | undefined;
  /** Sets the timer at the end of the turn: most bodies are here before that, and need none. */
  #later: NodeJS.Immediate | undefined;
  #bytes = 0;
  /** Time of the current step that is left, as of the last pause. */
  #leftMs: number;
  #resumedAt = 0;

  constructor(limits: Pick<InboundLimits, 'bodyStepTimeoutMs' | 'bodyStepBytes'>, onStalled: () => void) {
    this.#onStalled = onStalled;
    this.#stepTimeoutMs = limits.bodyStepTimeoutMs;
    this.#stepBytes = limits.bodyStepBytes;
    this.#leftMs = limits.bodyStepTimeoutMs;
    this.resume();
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < this.#stepBytes) return;
    const isRunning = this.#isRunning;
    this.pause();
    this.#bytes = 0;
    this.#leftMs = this.#stepTimeoutMs;
    if (isRunning) this.resume();
  }

  pause(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    clearImmediate(this.#later);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leftMs -= performance.now() - this.#resumedAt;
  }

  /** Goes on with the time that was left: many short pauses give a client that trickles no more of it. */
  resume(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#resumedAt = performance.now();
    this.#later = setImmediate(setTimer, this);
  }

  /** Called when the turn in which it was resumed is over. */
  setTimer(): void {
    const leftMs = this.#leftMs - (performance.now() - this.#resumedAt);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#isRunning = false;
      this.#onStalled();
    }, Math.max(1, leftMs));
  }
}

function setTimer(progress: BodyProgress): void {
  progress.setTimer();
}
