import { performance } from 'node:perf_hooks';

/** Something with a deadline, in `performance.now` milliseconds; the links belong to the clock. */
export interface Timed {
  deadline: number;
  isTimed: boolean;
  previousTimed: Timed | undefined;
  nextTimed: Timed | undefined;
  onDeadline(): void;
}

/** Without an earlier deadline the clock looks this often, so that moving a deadline later costs nothing. */
const LONGEST_TICK_MS = 1_000;

/**
 * One timer for the deadlines of all requests.
 *
 * A request has one deadline at a time and moves it with every piece of its response. That is an assignment here; a
 * Node timer per request and phase was the largest single cost of this package. No deadline fires early, not even when
 * the turn that set it was long, and the timer alone does not keep the process alive.
 */
export class DeadlineClock {
  private first: Timed | undefined = undefined;
  private timer: NodeJS.Timeout | undefined = undefined;
  private tickAt: number = Number.POSITIVE_INFINITY;

  add(timed: Timed): void {
    timed.isTimed = true;
    timed.nextTimed = this.first;
    if (this.first !== undefined) this.first.previousTimed = timed;
    this.first = timed;
  }

  delete(timed: Timed): void {
    if (!timed.isTimed) return;
    const { previousTimed, nextTimed } = timed;
    if (previousTimed === undefined) this.first = nextTimed;
    else previousTimed.nextTimed = nextTimed;
    if (nextTimed !== undefined) nextTimed.previousTimed = previousTimed;
    timed.isTimed = false;
    timed.previousTimed = undefined;
    timed.nextTimed = undefined;
  }

  /** Sets the deadline of a member to `now + spanMs`. */
  set(timed: Timed, now: number, spanMs: number): void {
    const deadline = now + spanMs;
    timed.deadline = deadline;
    if (deadline < this.tickAt) this.arm(now, deadline);
  }

  private arm(now: number, deadline: number): void {
    const span = Math.min(Math.max(deadline - now, 1), LONGEST_TICK_MS);
    clearTimeout(this.timer);
    this.tickAt = now + span;
    this.timer = setTimeout(tick, Math.ceil(span), this);
    this.timer.unref();
  }

  /** Finds what is due, sets the timer for the rest, and only then calls out: a callback may end or start requests. */
  look(): void {
    this.timer = undefined;
    this.tickAt = Number.POSITIVE_INFINITY;
    if (this.first === undefined) return;
    const now = performance.now();
    const due: Timed[] = [];
    let earliest = Number.POSITIVE_INFINITY;
    for (let timed: Timed | undefined = this.first; timed !== undefined; timed = timed.nextTimed) {
      if (timed.deadline <= now) due.push(timed);
      else if (timed.deadline < earliest) earliest = timed.deadline;
    }
    this.arm(now, earliest);
    for (const timed of due) if (timed.isTimed && timed.deadline <= now) timed.onDeadline();
  }
}

function tick(clock: DeadlineClock): void {
  clock.look();
}
