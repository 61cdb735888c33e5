import { median } from '../workloads/workload.ts';
import type { WorkloadResult } from '../workloads/run-workload.ts';
import type { Sample } from '../workloads/workload.ts';

/** The name of the first floor, to which every ratio is taken, and of the second, which tells whether a run means anything. */
export const FLOOR = 'floor';
export const CONTROL = 'floor (control)';
export const DIRECT = 'direct';

/** How far the control may be from the floor before a workload's ratios are void. */
export const CONTROL_TOLERANCE = 0.05;

type Metric = Exclude<keyof Sample, 'failures'>;

/** Medians of one contender over the rounds, and its ratios to the floor. */
export interface Summary {
  readonly name: string;
  readonly cpuMicroseconds: number;
  /** CPU time over the floor's of the same round. */
  readonly cpuRatio: number;
  readonly perSecond: number;
  /** Latency over that of the direct call. */
  readonly addedP50Ms: number;
  readonly addedP99Ms: number;
  readonly p99Ratio: number;
  readonly loopDelayMs: number;
  readonly baseBytes: number;
  readonly bytesPerStream: number;
  readonly leakedStreams: number;
  readonly grownBytes: number;
  readonly failures: number;
  readonly bytes: string;
  readonly problem: string | undefined;
}

/**
 * The median over the rounds of what one contender needed over what the other did in the same round: a machine whose speed changes from
 * minute to minute was mostly of one speed for both.
 */
function pairedRatio(samples: readonly Sample[], base: readonly Sample[], metric: Metric): number {
  return median(samples.map((sample, round) => (sample[metric] ?? Number.NaN) / (base[round]?.[metric] ?? Number.NaN)));
}

/** Summaries of all contenders of a workload, in the order they ran. */
export function summarize({ results }: WorkloadResult): readonly Summary[] {
  const of = (name: string, metric: Metric): number => median(results.find((result) => result.name === name)?.samples.map((sample) => sample[metric] ?? Number.NaN) ?? []);
  const floor = results.find(({ name }) => name === FLOOR)?.samples ?? [];
  return results.map(({ name, bytes, samples, problem }) => ({
    name,
    cpuMicroseconds: of(name, 'cpuMicroseconds'),
    cpuRatio: pairedRatio(samples, floor, 'cpuMicroseconds'),
    perSecond: of(name, 'perSecond'),
    addedP50Ms: of(name, 'p50Ms') - of(DIRECT, 'p50Ms'),
    addedP99Ms: of(name, 'p99Ms') - of(DIRECT, 'p99Ms'),
    p99Ratio: pairedRatio(samples, floor, 'p99Ms'),
    loopDelayMs: of(name, 'loopDelayMs'),
    baseBytes: of(name, 'baseBytes'),
    bytesPerStream: of(name, 'bytesPerStream'),
    leakedStreams: of(name, 'leakedStreams'),
    // Growth that the next round takes back is no growth.
    grownBytes: samples.reduce((total, { grownBytes = Number.NaN }) => total + grownBytes, 0) / samples.length,
    failures: samples.reduce((total, { failures = 0 }) => total + failures, 0),
    bytes: bytes ?? '',
    problem,
  }));
}

/** Whether the second floor agrees with the first; `undefined` where there is none. */
export function controlRatio(summaries: readonly Summary[]): number | undefined {
  const control = summaries.find(({ name }) => name === CONTROL);
  return control === undefined || Number.isNaN(control.cpuRatio) ? undefined : control.cpuRatio;
}
