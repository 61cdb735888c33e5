import { writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { Logger } from 'pino';
import { describeError, errorCodes } from './describe-error.ts';

/** What watches beside the bytes and may fail there. */
export type ObserverName = 'cost' | 'log' | 'metrics' | 'relay' | 'tracing' | 'usage';

/** Called for each failure. */
export type ObserverReport = (observer: ObserverName, error: unknown) => void;

const REPORT_INTERVAL_MS = 60_000;
const STANDARD_ERROR = 2;

/**
 * Makes the report of observer failures: at most one line a minute for each observer, since a failure for one request repeats for all.
 * A log that cannot be written is reported on standard error.
 */
export function createObserverReport(logger: Logger): ObserverReport {
  const reportedAt = new Map<ObserverName, number>();
  return (observer, error) => {
    const now = performance.now();
    if (now - (reportedAt.get(observer) ?? Number.NEGATIVE_INFINITY) < REPORT_INTERVAL_MS) return;
    reportedAt.set(observer, now);
    // Written at once: a stream whose other end is gone would fail later, where the error is not caught.
    if (observer === 'log') writeSync(STANDARD_ERROR, `penstock: the log cannot be written (${errorCodes(error) ?? 'no room'})\n`);
    else logger.warn({ observer, error: describeError(error) }, 'an observer failed');
  };
}
