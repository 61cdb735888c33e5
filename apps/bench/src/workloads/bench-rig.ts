import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, RunningContender } from '../contenders/contender.ts';
import type { Target } from '../load/target.ts';
import { type HelperProcess, startHelper } from '../process/helper-process.ts';
import { CORES } from '../process/spawn-pinned.ts';
import type { Workload } from './workload.ts';

/** The upstream and the load that every contender is measured between. */
export interface BenchRig {
  readonly upstream: HelperProcess;
  readonly upstreamPort: number;
  readonly load: HelperProcess;
  /** With `probesLoop` programs of Node note how late their event loop is. */
  start(contender: Contender, probesLoop: boolean): Promise<RunningContender>;
  stop(): Promise<void>;
}

const PROBE_FLAGS: readonly string[] = [`--import=${new URL('../contenders/loop-delay-probe.js', import.meta.url).href}`];

/** Starts upstream and load; each contender gets a folder of its own inside `folder`. */
export async function createBenchRig(folder: string): Promise<BenchRig> {
  const upstream = await startHelper(new URL('../upstream/upstream-process.js', import.meta.url), CORES.load);
  const load = await startHelper(new URL('../load/load-process.js', import.meta.url), CORES.load);
  const upstreamPort = await upstream.call<number>('port');
  let started = 0;
  return {
    upstream, upstreamPort, load,
    start(contender, probesLoop) {
      started += 1;
      const own = join(folder, `${contender.name.replaceAll(/\W+/g, '-')}-${started}`);
      mkdirSync(own, { recursive: true });
      return contender.start({ upstreamOrigin: `http://127.0.0.1:${upstreamPort}`, upstreamPort, folder: own, core: CORES.contender, nodeFlags: probesLoop ? PROBE_FLAGS : [] });
    },
    stop: async () => { await Promise.all([upstream.stop(), load.stop()]); },
  };
}

/** Where a workload's requests to a contender go; `undefined` when the contender does not serve them. */
export function targetOf(running: RunningContender, { endpoint, body }: Pick<Workload, 'endpoint' | 'body'>): Target | undefined {
  const chosen = running[endpoint];
  return chosen === undefined ? undefined : { ...chosen, port: running.port, body };
}
