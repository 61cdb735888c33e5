import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { PenstockProcess } from '../../run-penstock.ts';
import { samplesOf, sumOf } from '../../observe/metrics/exposition.ts';

/** What one process holds at one moment. */
export interface ProcessSample {
  readonly seconds: number;
  readonly rssMb: number;
  readonly heapMb: number;
  /** Handles, timers and requests that keep the event loop alive. */
  readonly resources: number;
  readonly descriptors: number;
  readonly sockets: number;
  readonly series: number;
}

/** The quantities that must stay flat. */
export const QUANTITIES = ['rssMb', 'heapMb', 'resources', 'descriptors', 'sockets', 'series'] as const;

/** One of `QUANTITIES`. */
export type Quantity = (typeof QUANTITIES)[number];

/** Samples a process by /proc and by its own /metrics. */
export async function sampleProcess({ child, operations }: PenstockProcess, seconds: number): Promise<ProcessSample> {
  const text = await (await fetch(`${operations}/metrics`)).text();
  const folder = `/proc/${child.pid}/fd`;
  const links = readdirSync(folder).map((descriptor) => {
    try {
      return readlinkSync(`${folder}/${descriptor}`);
    } catch {
      return '';
    }
  });
  const rssKb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]);
  return {
    seconds, rssMb: rssKb / 1024, heapMb: (sumOf(text, 'nodejs_heap_size_used_bytes') ?? 0) / 1_048_576,
    resources: sumOf(text, 'nodejs_active_resources') ?? 0, descriptors: links.length, sockets: links.filter((link) => link.startsWith('socket:')).length, series: samplesOf(text).length,
  };
}

/** A straight line through samples: its value in the middle, and how much it rises from the first to the last one. */
export interface Trend {
  readonly mean: number;
  readonly rise: number;
}

/** The least-squares line of a quantity over the second half of the samples, of the lowest value in each tenth: what a collector cannot take away. */
export function trendOf(samples: readonly ProcessSample[], quantity: Quantity): Trend {
  const half = samples.slice(Math.floor(samples.length / 2));
  const windows = Math.min(10, half.length);
  const points = Array.from({ length: windows }, (_, window) => {
    const part = half.slice(Math.floor(window * half.length / windows), Math.floor((window + 1) * half.length / windows));
    return { x: window, y: Math.min(...part.map((sample) => sample[quantity])) };
  });
  const [meanX, mean] = [points.reduce((sum, { x }) => sum + x, 0) / windows, points.reduce((sum, { y }) => sum + y, 0) / windows];
  const slope = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - mean), 0) / (points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0) || 1);
  return { mean, rise: slope * (windows - 1) };
}
