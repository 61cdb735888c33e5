import { pairedInterval } from '../report/paired-interval.ts';
import { controlRatio, CONTROL_TOLERANCE, ownCosts, summarize } from '../report/summarize.ts';
import type { WorkloadResult } from '../workloads/run-workload.ts';
import { median } from '../workloads/workload.ts';

/** The contender that is built from the base; `penstock` is that of HEAD. */
export const BASE = 'penstock (base)';
export const HEAD = 'penstock';

/** How much more own cost HEAD may have. */
const TOLERANCE = 0.1;

/**
 * A difference below this share of the floor's cost is none: two processes of one program differ by as much, because no two are compiled alike. It
 * decides where own cost is small, or below nothing, as that of a streamed event.
 */
const LEAST_SHARE_OF_FLOOR = 0.05;

/** What the rounds of one launch show. */
export interface LaunchVerdict {
  readonly outcome: 'ok' | 'void' | 'regressed';
  readonly reason: string;
}

/** Compares the own cost of HEAD with that of the base. It is `regressed` only where nearly every round agrees (the interval of the excess lies above nothing). */
export function judgeLaunch(result: WorkloadResult): LaunchVerdict {
  const summaries = summarize(result);
  const head = summaries.find(({ name }) => name === HEAD);
  if (head === undefined || head.problem !== undefined || head.failures > 0 || head.bytes !== 'equal') {
    return { outcome: 'regressed', reason: `HEAD did not serve the workload: ${head?.problem ?? (head === undefined ? 'it did not run' : `${head.failures} failures, bytes ${head.bytes}`)}` };
  }
  const base = summaries.find(({ name }) => name === BASE);
  const control = controlRatio(summaries) ?? Number.NaN;
  if (base === undefined || base.problem !== undefined || base.failures > 0) return { outcome: 'void', reason: `the base did not serve the workload: ${base?.problem ?? 'failures'}` };
  if (!(Math.abs(control - 1) <= CONTROL_TOLERANCE)) return { outcome: 'void', reason: `the second floor needed ${control.toFixed(3)} × the first` };
  const floor = summaries.find(({ name }) => name === 'floor')?.cpuMicroseconds ?? Number.NaN;
  const [headCosts, baseCosts] = [ownCosts(result, HEAD), ownCosts(result, BASE)];
  const allowed = Math.max(TOLERANCE * median(baseCosts), LEAST_SHARE_OF_FLOOR * floor);
  const excess = pairedInterval(headCosts.map((cost, round) => cost - (baseCosts[round] as number) - allowed));
  const figures = `own cost ${median(headCosts).toFixed(1)} µs beside ${median(baseCosts).toFixed(1)} µs of the base, ${allowed.toFixed(1)} µs more allowed, control ${control.toFixed(3)}`;
  return { outcome: excess.low > 0 ? 'regressed' : 'ok', reason: figures };
}
