import { performance } from 'node:perf_hooks';

/** A clock that measures one span at a time, and costs a time stamp instead of a timer for each. It stands still until it is started. */
export class StallClock {
  readonly #limitMs: number;
  readonly #onStall: () => void;
  #startedAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `onStall` is called when one span lasts `limitMs`; the clock then stands still until it is started again. */
  constructor(limitMs: number, onStall: () => void) {
    this.#limitMs = limitMs;
    this.#onStall = onStall;
  }

  /** When the span that is running began; `undefined` while none is. */
  get startedAt(): number | undefined {
    return this.#startedAt;
  }

  /** Begins a span, unless one is running. */
  start(): void {
    if (this.#startedAt === undefined) this.restart(performance.now());
  }

  /** Begins a span anew. */
  restart(now: number): void {
    this.#startedAt = now;
    this.#timer ??= setTimeout(check, this.#limitMs, this);
  }

  /** Ends the span. The timer is left to run out: starting and stopping a thousand times a second arms it once. */
  stop(): void {
    this.#startedAt = undefined;
  }

  /** Ends the span and the timer. */
  dispose(): void {
    this.#startedAt = undefined;
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Called by the timer: the span it was set for may have ended since, or begun anew. */
  check(): void {
    this.#timer = undefined;
    if (this.#startedAt === undefined) return;
    const restMs = this.#limitMs - (performance.now() - this.#startedAt);
    if (restMs > 0) {
      this.#timer = setTimeout(check, Math.ceil(restMs), this);
      return;
    }
    this.#startedAt = undefined;
    this.#onStall();
  }
}

function check(clock: StallClock): void {
  clock.check();
}
