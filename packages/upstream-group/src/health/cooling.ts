/** The shortest and the longest cool-down, in milliseconds. */
export interface CoolDown {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * `well` · `cooling`: it is not asked while another one is well · `half_open`: the cool-down is over, and one request at a time finds out whether it is
 * well.
 */
export type HealthState = 'well' | 'cooling' | 'half_open';

/** What failed, as a name of a closed set: `not_sent`, `status_529`, an error code. */
export type CoolingReason = string;

/**
 * The memory of failures of one upstream, or of one model at it: an exponential cool-down, then one probe at a time. Times are milliseconds of one
 * clock.
 */
export class Cooling {
  failures = 0;
  /** The end of the cool-down. */
  until = 0;
  reason: CoolingReason | undefined = undefined;
  isProbed = false;
  #failedAt = Number.NEGATIVE_INFINITY;

  state(now: number): HealthState {
    if (this.failures === 0) return 'well';
    return now < this.until ? 'cooling' : 'half_open';
  }

  /** Whether a request may go there by choice, which makes it the probe of a half-open one. */
  isUsable(now: number): boolean {
    return this.failures === 0 || (now >= this.until && !this.isProbed);
  }

  /**
   * Notes a failure of a request that began at `beganAt`. Requests that were under way when the cool-down began show nothing new: they lengthen it by
   * their `retry-after` only.
   */
  failed(reason: CoolingReason, beganAt: number, now: number, { minMs, maxMs }: CoolDown, retryAfterMs: number): void {
    if (beganAt >= this.#failedAt) {
      this.failures += 1;
      this.until = Math.max(this.until, now + Math.min(minMs * 2 ** Math.min(this.failures - 1, 30), maxMs));
      this.#failedAt = now;
      this.reason = reason;
    }
    this.until = Math.max(this.until, now + retryAfterMs);
  }

  /** Notes that a request that began at `beganAt` was served. */
  succeeded(beganAt: number): void {
    if (this.failures === 0 || beganAt < this.#failedAt) return;
    this.failures = 0;
    this.until = 0;
    this.reason = undefined;
  }
}
