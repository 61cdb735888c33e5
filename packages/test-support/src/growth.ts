/** Enough for the work to be compiled. */
const WARM_RUNS = 10;
const MOST_RUNS = 300;

/**
 * What is compared: the same work on a small and on a large input. Their sizes should differ by 200 times and more: work in proportion is then far below the
 * bound, and quadratic work, which takes the square of that, far above it, on every machine.
 */
export interface GrowthOptions {
  readonly small: () => unknown;
  readonly large: () => unknown;
  /** How many times the time of the small one the large one may take: about eight times the ratio of their sizes. */
  readonly atMost: number;
}

/**
 * How many times as much processor time the large work takes as the small one, by the best run of each, over all threads of this process. Other programs of a
 * busy machine take none of it; what they do to its caches they do not do in every run: it is repeated until one pair of best runs is within `atMost`, and
 * at most 300 times.
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
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  // Less than a microsecond counts as one.
  return Math.max(1, user + system);
}
