import { CODING_AGENT_MIX } from '../wire/request-bodies.ts';
import type { Workload } from './workload.ts';

const REQUESTS = {
  kind: 'requests', endpoint: 'native', connections: 48, warmUpMs: 8_400, sliceMs: 400, rounds: 30, launches: 3, withPeers: true, keepsLoadAwake: true,
  latencyRatePerSecond: 200, streamEvents: 0, streamPace: 'at once', mix: undefined, probesLoop: false,
} as const;
const STREAMS = { kind: 'streams', endpoint: 'native', body: '1 KB stream', warmUpMs: 8_400, windowMs: 700, rounds: 15, launches: 3, withPeers: false, keepsLoadAwake: true } as const;
const HELD = { kind: 'memory', endpoint: 'native', rounds: 1, launches: 1, withPeers: false, keepsLoadAwake: false } as const;

/** The workloads in the order in which they run and are reported. */
export const WORKLOADS: readonly Workload[] = [
  { ...REQUESTS, name: 'unary-1kb', title: 'Unary, 1 KB both ways, saturated', body: '1 KB' },
  { ...REQUESTS, name: 'unary-30kb', title: 'Unary, 30 KB request, saturated', body: '30 KB', rounds: 15 },
  { ...REQUESTS, name: 'unary-200kb', title: 'Unary, 200 KB request, saturated', body: '200 KB', rounds: 15, latencyRatePerSecond: 50 },
  // 48 bodies of 2 MB at once would measure memory.
  { ...REQUESTS, name: 'unary-2mb', title: 'Unary, 2 MB request, saturated', body: '2 MB', rounds: 15, connections: 8, latencyRatePerSecond: 10 },
  {
    ...REQUESTS, name: 'agent-mix', title: 'Requests of a coding agent: 1 KB to 2 MB, most of them answered as a stream of 40 events, saturated', body: '1 KB', rounds: 15, sliceMs: 1_000,
    latencyRatePerSecond: 0, streamEvents: 40, streamPace: 500, mix: CODING_AGENT_MIX,
  },
  { ...REQUESTS, name: 'paced-1kb', title: 'Unary, 1 KB both ways, 16 connections, the load asleep between answers', body: '1 KB', connections: 16, warmUpMs: 14_000, withPeers: false, keepsLoadAwake: false },
  // What a second worker costs, not what it brings: that takes more cores than the contender has. Each gets half of the warm-up.
  { ...REQUESTS, name: 'workers', title: 'Unary, 1 KB, one worker and two that share its core', body: '1 KB', warmUpMs: 16_800, launches: 2, withPeers: false },
  {
    ...REQUESTS, name: 'loop-delay-2mb', title: 'Delay of the event loop under 2 MB requests', body: '2 MB', rounds: 9, launches: 1, connections: 4, latencyRatePerSecond: 10,
    sliceMs: 2_500, withPeers: false, probesLoop: true,
  },
  { ...STREAMS, name: 'sse-200', title: '200 streams, 50 events/s each, in random phases', streams: 200, pace: 50, withPeers: true },
  { ...STREAMS, name: 'sse-200-saturated', title: '200 streams, each event sent as soon as the one before was received', streams: 200, pace: 'saturated', withPeers: true },
  { ...STREAMS, name: 'sse-200-tls', title: '200 streams, 50 events/s each, in random phases, the upstream behind TLS', streams: 200, pace: 50, isUpstreamTls: true },
  {
    ...STREAMS, name: 'sse-200-tls-saturated', title: '200 streams, each event sent as soon as the one before was received, the upstream behind TLS', streams: 200, pace: 'saturated',
    isUpstreamTls: true,
  },
  { ...STREAMS, name: 'sse-500', title: '500 streams, 20 events/s each, in random phases', streams: 500, pace: 20 },
  { ...STREAMS, name: 'sse-2000', title: '2,000 streams, 2 events/s each', streams: 2_000, pace: 2, rounds: 9, windowMs: 1_000 },
  { ...STREAMS, name: 'paced-sse-200', title: '200 streams, 50 events/s each, the load asleep between events', streams: 200, pace: 50, keepsLoadAwake: false },
  {
    // A program may need half a minute to return what opening the streams took.
    ...HELD, name: 'idle-8000', title: '8,000 mostly idle streams, one event each 10 s', body: '1 KB stream', streams: 8_000, eventsPerSecond: 0.1, settleMs: 40_000,
  },
  {
    ...HELD, name: 'idle-2000-64kb', title: '2,000 mostly idle streams after requests of 64 KB', body: '64 KB stream', streams: 2_000, eventsPerSecond: 0.1, settleMs: 12_000,
  },
  { kind: 'aborts', name: 'abort-storm', title: 'Abort storm: 4,000 streams a round, cut as they begin', endpoint: 'native', body: '1 KB stream', rounds: 5, launches: 1, withPeers: false, keepsLoadAwake: true, streams: 4_000, atOnce: 100 },
  { ...REQUESTS, name: 'chat', title: 'Front door: OpenAI request translated, whole answer', endpoint: 'chat', body: 'chat', rounds: 10, launches: 1 },
  { ...REQUESTS, name: 'chat-stream', title: 'Front door: OpenAI request translated, 100 events streamed at once', endpoint: 'chat', body: 'chat stream', rounds: 10, launches: 1, streamEvents: 100 },
  { ...STREAMS, name: 'chat-sse-200', title: 'Front door: 200 translated streams, 50 events/s each', endpoint: 'chat', body: 'chat stream', streams: 200, pace: 50, rounds: 9, launches: 1 },
];

/** The same workloads, small: for a look, not to publish. */
export function quick(workload: Workload): Workload {
  const rounds = Math.min(workload.rounds, workload.kind === 'memory' ? 1 : 5);
  switch (workload.kind) {
    // What a large body costs is mostly native code, which needs no warming up. A small request needs some ten thousand: the gateway has more code to
    // compile than the floor.
    case 'requests': return { ...workload, rounds, launches: 1, warmUpMs: workload.body === '2 MB' ? 1_050 : 4_200, sliceMs: 350 };
    case 'streams': return { ...workload, rounds, launches: 1, warmUpMs: 2_000, windowMs: 700, streams: Math.min(workload.streams, 500) };
    case 'memory': return { ...workload, rounds, streams: Math.min(workload.streams, 1_500), settleMs: 2_000 };
    default: return { ...workload, rounds: 3, streams: 500, atOnce: 50 };
  }
}
