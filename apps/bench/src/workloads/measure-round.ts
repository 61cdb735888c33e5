import type { RunningContender } from '../contenders/contender.ts';
import { readLoopDelay } from '../contenders/loop-delay-file.ts';
import type { RequestLoopResult } from '../load/request-loop.ts';
import type { StreamReading } from '../load/stream-set.ts';
import type { Target } from '../load/target.ts';
import { cpuNanoseconds, residentBytes } from '../process/process-usage.ts';
import type { UpstreamPlan, UpstreamStatus } from '../upstream/upstream-plan.ts';
import type { BenchRig } from './bench-rig.ts';
import type { AbortWorkload, MemoryWorkload, RequestWorkload, Sample, StreamWorkload, Workload } from './workload.ts';

/** How long streams run before a window: paced ones spread out, saturated ones are at full speed at once. */
const SETTLE_MS = 400;
const SATURATED_SETTLE_MS = 100;
const LATENCY_SHARE = 0.6;

/** How the upstream answers during a workload. */
export function planOf(workload: Workload): UpstreamPlan {
  switch (workload.kind) {
    case 'requests': {
      const { streamEvents: events, streamPace: pace } = workload;
      if (workload.mix !== undefined) return { kind: 'mix', pace, events };
      return events === 0 ? { kind: 'message' } : { kind: 'stream', pace, events };
    }
    case 'streams': return { kind: 'stream', pace: workload.pace, events: 0 };
    case 'memory': return { kind: 'stream', pace: workload.eventsPerSecond, events: 0 };
    default: return { kind: 'stream', pace: 10, events: 0 };
  }
}

/** Measures one contender once. */
export function measureRound(rig: BenchRig, workload: Workload, running: RunningContender, target: Target): Promise<Sample> {
  switch (workload.kind) {
    case 'requests': return measureRequests(rig, workload, running, target);
    case 'streams': return measureStreams(rig, workload, running, target);
    case 'memory': return measureMemory(rig, workload, running, target);
    default: return measureAborts(rig, workload, running, target);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

function cpuOf({ pid }: RunningContender): number {
  return pid === undefined ? Number.NaN : cpuNanoseconds(pid);
}

async function measureRequests({ load }: BenchRig, workload: RequestWorkload, running: RunningContender, target: Target): Promise<Sample> {
  const { connections, sliceMs, latencyRatePerSecond, mix } = workload;
  const startedAt = Date.now();
  const before = cpuOf(running);
  const closed = await load.call<RequestLoopResult>('requests', { target, mix, connections, durationMs: sliceMs, ratePerSecond: 0 });
  const cpu = cpuOf(running) - before;
  const loopDelayMs = workload.probesLoop ? readLoopDelay(running.folder, startedAt, Date.now()) : Number.NaN;
  const sample = { cpuMicroseconds: cpu / 1_000 / closed.requests, perSecond: closed.requests * 1_000 / closed.elapsedMs, loopDelayMs };
  if (latencyRatePerSecond === 0) return { ...sample, failures: closed.failures };
  const paced = await load.call<RequestLoopResult>('requests', { target, connections: 4, durationMs: sliceMs * LATENCY_SHARE, ratePerSecond: latencyRatePerSecond });
  return { ...sample, p50Ms: paced.latencies.p50, p99Ms: paced.latencies.p99, failures: closed.failures + paced.failures };
}

async function measureStreams({ load, upstream }: BenchRig, workload: StreamWorkload, running: RunningContender, target: Target): Promise<Sample> {
  await load.call('openStreams', { target, count: workload.streams });
  await pause(workload.pace === 'saturated' ? SATURATED_SETTLE_MS : SETTLE_MS);
  await load.call('readStreams');
  const before = cpuOf(running);
  const startedAt = performance.now();
  await pause(workload.windowMs);
  const cpu = cpuOf(running) - before;
  const reading = await load.call<StreamReading>('readStreams');
  const elapsedMs = performance.now() - startedAt;
  await load.call('closeStreams');
  await untilQuiet(upstream);
  return {
    cpuMicroseconds: cpu / 1_000 / reading.events, perSecond: reading.events * 1_000 / elapsedMs,
    p50Ms: reading.latencies.p50, p99Ms: reading.latencies.p99, failures: workload.streams - reading.open,
  };
}

async function measureMemory({ load, upstream }: BenchRig, workload: MemoryWorkload, running: RunningContender, target: Target): Promise<Sample> {
  const resident = (): number => (running.pid === undefined ? Number.NaN : residentBytes(running.pid));
  const baseBytes = resident();
  await load.call('openStreams', { target, count: workload.streams });
  await pause(workload.settleMs);
  const held = resident();
  const { open } = await load.call<StreamReading>('readStreams');
  await load.call('closeStreams');
  await untilQuiet(upstream);
  return { baseBytes, bytesPerStream: (held - baseBytes) / workload.streams, failures: workload.streams - open };
}

async function measureAborts({ load, upstream }: BenchRig, workload: AbortWorkload, running: RunningContender, target: Target): Promise<Sample> {
  const residentBefore = running.pid === undefined ? Number.NaN : residentBytes(running.pid);
  const before = cpuOf(running);
  const startedAt = performance.now();
  const begun = await load.call<number>('aborts', { target, streams: workload.streams, atOnce: workload.atOnce });
  const elapsedMs = performance.now() - startedAt;
  const leakedStreams = await untilQuiet(upstream);
  const cpu = cpuOf(running) - before;
  return {
    cpuMicroseconds: cpu / 1_000 / workload.streams, perSecond: workload.streams * 1_000 / elapsedMs, leakedStreams,
    grownBytes: (running.pid === undefined ? Number.NaN : residentBytes(running.pid)) - residentBefore, failures: workload.streams - begun,
  };
}

/** Waits until the upstream has no stream open, at most 3 s; resolves to how many are left. */
async function untilQuiet(upstream: BenchRig['upstream']): Promise<number> {
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const { openStreams } = await upstream.call<UpstreamStatus>('status');
    if (openStreams === 0) return 0;
    await pause(50);
  }
  return (await upstream.call<UpstreamStatus>('status')).openStreams;
}
