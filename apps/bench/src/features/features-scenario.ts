import type { Contender } from '../contenders/contender.ts';
import { penstock } from '../contenders/own-contenders.ts';
import { CONTROL_TOLERANCE } from '../report/summarize.ts';
import { pairedInterval, type PairedInterval } from '../report/paired-interval.ts';
import type { Scenario, ScenarioEnvironment } from '../scenarios/scenario.ts';
import { WORKLOADS } from '../workloads/all-workloads.ts';
import { runWorkload, type WorkloadResult } from '../workloads/run-workload.ts';
import { median, type RequestWorkload } from '../workloads/workload.ts';
import { featuredGateway } from './featured-gateway.ts';

/** The cost of a request while features are on, beside the same request while they are off. */
export interface FeatureRow {
  readonly name: string;
  readonly cpuMicroseconds: number;
  /** More than the mean of both gateways without features, microseconds; absent for those. */
  readonly more: PairedInterval | undefined;
  /** The median of the same in each process: no two of one program are compiled alike, and the interval, which takes rounds for independent, does not show it. */
  readonly moreByProcess: readonly number[];
  readonly problem: string | undefined;
}

/** What the gateways without features are called. */
export const OFF = 'all off';
export const OFF_AGAIN = 'all off (control)';
/** More processor time than without features that is aimed at, in percent. */
const AIM_PERCENT = 5;

/** Keys, limits, identity, policies and budgets on, with 10,000 users, beside all of them off. */
export const FEATURES: Scenario = {
  name: 'features',
  title: 'Keys, limits, identity and budgets on, 1 KB requests, saturated',
  async run(environment) {
    const rows = await measureFeatures(environment, [
      penstock(OFF, 1), featuredGateway('1 client', { clients: 1, people: 0 }), featuredGateway('1,000 clients', { clients: 1_000, people: 0 }),
      featuredGateway('1,000 clients and 9,000 people', { clients: 1_000, people: 9_000 }), penstock(OFF_AGAIN, 1),
    ]);
    return { report: describeFeatures(rows), figures: rows };
  },
};

/** Measures gateways with features beside two without, `OFF` and `OFF_AGAIN`, in turns; `steps` are those of the usual small requests where nothing else is given. */
export async function measureFeatures(
  { rig, isQuick, rounds, onProgress }: ScenarioEnvironment, contenders: readonly Contender[], steps: Partial<Pick<RequestWorkload, 'launches'>> = {},
): Promise<readonly FeatureRow[]> {
  const unary = WORKLOADS.find(({ name }) => name === 'unary-1kb') as RequestWorkload;
  const length = isQuick ? { rounds: 6, launches: 1, warmUpMs: 4_200 } : {};
  const workload: RequestWorkload = { ...unary, ...steps, ...length, latencyRatePerSecond: 0, ...(rounds === undefined ? {} : { rounds }) };
  return rowsOf(await runWorkload(rig, workload, contenders, onProgress));
}

function rowsOf({ workload, results }: WorkloadResult): readonly FeatureRow[] {
  const costsOf = (wanted: string): readonly number[] => results.find(({ name }) => name === wanted)?.samples.map(({ cpuMicroseconds = Number.NaN }) => cpuMicroseconds) ?? [];
  const [off, again] = [costsOf(OFF), costsOf(OFF_AGAIN)];
  return results.map(({ name, samples, problem }) => {
    const failures = samples.reduce((sum, sample) => sum + (sample.failures ?? 0), 0);
    const costs = costsOf(name);
    const more = costs.map((cost, round) => cost - ((off[round] ?? Number.NaN) + (again[round] ?? Number.NaN)) / 2);
    const isCompared = name !== OFF && name !== OFF_AGAIN && more.length >= LEAST_ROUNDS && !more.some(Number.isNaN);
    return {
      name, cpuMicroseconds: median(costs), more: isCompared ? pairedInterval(more) : undefined, moreByProcess: isCompared ? mediansOf(more, Math.ceil(workload.rounds / workload.launches)) : [],
      problem: problem ?? (failures > 0 ? `${failures} failures` : undefined),
    };
  });
}

/** An interval needs so many rounds. */
const LEAST_ROUNDS = 6;

function mediansOf(values: readonly number[], each: number): readonly number[] {
  return Array.from({ length: Math.ceil(values.length / each) }, (_, index) => median(values.slice(index * each, (index + 1) * each)));
}

/** The rows as a table, with a line on whether they mean anything. */
export function describeFeatures(rows: readonly FeatureRow[], aimPercent: number = AIM_PERCENT): string {
  const [off = Number.NaN, again = Number.NaN] = [OFF, OFF_AGAIN].map((wanted) => rows.find(({ name }) => name === wanted)?.cpuMicroseconds);
  const control = again / off;
  const lines = rows.map(({ name, cpuMicroseconds, more, moreByProcess, problem }) => {
    if (problem !== undefined) return `| ${name} | failed: ${problem.slice(0, 160)} | | | |`;
    const cells = more === undefined ? ['–', '–', '–'] : [`${more.median.toFixed(1)} (${more.low.toFixed(1)} to ${more.high.toFixed(1)})`, `${(more.median / ((off + again) / 2) * 100).toFixed(1)} %`, moreByProcess.map((each) => each.toFixed(1)).join(', ')];
    return `| ${[name, cpuMicroseconds.toFixed(1), ...cells].join(' | ')} |`;
  });
  const isVoid = !(Math.abs(control - 1) <= CONTROL_TOLERANCE);
  return [
    '| features | CPU µs/request | more µs (95 %) | more | in each process |', '|---|---:|---:|---:|---|', ...lines, '',
    `Aimed at: at most ${aimPercent} % more. Control: the second gateway without features needed ${control.toFixed(3)} × the first${isVoid ? '; **this run is void**' : ''}.`,
  ].join('\n');
}
