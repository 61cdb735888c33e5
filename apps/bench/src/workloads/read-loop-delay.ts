import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOOP_DELAY_FILE, PROBE_MS } from '../contenders/loop-delay-file.ts';
import { median } from './workload.ts';

/** The middle of the 99th percentiles that a probed program noted while a slice ran, ms; NaN of a program that notes none. Times in Unix ms. */
export function readLoopDelay(folder: string, startedAt: number, endedAt: number): number {
  const path = join(folder, LOOP_DELAY_FILE);
  if (!existsSync(path)) return Number.NaN;
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => line.split(' ').map(Number));
  // A line that began before the slice says something else.
  return median(lines.filter(([at = 0]) => at >= startedAt + PROBE_MS && at <= endedAt).map(([, delay = Number.NaN]) => delay));
}
