import { performance } from 'node:perf_hooks';
import type { WindowReading } from './counter-store.ts';
import { NO_TOKENS, type TokenAmounts, type TokenReading } from './token-limits.ts';

/** What one caller uses now. Windows end on the monotonic clock; one that has ended counts nothing. */
export class CallerCounters {
  /** Requests that run, with a place or without. */
  #running = 0;
  #places = 0;
  #requests = 0;
  #requestsEndAt = 0;
  #inputUsed = 0;
  #outputUsed = 0;
  #tokensEndAt = 0;
  #inputReserved = 0;
  #outputReserved = 0;
  readonly #windowMs: number;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Places that running requests hold. */
  get places(): number {
    return this.#places;
  }

  /** A request begins to run; each is ended once. */
  begin(takesPlace: boolean): void {
    this.#running += 1;
    if (takesPlace) this.#places += 1;
  }

  /** A request that began the same way has ended. */
  end(givesPlaceBack: boolean): void {
    this.#running -= 1;
    if (givesPlaceBack) this.#places -= 1;
  }

  /** Counts one request; the first one starts the window. */
  countRequest(): WindowReading {
    const now = performance.now();
    if (this.#requestsEndAt <= now) [this.#requests, this.#requestsEndAt] = [0, now + this.#windowMs];
    this.#requests += 1;
    return { consumed: this.#requests, resetsInMs: this.#requestsEndAt - now };
  }

  /** The counters of tokens. */
  tokens(): TokenReading {
    const resetsInMs = Math.max(0, this.#tokensEndAt - performance.now());
    return {
      used: resetsInMs > 0 ? { input_tokens_per_minute: this.#inputUsed, output_tokens_per_minute: this.#outputUsed } : NO_TOKENS,
      reserved: { input_tokens_per_minute: this.#inputReserved, output_tokens_per_minute: this.#outputReserved }, resetsInMs,
    };
  }

  reserve(wanted: TokenAmounts): void {
    this.#inputReserved += wanted.input_tokens_per_minute;
    this.#outputReserved += wanted.output_tokens_per_minute;
  }

  /** Turns a reservation into tokens used; the first use starts the window. */
  settle(reserved: TokenAmounts, used: TokenAmounts): void {
    this.#inputReserved -= reserved.input_tokens_per_minute;
    this.#outputReserved -= reserved.output_tokens_per_minute;
    if (used.input_tokens_per_minute === 0 && used.output_tokens_per_minute === 0) return;
    const now = performance.now();
    if (this.#tokensEndAt <= now) [this.#inputUsed, this.#outputUsed, this.#tokensEndAt] = [0, 0, now + this.#windowMs];
    this.#inputUsed += used.input_tokens_per_minute;
    this.#outputUsed += used.output_tokens_per_minute;
  }

  /** Whether nothing of it counts any more. */
  isIdle(): boolean {
    const now = performance.now();
    return this.#running === 0 && this.#requestsEndAt <= now && this.#tokensEndAt <= now;
  }
}

/** The counters of all callers by their keys. */
export interface AllCounters {
  of(key: string): CallerCounters;
  clear(): void;
  /** Callers that are remembered. */
  readonly size: number;
}

/** How many old entries are looked at when one is added: what counts nothing any more goes, and no sweep is needed. */
const SWEPT_EACH_TIME = 2;

/** Makes empty counters. @param windowMs the window of the limits a minute, in milliseconds */
export function createCallerCounters(windowMs: number): AllCounters {
  const callers = new Map<string, CallerCounters>();

  /** Persons are many, and a subject of a workload may never call again. What is still in use goes to the end, behind what was not looked at. */
  function sweep(): void {
    let looked = 0;
    for (const [key, caller] of callers) {
      if (looked >= SWEPT_EACH_TIME) break;
      looked += 1;
      callers.delete(key);
      if (!caller.isIdle()) callers.set(key, caller);
    }
  }

  return {
    of(key) {
      const known = callers.get(key);
      if (known !== undefined) return known;
      sweep();
      const made = new CallerCounters(windowMs);
      callers.set(key, made);
      return made;
    },
    clear() { callers.clear(); },
    get size() {
      return callers.size;
    },
  };
}
