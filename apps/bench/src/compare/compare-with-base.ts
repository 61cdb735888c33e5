import type { Contender } from '../contenders/contender.ts';
import { floor, penstock } from '../contenders/own-contenders.ts';
import { CONTROL, FLOOR } from '../report/summarize.ts';
import { WORKLOADS } from '../workloads/all-workloads.ts';
import type { BenchRig } from '../workloads/bench-rig.ts';
import { runWorkload, type WorkloadResult } from '../workloads/run-workload.ts';
import type { Workload } from '../workloads/workload.ts';
import { BASE, HEAD, judgeLaunch, type LaunchVerdict } from './judge-launch.ts';

/** The verdict on one workload. */
export interface Comparison extends LaunchVerdict {
  readonly workload: string;
  readonly launches: number;
  /** Of the last launch. */
  readonly result: WorkloadResult;
}

/** The smallest request and the event of a stream: what coding agents do all day. */
const COMPARED = ['unary-1kb', 'sse-200-saturated'];

/** As many launches in a row must agree: a process that happened to be compiled badly is started again. */
const AGREEING_LAUNCHES = 3;

/** No launch begins later than this after the first: one takes about half a minute. */
const LAST_LAUNCH_MS = 110_000;

function shortened(workload: Workload): Workload {
  if (workload.kind === 'requests') return { ...workload, launches: 1, rounds: 9, warmUpMs: 4_200, sliceMs: 350, latencyRatePerSecond: 0 };
  return workload.kind === 'streams' ? { ...workload, launches: 1, rounds: 9, warmUpMs: 1_200, windowMs: 400 } : workload;
}

/** Measures the gateway of this build beside that of another commit, in interleaved rounds of the same launch. `baseMain` is the path of its main program; both are as the compiler wrote them. */
export async function compareWithBase(rig: BenchRig, baseMain: string, onProgress: (text: string) => void): Promise<readonly Comparison[]> {
  const contenders: readonly Contender[] = [floor(FLOOR), penstock(HEAD, 1), penstock(BASE, 1, { main: () => baseMain }), floor(CONTROL)];
  const startedAt = performance.now();
  const comparisons: Comparison[] = [];
  for (const workload of WORKLOADS.filter(({ name }) => COMPARED.includes(name)).map(shortened)) {
    let launches = 0;
    let verdict: LaunchVerdict;
    let result: WorkloadResult;
    do {
      launches += 1;
      result = await runWorkload(rig, workload, contenders, (text) => onProgress(`${workload.name}, ${text}`));
      verdict = judgeLaunch(result);
    } while (verdict.outcome === 'regressed' && launches < AGREEING_LAUNCHES && performance.now() - startedAt < LAST_LAUNCH_MS);
    const isAgreed = verdict.outcome !== 'regressed' || launches === AGREEING_LAUNCHES;
    comparisons.push({ workload: workload.name, launches, result, ...(isAgreed ? verdict : { outcome: 'void', reason: `no time for ${AGREEING_LAUNCHES} launches; ${verdict.reason}` }) });
  }
  return comparisons;
}
