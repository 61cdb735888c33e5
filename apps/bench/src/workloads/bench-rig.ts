import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, RunningContender } from '../contenders/contender.ts';
import type { Target } from '../load/target.ts';
import { type HelperProcess, startHelper } from '../process/helper-process.ts';
import { CORES } from '../process/spawn-pinned.ts';
import type { Upstream } from '../upstream/start-upstream.ts';
import type { Workload } from './workload.ts';

/** The upstream and the load that every contender is measured between: one process, which answers the calls of both. */
export interface BenchRig {
  readonly upstream: HelperProcess;
  readonly upstreamPort: number;
  readonly load: HelperProcess;
  /** Programs of Node get flags that the workload needs. */
  start(contender: Contender, workload: Workload): Promise<RunningContender>;
  stop(): Promise<void>;
}

/** Has a program note how late its event loop is. */
const PROBE_FLAG = `--import=${new URL('../contenders/loop-delay-probe.js', import.meta.url).href}`;
/**
 * A program that waits for its turn most of the time looks idle to its engine, which then tidies up and, with the shapes of objects that
 * no request holds just then, loses most of what it compiled. Under steady traffic that does not happen.
 */
const STEADY_FLAG = '--no-memory-reducer';

function nodeFlagsOf(workload: Workload): readonly string[] {
  // What a process holds is measured as it is.
  if (workload.kind === 'memory') return [];
  return workload.kind === 'requests' && workload.probesLoop ? [STEADY_FLAG, PROBE_FLAG] : [STEADY_FLAG];
}

/** Starts upstream and load; each contender gets a folder of its own inside `folder`. */
export async function createBenchRig(folder: string): Promise<BenchRig> {
  const peer = await startHelper(new URL('../peer-process/peer-process.js', import.meta.url), CORES.load);
  const upstreamPort = await peer.call<number>('port');
  const tls = await peer.call<Upstream['tls']>('tls');
  const caFile = join(folder, 'upstream-ca.pem');
  writeFileSync(caFile, tls.ca);
  let started = 0;
  return {
    upstream: peer, upstreamPort, load: peer,
    start(contender, workload) {
      started += 1;
      const own = join(folder, `${contender.name.replaceAll(/\W+/g, '-')}-${started}`);
      mkdirSync(own, { recursive: true });
      const upstream = workload.isUpstreamTls ? { upstreamOrigin: `https://127.0.0.1:${tls.port}`, upstreamPort: tls.port, upstreamCaFile: caFile } : { upstreamOrigin: `http://127.0.0.1:${upstreamPort}`, upstreamPort };
      return contender.start({ ...upstream, folder: own, core: CORES.contender, nodeFlags: nodeFlagsOf(workload) });
    },
    stop: () => peer.stop(),
  };
}

/** Where a workload's requests to a contender go; `undefined` when the contender does not serve them. */
export function targetOf(running: RunningContender, { endpoint, body }: Pick<Workload, 'endpoint' | 'body'>): Target | undefined {
  const chosen = running[endpoint];
  return chosen === undefined ? undefined : { ...chosen, port: running.port, body };
}
