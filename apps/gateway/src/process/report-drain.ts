import { performance } from 'node:perf_hooks';
import type { Logger } from 'pino';
import type { OpenRequest } from '../request/open-requests.ts';

/** How often a drain that waits is reported. Milliseconds. */
export const DRAIN_REPORT_INTERVAL_MS = 5_000;

/** The options of `reportDrain`. */
export interface DrainReportOptions {
  readonly logger: Pick<Logger, 'info'>;
  /** The requests that are open now, of all sides. */
  readonly open: () => readonly OpenRequest[];
  /** How long they may take altogether. */
  readonly timeoutMs: number;
}

/** Logs which responses a drain waits for: at once, and every few seconds while there are any. Returns what ends the report. */
export function reportDrain({ logger, open, timeoutMs }: DrainReportOptions): () => void {
  const startedAt = performance.now();
  const report = (): void => {
    const requests = open();
    if (requests.length === 0) return;
    const now = performance.now();
    const clients: Record<string, number> = {};
    for (const { client } of requests) clients[client] = (clients[client] ?? 0) + 1;
    const oldest = requests.reduce((first, { startedAt: at }) => Math.min(first, at), now);
    logger.info({
      open: requests.length, clients, oldest_seconds: Math.round((now - oldest) / 1_000), seconds_left: Math.max(0, Math.ceil((startedAt + timeoutMs - now) / 1_000)),
    }, 'waiting for open responses');
  };
  report();
  const timer = setInterval(report, DRAIN_REPORT_INTERVAL_MS);
  return () => clearInterval(timer);
}
