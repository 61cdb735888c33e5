import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { LOOP_DELAY_FILE, PROBE_MS } from './loop-delay-file.ts';

// Loaded into a contender with `--import`. The loop is looked at each millisecond, which is also the least delay that shows.
const histogram = monitorEventLoopDelay({ resolution: 1 });
histogram.enable();
setInterval(() => {
  appendFileSync(join(process.cwd(), LOOP_DELAY_FILE), `${Date.now()} ${histogram.percentile(99) / 1e6}\n`);
  histogram.reset();
}, PROBE_MS).unref();
