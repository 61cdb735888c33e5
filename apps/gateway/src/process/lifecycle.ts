/** Where the process is in its life. `leaving`: not ready any more but still taking requests; `refusing`: only open responses go on. */
export const LIFECYCLE_STATES = ['starting', 'running', 'leaving', 'refusing'] as const;

/** One of `LIFECYCLE_STATES`. */
export type LifecycleState = (typeof LIFECYCLE_STATES)[number];

/** The one place that knows whether the gateway is coming, running or going. States only move forward. */
export interface Lifecycle {
  readonly state: LifecycleState;
  /** Every response carries `connection: close`. */
  readonly isLeaving: boolean;
  /** When it began to leave, in Unix milliseconds; absent before. */
  readonly leavingAt: number | undefined;
  /** New requests get `draining`. */
  readonly isRefusing: boolean;
  moveTo(state: LifecycleState): void;
}

/** A lifecycle in state `starting`. */
export function createLifecycle(onChange: (state: LifecycleState) => void = () => undefined): Lifecycle {
  let current = 0;
  let leavingAt: number | undefined;
  return {
    get state() { return LIFECYCLE_STATES[current] ?? 'refusing'; },
    get isLeaving() { return current >= 2; },
    get leavingAt() { return leavingAt; },
    get isRefusing() { return current >= 3; },
    moveTo(state) {
      const next = LIFECYCLE_STATES.indexOf(state);
      if (next <= current) return;
      current = next;
      if (current >= 2) leavingAt ??= Date.now();
      onChange(state);
    },
  };
}
