import { performance } from 'node:perf_hooks';
import { UpstreamError, type RequestPhase } from '@penstock/upstream-client';

/**
 * The one deadline of a response head over all tries: the clocks of the upstream clients begin anew with each. It is armed with the second try, so that
 * a request that is served by its first member costs no timer.
 */
export class HeadDeadline {
  isOver = false;
  #timer: NodeJS.Timeout | undefined;

  /** Starts the deadline, if it does not run yet: `spanMs` after `from`, both in `performance.now()` milliseconds. */
  arm(from: number, spanMs: number, onOver: () => void): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.isOver = true;
      onOver();
    }, Math.max(1, from + spanMs - performance.now()));
    this.#timer.unref();
  }

  /** Ends the deadline; after that it may start anew. */
  stop(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** The error of a request whose deadline is over. */
export function lateError(method: string, phase: RequestPhase): Error {
  return new UpstreamError(`no member of the group answered ${method} in time`, { code: 'headers_timeout', phase });
}
