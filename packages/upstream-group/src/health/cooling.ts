import type { IllNote } from './group-note.ts';

/**
 * How long after a probe was sent whole it keeps other requests away, in milliseconds. An upstream that is ill refuses at once, and the head of a message
 * that is not a stream comes only when all of it is written.
 */
export const PROBE_ALONE_MS = 5_000;

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
  /** Since when it has failed without a success between. */
  illSince = 0;
  #probedElsewhereUntil = 0;
  #failedAt = Number.NEGATIVE_INFINITY;

  state(now: number): HealthState {
    if (this.failures === 0) return 'well';
    return now < this.until ? 'cooling' : 'half_open';
  }

  /** Whether a request may go there by choice, which makes it the probe of a half-open one. */
  isUsable(now: number): boolean {
    return this.failures === 0 || (now >= this.until && !this.isProbed && now >= this.#probedElsewhereUntil);
  }

  /**
   * Notes a failure of a request that began at `beganAt`. Requests that were under way when the cool-down began show nothing new: they lengthen it by
   * their `retry-after` only. True where something is new.
   */
  failed(reason: CoolingReason, beganAt: number, now: number, { minMs, maxMs }: CoolDown, retryAfterMs: number): boolean {
    const { until, failures } = this;
    if (beganAt >= this.#failedAt) {
      if (failures === 0) this.illSince = now;
      this.failures += 1;
      this.until = Math.max(this.until, now + Math.min(minMs * 2 ** Math.min(this.failures - 1, 30), maxMs));
      this.#failedAt = now;
      this.reason = reason;
    }
    this.until = Math.max(this.until, now + retryAfterMs);
    return this.failures !== failures || this.until !== until;
  }

  /** Notes that a request that began at `beganAt` was served. True where that is new. */
  succeeded(beganAt: number): boolean {
    if (this.failures === 0 || beganAt < this.#failedAt) return false;
    this.failures = 0;
    this.until = 0;
    this.reason = undefined;
    return true;
  }

  /** What another process needs to see the same; `beganAt` is that of the request that failed last. */
  note(scope: string | undefined, now: number, beganAt: number = this.#failedAt): IllNote {
    const { reason, failures, until, illSince } = this;
    return { kind: 'ill', scope, reason, failures, coolsForMs: Math.max(0, until - now), failedAgoMs: now - this.#failedAt, beganAgoMs: now - beganAt, illForMs: now - illSince };
  }

  /** Takes what another process saw. Of two failures the later one counts; it is not added to those that were seen here. */
  take({ reason, failures, coolsForMs, failedAgoMs, illForMs }: IllNote, now: number): void {
    const failedAt = now - failedAgoMs;
    if (failedAt > this.#failedAt) {
      if (this.failures === 0) this.illSince = now - illForMs;
      this.#failedAt = failedAt;
      this.failures = failures;
      this.reason = reason;
      this.#probedElsewhereUntil = 0;
    }
    if (this.failures > 0) this.until = Math.max(this.until, now + coolsForMs);
  }

  /** Another process has sent its probe. */
  probedElsewhere(now: number): void {
    if (this.failures > 0) this.#probedElsewhereUntil = now + PROBE_ALONE_MS;
  }
}
