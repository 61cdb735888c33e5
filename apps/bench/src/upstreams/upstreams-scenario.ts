import type { Contender } from '../contenders/contender.ts';
import { penstock } from '../contenders/own-contenders.ts';
import { pairedInterval, type PairedInterval } from '../report/paired-interval.ts';
import { CONTROL_TOLERANCE } from '../report/summarize.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { WORKLOADS } from '../workloads/all-workloads.ts';
import { runWorkload, type WorkloadResult } from '../workloads/run-workload.ts';
import { median, type RequestWorkload } from '../workloads/workload.ts';

/** The cost of a request by how its upstream is configured, beside the same request in the short form. */
export interface UpstreamsRow {
  readonly name: string;
  readonly cpuMicroseconds: number;
  /** More than the mean of both gateways with the short form, microseconds; absent for those. */
  readonly more: PairedInterval | undefined;
  readonly problem: string | undefined;
}

const SHORT = 'base_url and api_key';
const SHORT_AGAIN = 'base_url and api_key (control)';
const POOL = { max_connections: 12_000, max_keepalive_connections: 1_000, max_waiting: 1_000 };
/** A paired interval of fewer rounds says nothing. */
const FEWEST_ROUNDS = 6;

/** What one of several upstreams costs: chosen for each request, with health, sticky sessions and a head made for each try. All are the same server. */
export const UPSTREAMS: Scenario = {
  name: 'upstreams',
  title: 'One upstream and four, 1 KB requests, saturated',
  async run({ rig, isQuick, rounds, onProgress }) {
    const unary = WORKLOADS.find(({ name }) => name === 'unary-1kb') as RequestWorkload;
    const length = isQuick ? { rounds: FEWEST_ROUNDS, launches: 1, warmUpMs: 4_200 } : {};
    const workload: RequestWorkload = { ...unary, ...length, latencyRatePerSecond: 0, ...(rounds === undefined ? {} : { rounds }) };
    const contenders = [penstock(SHORT, 1), withUpstreams('a list of one', 1), withUpstreams('a list of four', 4), penstock(SHORT_AGAIN, 1)];
    const rows = rowsOf(await runWorkload(rig, workload, contenders, onProgress));
    return { report: describeUpstreams(rows), figures: rows };
  },
};

function withUpstreams(name: string, count: number): Contender {
  return {
    name, description: `the gateway with ${count} listed`, isPeer: false,
    start(environment) {
      const upstreams = Array.from({ length: count }, (_, index) => ({ name: `upstream_${index}`, base_url: environment.upstreamOrigin, credential: { api_key: `sk-ant-api03-bench-${index}` } }));
      return penstock(name, 1, { config: { anthropic_native: { upstreams, pool: POOL } } }).start(environment);
    },
  };
}

function rowsOf({ results }: WorkloadResult): readonly UpstreamsRow[] {
  const costsOf = (wanted: string): readonly number[] => results.find(({ name }) => name === wanted)?.samples.map(({ cpuMicroseconds = Number.NaN }) => cpuMicroseconds) ?? [];
  const [short, again] = [costsOf(SHORT), costsOf(SHORT_AGAIN)];
  return results.map(({ name, samples, problem }) => {
    const failures = samples.reduce((sum, sample) => sum + (sample.failures ?? 0), 0);
    const costs = costsOf(name);
    const more = costs.map((cost, round) => cost - ((short[round] ?? Number.NaN) + (again[round] ?? Number.NaN)) / 2);
    const isCompared = name !== SHORT && name !== SHORT_AGAIN && more.length >= FEWEST_ROUNDS && !more.some(Number.isNaN);
    return { name, cpuMicroseconds: median(costs), more: isCompared ? pairedInterval(more) : undefined, problem: problem ?? (failures > 0 ? `${failures} failures` : undefined) };
  });
}

/** The rows as a table, with a line on whether they mean anything. */
export function describeUpstreams(rows: readonly UpstreamsRow[]): string {
  const [short = Number.NaN, again = Number.NaN] = [SHORT, SHORT_AGAIN].map((wanted) => rows.find(({ name }) => name === wanted)?.cpuMicroseconds);
  const control = again / short;
  const percent = (microseconds: number): string => `${(microseconds / ((short + again) / 2) * 100).toFixed(1)} %`;
  const lines = rows.map(({ name, cpuMicroseconds, more, problem }) => {
    if (problem !== undefined) return `| ${name} | failed: ${problem.slice(0, 160)} | | |`;
    const cells = more === undefined ? ['–', '–'] : [`${more.median.toFixed(1)} (${more.low.toFixed(1)} to ${more.high.toFixed(1)})`, `${percent(more.median)} (${percent(more.low)} to ${percent(more.high)})`];
    return `| ${[name, cpuMicroseconds.toFixed(1), ...cells].join(' | ')} |`;
  });
  const isVoid = !(Math.abs(control - 1) <= CONTROL_TOLERANCE);
  return [
    '| upstreams | CPU µs/request | more µs (95 %) | more (95 %) |', '|---|---:|---:|---:|', ...lines, '',
    `Aimed at: a list of one within 1 %, a list of four at most 2 % more. Control: the second gateway with the short form needed ${control.toFixed(3)} × the first${isVoid ? '; **this run is void**' : ''}.`,
  ].join('\n');
}
