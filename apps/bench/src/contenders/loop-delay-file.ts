import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../workloads/workload.ts';

/** Where a probed program notes its delays, in the folder it runs in: a line each for `PROBE_MS`, its end in Unix ms and the 99th percentile in ms. */
export const LOOP_DELAY_FILE = 'loop-delay.txt';

/** How long a line of the file stands for. */
export const PROBE_MS = 500;

/** The middle of the 99th percentiles that a probed program noted while a slice ran, ms; NaN of a program that notes none. Times in Unix ms. */
export function readLoopDelay(folder: string, startedAt: number, endedAt: number): number {
  const path = join(folder, LOOP_DELAY_FILE);
  if (!existsSync(path)) return Number.NaN;
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => line.split(' ').map(Number));
  // A line that began before the slice says something else.
  return median(lines.filter(([at = 0]) => at >= startedAt + PROBE_MS && at <= endedAt).map(([, delay = Number.NaN]) => delay));
}
