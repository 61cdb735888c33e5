import { serveCalls } from '../process/helper-process.ts';
import { type AbortStormOptions, runAbortStorm } from './abort-storm.ts';
import { fetchBytes } from './fetch-bytes.ts';
import { type RequestLoopOptions, runRequestLoop } from './request-loop.ts';
import { StreamSet } from './stream-set.ts';
import type { Target } from './target.ts';

// The load generator of every workload, in a process of its own.

const streams = new StreamSet();

serveCalls({
  requests: (options: RequestLoopOptions) => runRequestLoop(options),
  openStreams: ({ target, count }: { readonly target: Target; readonly count: number }) => streams.open(target, count),
  readStreams: () => streams.read(),
  closeStreams: () => streams.close(),
  aborts: (options: AbortStormOptions) => runAbortStorm(options),
  fetch: (target: Target) => fetchBytes(target),
});
