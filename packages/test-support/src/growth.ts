import { performance } from 'node:perf_hooks';

/** Enough for the work to be compiled. */
const WARM_RUNS = 10;
const MOST_RUNS = 300;

/** What is compared: the same work on a small and on a large input. */
export interface GrowthOptions {
  readonly small: () => unknown;
  readonly large: () => unknown;
  /** How many times the time of the small one the large one may take. Quadratic work takes the square of the ratio of their sizes. */
  readonly atMost: number;
}

/**
 * How many times as long the large work takes as the small one, by the best run of each. A busy machine may take any single run away from us,
 * but not every one: it is repeated until one pair of best runs is within `atMost`, and at most 300 times.
 */
export async function measureGrowth({ small, large, atMost }: GrowthOptions): Promise<number> {
  const best = { small: Infinity, large: Infinity };
  for (let run = 0; run < MOST_RUNS && (run < WARM_RUNS || best.large > atMost * best.small); run += 1) {
    best.small = Math.min(best.small, await timeOf(small));
    best.large = Math.min(best.large, await timeOf(large));
  }
  return best.large / best.small;
}

async function timeOf(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
