import { cpus, loadavg, release, totalmem } from 'node:os';
import { canPin, CORES } from '../process/spawn-pinned.ts';

/** One line on what the figures were measured on. */
export function describeMachine(): string {
  const processors = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const pinning = canPin ? `contender on core ${CORES.contender}, upstream and load on core ${CORES.load}` : 'nothing pinned';
  const load = (loadavg()[0] ?? 0).toFixed(1);
  return `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}, ${memory} GiB, ${process.platform} ${release()}, Node ${process.version}; ${pinning}; load average ${load} at the start.`;
}
