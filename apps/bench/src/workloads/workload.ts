import type { Pace } from '../upstream/upstream-plan.ts';
import type { BodyName } from '../wire/request-bodies.ts';

interface Common {
  readonly name: string;
  /** What it stands for, for the report. */
  readonly title: string;
  readonly endpoint: 'native' | 'chat';
  readonly body: BodyName;
  /** Interleaved rounds: each measures every contender once. */
  readonly rounds: number;
  /** How many processes of each contender, one after the other, share the rounds: no two of one program are compiled alike. */
  readonly launches: number;
  /** Whether the heavy peers take part. */
  readonly withPeers: boolean;
  /** Whether the core of upstream and load is kept awake, so that no contender pays for waking it. */
  readonly keepsLoadAwake: boolean;
  /** Whether contenders reach the upstream over TLS; only those with `speaksTls` take part. Absent: clear text. */
  readonly isUpstreamTls?: boolean;
}

/** Requests in a closed loop; the cost is counted per request. */
export interface RequestWorkload extends Common {
  readonly kind: 'requests';
  readonly connections: number;
  /** Load before the first round of a launch, which is thrown away. */
  readonly warmUpMs: number;
  readonly sliceMs: number;
  /** The rate at which latency is measured apart from the closed loop, which only measures its own queue; 0: it is not. */
  readonly latencyRatePerSecond: number;
  /** Events of a streamed answer; 0: a whole answer. */
  readonly streamEvents: number;
  /** How fast they come. */
  readonly streamPace: Pace;
  /** The bodies that each connection sends in turn; `undefined`: always the workload's body. */
  readonly mix: readonly BodyName[] | undefined;
  /** Whether the delay of the event loop is measured. That costs CPU time of its own, and is apart for this reason. */
  readonly probesLoop: boolean;
}

/** Streams that stay open while a window is measured; the cost is counted per event. */
export interface StreamWorkload extends Common {
  readonly kind: 'streams';
  readonly streams: number;
  readonly pace: Pace;
  /** Load before the first round of a launch, which is thrown away. */
  readonly warmUpMs: number;
  readonly windowMs: number;
}

/** Streams that are opened and held; what they hold resident is counted per stream. */
export interface MemoryWorkload extends Common {
  readonly kind: 'memory';
  readonly streams: number;
  readonly eventsPerSecond: number;
  /** Time between the last stream's opening and the sample. */
  readonly settleMs: number;
}

/** Streams that are cut as soon as they begin; the cost is counted per stream, and everything must be given back. */
export interface AbortWorkload extends Common {
  readonly kind: 'aborts';
  readonly streams: number;
  readonly atOnce: number;
}

/** One workload. */
export type Workload = RequestWorkload | StreamWorkload | MemoryWorkload | AbortWorkload;

/** The measurements of one contender in one round; absent ones do not apply. */
export interface Sample {
  /** CPU time of one request, event or stream. */
  readonly cpuMicroseconds?: number;
  readonly perSecond?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** The 99th percentile of how late the event loop was under full load. */
  readonly loopDelayMs?: number;
  readonly baseBytes?: number;
  readonly bytesPerStream?: number;
  /** After an abort storm: upstream connections that are still in use, and resident bytes over the start. */
  readonly leakedStreams?: number;
  readonly grownBytes?: number;
  readonly failures?: number;
}

/** The middle of some values; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle] as number : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
