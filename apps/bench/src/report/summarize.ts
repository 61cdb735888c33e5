import { median } from '../workloads/workload.ts';
import type { WorkloadResult } from '../workloads/run-workload.ts';
import { pairedInterval, type PairedInterval } from './paired-interval.ts';
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
  /** Own cost: CPU time above the mean of both floors in the same round, microseconds; `undefined` for fewer than six rounds. */
  readonly own: PairedInterval | undefined;
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

/** What each round cost above the mean of its two floors, microseconds; rounds without a floor are left out. */
export function ownCosts({ results }: WorkloadResult, name: string): readonly number[] {
  const costsOf = (wanted: string): readonly number[] => results.find((result) => result.name === wanted)?.samples.map(({ cpuMicroseconds = Number.NaN }) => cpuMicroseconds) ?? [];
  const [floor, control] = [costsOf(FLOOR), costsOf(CONTROL)];
  return costsOf(name).map((cost, round) => cost - ((floor[round] ?? Number.NaN) + (control[round] ?? Number.NaN)) / 2).filter((own) => !Number.isNaN(own));
}

function ownInterval(result: WorkloadResult, name: string): PairedInterval | undefined {
  const own = ownCosts(result, name);
  return own.length < LEAST_ROUNDS || name === FLOOR || name === CONTROL ? undefined : pairedInterval(own);
}

/** An interval needs so many rounds. */
const LEAST_ROUNDS = 6;

/** Summaries of all contenders of a workload, in the order they ran. */
export function summarize(result: WorkloadResult): readonly Summary[] {
  const { results } = result;
  const of = (name: string, metric: Metric): number => median(results.find((one) => one.name === name)?.samples.map((sample) => sample[metric] ?? Number.NaN) ?? []);
  const floor = results.find(({ name }) => name === FLOOR)?.samples ?? [];
  return results.map(({ name, bytes, samples, problem }) => ({
    name,
    cpuMicroseconds: of(name, 'cpuMicroseconds'),
    cpuRatio: pairedRatio(samples, floor, 'cpuMicroseconds'),
    own: ownInterval(result, name),
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
