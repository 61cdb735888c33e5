import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance, PerformanceObserver } from 'node:perf_hooks';
import { nowMicroseconds } from '../wire/stamp.ts';
import { GC_FILE } from './gc-pauses.ts';

// Loaded into a gateway with `--import`: notes each garbage collection in the clock that all processes share.
const offset = nowMicroseconds() - performance.now() * 1_000;
let lines = '';
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) lines += `${Math.round(offset + startTime * 1_000)} ${Math.round(duration * 1_000)}\n`;
}).observe({ entryTypes: ['gc'] });
setInterval(() => {
  if (lines !== '') appendFileSync(join(process.cwd(), GC_FILE), lines);
  lines = '';
}, 250).unref();
