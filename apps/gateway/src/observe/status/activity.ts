import { ACTIVITY_SERIES, type ActivityPart, type ActivitySeries } from './status-part.ts';

/** The length of one step of a sparkline; milliseconds. */
export const ACTIVITY_STEP_MS = 10_000;
/** Steps that are kept: 15 minutes. */
export const ACTIVITY_STEPS = 90;

/** Counts of the last 15 minutes in rings of 10 seconds. */
export class Activity {
  readonly #rings: Readonly<Record<ActivitySeries, Float64Array>> = {
    requests: new Float64Array(ACTIVITY_STEPS), failures: new Float64Array(ACTIVITY_STEPS), refusals: new Float64Array(ACTIVITY_STEPS),
    unauthenticated: new Float64Array(ACTIVITY_STEPS), open: new Float64Array(ACTIVITY_STEPS), waiting: new Float64Array(ACTIVITY_STEPS),
  };
  #lastStep = 0;

  /** Counts one event. `at` is Unix milliseconds. */
  count(series: ActivitySeries, at: number): void {
    this.#advance(at);
    const index = this.#lastStep % ACTIVITY_STEPS;
    const ring = this.#rings[series];
    ring[index] = (ring[index] ?? 0) + 1;
  }

  /** Notes a level; a step shows the highest that was noted in it. */
  note(series: ActivitySeries, level: number, at: number): void {
    this.#advance(at);
    const index = this.#lastStep % ACTIVITY_STEPS;
    const ring = this.#rings[series];
    ring[index] = Math.max(ring[index] ?? 0, level);
  }

  part(at: number): ActivityPart {
    this.#advance(at);
    const first = this.#lastStep + 1;
    const read = (series: ActivitySeries): readonly number[] => Array.from({ length: ACTIVITY_STEPS }, (_, step) => this.#rings[series][(first + step) % ACTIVITY_STEPS] ?? 0);
    return {
      lastStep: this.#lastStep,
      series: {
        requests: read('requests'), failures: read('failures'), refusals: read('refusals'),
        unauthenticated: read('unauthenticated'), open: read('open'), waiting: read('waiting'),
      },
    };
  }

  /** Empties the steps that have passed since the last call. A clock that was set back a little counts into the latest step; one that was set back further begins anew. */
  #advance(at: number): void {
    const step = Math.floor(at / ACTIVITY_STEP_MS);
    const passed = step <= this.#lastStep - ACTIVITY_STEPS ? ACTIVITY_STEPS : Math.min(ACTIVITY_STEPS, step - this.#lastStep);
    if (passed <= 0) return;
    for (const series of ACTIVITY_SERIES) for (let back = 0; back < passed; back += 1) this.#rings[series][(step - back) % ACTIVITY_STEPS] = 0;
    this.#lastStep = step;
  }
}
