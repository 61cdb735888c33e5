import { median } from '../workloads/workload.ts';

/** The median of differences, with the interval that holds the true one. */
export interface PairedInterval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** How often an interval of this kind holds the true median, whatever the distribution. */
  readonly coverage: number;
}

const LEAST_COVERAGE = 0.95;

/** The narrowest interval between two of the sorted differences that holds the true median at least 19 times in 20 (the sign test's). Throws for fewer than six, of which there is none. */
export function pairedInterval(differences: readonly number[]): PairedInterval {
  const sorted = differences.toSorted((a, b) => a - b);
  let tail = 0;
  let found: PairedInterval | undefined;
  // The true median lies left of the value of this rank with the probability that at most so many of the differences lie left of it.
  for (let rank = 0; rank < sorted.length / 2; rank += 1) {
    tail += combinations(sorted.length, rank) / 2 ** sorted.length;
    const coverage = 1 - 2 * tail;
    if (coverage < LEAST_COVERAGE) break;
    found = { median: median(sorted), low: sorted[rank] as number, high: sorted[sorted.length - 1 - rank] as number, coverage };
  }
  if (found === undefined) throw new RangeError(`an interval needs at least 6 differences, received ${differences.length}`);
  return found;
}

function combinations(all: number, chosen: number): number {
  let result = 1;
  for (let index = 0; index < chosen; index += 1) result = result * (all - index) / (index + 1);
  return result;
}
