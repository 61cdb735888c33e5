import { type AbortStormOptions, runAbortStorm } from '../load/abort-storm.ts';
import { fetchBytes } from '../load/fetch-bytes.ts';
import { type RequestLoopOptions, runRequestLoop } from '../load/request-loop.ts';
import { StreamSet } from '../load/stream-set.ts';
import type { Target } from '../load/target.ts';
import { serveCalls } from '../process/helper-process.ts';
import { startUpstream } from '../upstream/start-upstream.ts';
import type { UpstreamPlan } from '../upstream/upstream-plan.ts';
import { Spinner } from './spinner.ts';

// Upstream and load generator of every workload, in one process: where it spins, neither waits for a time slice of the other.

const spinner = new Spinner();
const upstream = await startUpstream(spinner);
const streams = new StreamSet((index) => upstream.onEventReceived(index));

serveCalls({
  port: () => upstream.port,
  tls: () => upstream.tls,
  plan: (plan: UpstreamPlan) => upstream.follow(plan),
  status: () => upstream.status(),
  spin: (isOn: boolean) => spinner.spin(isOn),
  requests: (options: RequestLoopOptions) => runRequestLoop(options),
  openStreams: ({ target, count }: { readonly target: Target; readonly count: number }) => streams.open(target, count),
  readStreams: () => streams.read(),
  slowestEvents: (share: number) => streams.slowest(share),
  closeStreams: () => streams.close(),
  aborts: (options: AbortStormOptions) => runAbortStorm(options),
  fetch: (target: Target) => fetchBytes(target),
});
