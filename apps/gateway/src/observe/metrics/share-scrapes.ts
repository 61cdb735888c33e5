import { performance } from 'node:perf_hooks';

/** What a scrape gives: the exposition text of all metrics (https://prometheus.io/docs/instrumenting/exposition_formats/). */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** A scrape that took one millisecond is shared for ten: at most a tenth of the time goes into making texts. */
const SHARED_TIMES = 10;
/** The oldest text that a scraper gets; milliseconds. */
export const MAX_SHARED_MS = 1_000;

/**
 * Makes one scrape at a time of a function that may be called at any rate. Calls that come meanwhile, and for a moment behind it, get the same
 * result; a scrape that failed is shared with the calls that waited for it, and tried again by the next.
 */
export function shareScrapes<Result>(scrape: () => Promise<Result>, now: () => number = () => performance.now()): () => Promise<Result> {
  let shared: Promise<Result> | undefined;
  let freshUntil = Number.NEGATIVE_INFINITY;
  let isRunning = false;

  async function run(): Promise<Result> {
    const startedAt = now();
    isRunning = true;
    try {
      const result = await scrape();
      const endedAt = now();
      freshUntil = endedAt + Math.min(MAX_SHARED_MS, SHARED_TIMES * (endedAt - startedAt));
      return result;
    } finally {
      isRunning = false;
    }
  }

  return () => {
    if (shared === undefined || (!isRunning && now() >= freshUntil)) shared = run();
    return shared;
  };
}
