import type { RunningContender } from '../contenders/contender.ts';
import { penstock } from '../contenders/own-contenders.ts';
import type { Target } from '../load/target.ts';
import type { BenchRig } from '../workloads/bench-rig.ts';
import { measureRound, planOf } from '../workloads/measure-round.ts';
import { median, type StreamWorkload } from '../workloads/workload.ts';

/** The ways through one gateway that are measured: relayed natively, and translated to either protocol of OpenAI. */
export const WAYS = ['native', 'chat', 'responses'] as const;

/** One of `WAYS`. */
export type Way = (typeof WAYS)[number];

/** What a streamed event costs each way. */
export interface TranslatedRow {
  readonly rounds: number;
  readonly streams: number;
  readonly eventsPerSecond: number;
  /** Microseconds of CPU time an event, medians of all rounds. */
  readonly cpuMicroseconds: Readonly<Record<Way, number>>;
  /** How often the native cost, each in its own round: the medians. */
  readonly timesNative: Readonly<Record<Way, number>>;
}

export interface TranslatedLoad {
  readonly rounds: number;
  readonly warmUpRounds: number;
  readonly windowMs: number;
}

const STREAMS = { streams: 100, eventsPerSecond: 50 } as const;

function targetsOf({ port, native, chat }: RunningContender): Readonly<Record<Way, Target>> {
  if (native === undefined || chat === undefined) throw new Error('the gateway serves both sides');
  return {
    native: { ...native, port, body: '1 KB stream' },
    chat: { ...chat, port, body: 'chat stream' },
    responses: { ...chat, path: '/v1/responses', port, body: 'response stream' },
  };
}

/** The order differs from round to round, so that no way always follows the same one. */
function turned(round: number): readonly Way[] {
  const at = round % WAYS.length;
  return [...WAYS.slice(at), ...WAYS.slice(0, at)];
}

/** Measures one gateway process: each round opens the streams of one way after the other. What else runs on the machine disturbs all of them alike. */
export async function runTranslated(rig: BenchRig, { rounds, warmUpRounds, windowMs }: TranslatedLoad, onProgress: (text: string) => void): Promise<TranslatedRow> {
  const workload: StreamWorkload = {
    streams: STREAMS.streams, pace: STREAMS.eventsPerSecond, keepsLoadAwake: false, kind: 'streams', name: 'translated', title: 'Translated events', endpoint: 'native', body: '1 KB stream', rounds, launches: 1, withPeers: false, warmUpMs: 0, windowMs,
  };
  await rig.upstream.call('plan', planOf(workload));
  const running = await rig.start(penstock('penstock', 1), workload);
  const costs: Record<Way, number[]> = { native: [], chat: [], responses: [] };
  try {
    const targets = targetsOf(running);
    for (let round = 0; round < warmUpRounds + rounds; round += 1) {
      onProgress(round < warmUpRounds ? 'warming up' : `round ${round - warmUpRounds + 1} of ${rounds}`);
      for (const way of turned(round)) {
        const { cpuMicroseconds = Number.NaN, failures = 0 } = await measureRound(rig, workload, running, targets[way]);
        if (failures > 0) throw new Error(`${failures} streams of ${way} failed`);
        if (round >= warmUpRounds) costs[way].push(cpuMicroseconds);
      }
    }
  } finally {
    await running.stop();
  }
  const of = (figure: (way: Way) => number): Record<Way, number> => ({ native: figure('native'), chat: figure('chat'), responses: figure('responses') });
  return {
    rounds, ...STREAMS,
    cpuMicroseconds: of((way) => median(costs[way])),
    timesNative: of((way) => median(costs[way].map((cost, round) => cost / (costs.native[round] ?? Number.NaN)))),
  };
}

/** The row as a table. */
export function describeTranslated({ rounds, streams, eventsPerSecond, cpuMicroseconds, timesNative }: TranslatedRow): string {
  return [
    `${streams} streams, ${eventsPerSecond} events/s each; ${rounds} interleaved rounds of one process; aimed at: 3 × native.`, '',
    '| way | CPU µs/event | × native |', '|---|---:|---:|',
    ...WAYS.map((way) => `| ${way} | ${cpuMicroseconds[way].toFixed(1)} | ${timesNative[way].toFixed(2)} |`),
  ].join('\n');
}
