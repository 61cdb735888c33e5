import type { WorkloadResult } from '../workloads/run-workload.ts';
import { controlRatio, summarize } from './summarize.ts';

/**
 * CPU time over the floor's as it is known to be, by workload. A run of `--check` fails when one is exceeded by more than a
 * fifth; a change that makes the gateway cheaper lowers the number here.
 */
export const KNOWN_RATIOS: Readonly<Record<string, number>> = Object.freeze({
  'unary-1kb': 1.65,
  'unary-200kb': 1.35,
  'unary-2mb': 1.2,
  'sse-200': 1.15,
});

const TOLERANCE = 1.2;

/** A control so far from the floor says that the machine was too busy to tell anything. */
const CHECK_CONTROL_TOLERANCE = 0.15;

/** What `--check` says of one workload. */
export interface Verdict {
  readonly workload: string;
  readonly outcome: 'ok' | 'void' | 'regressed';
  readonly ratio: number;
  readonly limit: number;
}

/** Compares the workloads that have a known ratio with it. A void one is no failure: it says so, and says nothing else. */
export function checkRegression(results: readonly WorkloadResult[]): readonly Verdict[] {
  return results.flatMap((result): Verdict[] => {
    const known = KNOWN_RATIOS[result.workload.name];
    if (known === undefined) return [];
    const summaries = summarize(result);
    const penstock = summaries.find(({ name }) => name === 'penstock');
    const control = controlRatio(summaries) ?? Number.NaN;
    const ratio = penstock?.cpuRatio ?? Number.NaN;
    const limit = known * TOLERANCE;
    const isBroken = penstock === undefined || penstock.problem !== undefined || penstock.failures > 0 || penstock.bytes !== 'equal';
    // Measured against the mean of both floors, which halves what a busy machine adds to one of them.
    const fairRatio = ratio / ((1 + control) / 2);
    if (isBroken) return [{ workload: result.workload.name, outcome: 'regressed', ratio, limit }];
    if (!(Math.abs(control - 1) <= CHECK_CONTROL_TOLERANCE)) return [{ workload: result.workload.name, outcome: 'void', ratio: fairRatio, limit }];
    return [{ workload: result.workload.name, outcome: fairRatio > limit ? 'regressed' : 'ok', ratio: fairRatio, limit }];
  });
}
