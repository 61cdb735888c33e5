import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TimedLatency } from '../load/latency-samples.ts';

/** Where a probed program notes its collections, in the folder it runs in: a line each, start and duration in microseconds of the monotonic clock. */
export const GC_FILE = 'gc-pauses.txt';

/** One garbage collection, in microseconds of the monotonic clock. */
export interface GcPause {
  readonly startedAt: number;
  readonly endedAt: number;
}

/** What collections do to the slowest of a thousand events. */
export interface GcShare {
  readonly collections: number;
  readonly longestMs: number;
  readonly p999Ms: number;
  /** The same without the events that waited while a collection ran. */
  readonly p999WithoutGcMs: number;
  /** Of the slowest of a thousand, the part that waited while a collection ran. */
  readonly overlapped: number;
}

/** The collections that a probed program noted. */
export function readGcPauses(folder: string): readonly GcPause[] {
  const path = join(folder, GC_FILE);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => line.split(' ').map(Number));
  return lines.map(([startedAt = 0, duration = 0]) => ({ startedAt, endedAt: startedAt + duration }));
}

/** `slowest`: the slowest of `events`, the slowest first, more than one of a hundred of them. */
export function gcShareOf(events: number, slowest: readonly TimedLatency[], pauses: readonly GcPause[]): GcShare {
  const waited = ({ endedAt, milliseconds }: TimedLatency): boolean => pauses.some((pause) => pause.startedAt < endedAt && pause.endedAt > endedAt - milliseconds * 1_000);
  const others = slowest.filter((latency) => !waited(latency));
  const ofAThousand = (latencies: readonly TimedLatency[], count: number): number => latencies[Math.floor(count / 1_000)]?.milliseconds ?? Number.NaN;
  const tail = slowest.slice(0, Math.max(1, Math.floor(events / 1_000)));
  return {
    collections: pauses.length,
    longestMs: Math.max(0, ...pauses.map(({ startedAt, endedAt }) => endedAt - startedAt)) / 1_000,
    p999Ms: ofAThousand(slowest, events),
    p999WithoutGcMs: ofAThousand(others, events - (slowest.length - others.length)),
    overlapped: tail.filter(waited).length / tail.length,
  };
}
