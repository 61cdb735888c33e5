import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { shippedMain } from '../contenders/gateway-program.ts';
import { floor, penstock } from '../contenders/own-contenders.ts';
import type { StreamReading } from '../load/stream-set.ts';
import type { TimedLatency } from '../load/latency-samples.ts';
import { CORES } from '../process/spawn-pinned.ts';
import { CONTROL, FLOOR } from '../report/summarize.ts';
import { describeWorkload } from '../report/print-table.ts';
import type { Scenario, ScenarioEnvironment } from '../scenarios/scenario.ts';
import { pause } from '../workloads/measure-round.ts';
import { runWorkload, type WorkloadResult } from '../workloads/run-workload.ts';
import { median, type MemoryWorkload, type StreamWorkload } from '../workloads/workload.ts';
import { gcShareOf, readGcPauses, type GcShare } from './gc-pauses.ts';
import { measureStart } from './measure-start.ts';

/** All streams together, whatever their number: a difference between rows is that of open streams. */
const EVENTS_PER_SECOND = 8_000;
const STREAMS = { whole: [100, 1_000, 8_000], quick: [100, 1_000] } as const;
const STARTS = { whole: 15, quick: 5 } as const;
/** How much of the tail is read: gcShareOf needs more than one of a hundred. */
const TAIL = 0.03;

/** Cost of an event and memory of a stream by the number of open streams, time to ready, garbage collection in the slowest events. */
export const SCALE: Scenario = {
  name: 'scale',
  title: 'Scale: 100, 1,000 and 8,000 open streams on one process',
  async run(environment) {
    const size = environment.isQuick ? 'quick' : 'whole';
    const tables: string[] = [];
    const results: WorkloadResult[] = [];
    const gc: (GcShare & { readonly streams: number })[] = [];
    for (const streams of STREAMS[size]) {
      for (const workload of [pacedStreams(environment, streams), heldStreams(streams, environment.isQuick)]) {
        const result = await runWorkload(environment.rig, workload, [floor(FLOOR), penstock('penstock', 1, { main: shippedMain }), floor(CONTROL)], (text) => environment.onProgress(`${workload.name}: ${text}`));
        results.push(result);
        tables.push(describeWorkload(result));
      }
      environment.onProgress(`garbage collection with ${streams} streams`);
      gc.push({ streams, ...await measureGc(environment, streams) });
    }
    environment.onProgress('starts');
    const starts = await measureStart(environment.folder, STARTS[size]);
    return { report: [...tables, describeGc(gc), `Start to ready: ${median(starts).toFixed(0)} ms in the median of ${starts.length}, ${Math.min(...starts).toFixed(0)} to ${Math.max(...starts).toFixed(0)} (aimed at: 300 ms).`].join('\n\n'), figures: { results, gc, starts } };
  },
};

function pacedStreams({ isQuick, rounds }: ScenarioEnvironment, streams: number): StreamWorkload {
  return {
    kind: 'streams', name: `scale-${streams}`, title: `${streams} streams, ${EVENTS_PER_SECOND} events/s together`, endpoint: 'native', body: '1 KB stream', streams, pace: EVENTS_PER_SECOND / streams,
    rounds: rounds ?? (isQuick ? 6 : 9), launches: 1, warmUpMs: isQuick ? 2_000 : 6_000, windowMs: 1_000, withPeers: false, keepsLoadAwake: true,
  };
}

function heldStreams(streams: number, isQuick: boolean): MemoryWorkload {
  return {
    kind: 'memory', name: `memory-${streams}`, title: `Memory of ${streams} streams, one event each 10 s`, endpoint: 'native', body: '1 KB stream', streams, eventsPerSecond: 0.1,
    rounds: 1, launches: 1, settleMs: isQuick ? 2_000 : 12_000, withPeers: false, keepsLoadAwake: false,
  };
}

/** One gateway whose collections are noted, under paced streams for half a minute. */
async function measureGc({ rig, folder, isQuick }: ScenarioEnvironment, streams: number): Promise<GcShare> {
  const own = join(folder, `gc-${streams}`);
  mkdirSync(own, { recursive: true });
  const probe = `--import=${new URL('gc-probe.js', import.meta.url).href}`;
  const gateway = await penstock('penstock', 1, { main: shippedMain }).start({ folder: own, core: CORES.contender, upstreamPort: rig.upstreamPort, upstreamOrigin: `http://127.0.0.1:${rig.upstreamPort}`, nodeFlags: ['--no-memory-reducer', probe] });
  try {
    await rig.upstream.call('plan', { kind: 'stream', pace: EVENTS_PER_SECOND / streams, events: 0 });
    await rig.load.call('spin', true);
    await rig.load.call('openStreams', { target: { ...gateway.native, port: gateway.port, body: '1 KB stream' }, count: streams });
    await pause(isQuick ? 1_000 : 10_000);
    await rig.load.call('readStreams');
    await pause(isQuick ? 3_000 : 20_000);
    const slowest = await rig.load.call<readonly TimedLatency[]>('slowestEvents', TAIL);
    const { events } = await rig.load.call<StreamReading>('readStreams');
    // The probe writes what it noted four times a second.
    await pause(600);
    await rig.load.call('closeStreams');
    const first = Math.min(...slowest.map(({ endedAt, milliseconds }) => endedAt - milliseconds * 1_000));
    return gcShareOf(events, slowest, readGcPauses(own).filter(({ endedAt }) => endedAt >= first));
  } finally {
    await rig.load.call('spin', false);
    await gateway.stop();
  }
}

function describeGc(rows: readonly (GcShare & { readonly streams: number })[]): string {
  const lines = rows.map(({ streams, collections, longestMs, p999Ms, p999WithoutGcMs, overlapped }) => (
    `| ${[streams, collections, longestMs.toFixed(1), p999Ms.toFixed(2), p999WithoutGcMs.toFixed(2), `${(overlapped * 100).toFixed(0)} %`].join(' | ')} |`));
  return ['| streams | collections | longest ms | p99.9 ms | p99.9 ms without those that a collection held up | of the slowest 0.1 % held up |', '|---:|---:|---:|---:|---:|---:|', ...lines].join('\n');
}
