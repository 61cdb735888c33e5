import { performance } from 'node:perf_hooks';
import type { Logger } from 'pino';
import type { OpenRequests } from '../../request/open-requests.ts';
import type { Side } from '../../request/request-record.ts';

/** The age at which an open request gets its line, and how often ages are looked at. Milliseconds. */
export const OLD_REQUEST_MS = 60_000;
const INTERVAL_MS = 10_000;

/**
 * Logs each request that has been open for a minute, once, at level `debug`; while that level is off, nothing is looked at. Returns what ends it.
 * A finished request has its line in any case.
 */
export function reportOldRequests(logger: Pick<Logger, 'debug' | 'isLevelEnabled'>, openRequests: Readonly<Record<Side, OpenRequests>>): () => void {
  // Requests that began before this were reported.
  let reportedUntil = Number.NEGATIVE_INFINITY;
  const timer = setInterval(() => {
    const limit = performance.now() - OLD_REQUEST_MS;
    if (logger.isLevelEnabled('debug')) {
      for (const [side, open] of Object.entries(openRequests)) {
        for (const { id, client, startedAt } of open) {
          if (startedAt > limit) break;
          if (startedAt > reportedUntil) logger.debug({ request_id: id, side, client, open_ms: Math.round(performance.now() - startedAt) }, 'request open');
        }
      }
    }
    reportedUntil = limit;
  }, INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
