import { performance } from 'node:perf_hooks';
import type { FullListenerAction } from '@penstock/inbound-server';
import type { Logger } from 'pino';

const REPORT_INTERVAL_MS = 10_000;

/**
 * Makes the report of connections that found all places of the main listener taken: it counts each, and logs one line in ten seconds with
 * the numbers since the line before. A client sees only a connection that ends.
 */
export function createFullReport(maxConnections: number, metrics: { connectionsFull(action: FullListenerAction): void }, logger: Logger): (action: FullListenerAction) => void {
  const since: Record<FullListenerAction, number> = { closed_idle: 0, refused: 0 };
  let reportedAt = Number.NEGATIVE_INFINITY;
  return (action) => {
    metrics.connectionsFull(action);
    since[action] += 1;
    const now = performance.now();
    if (now - reportedAt < REPORT_INTERVAL_MS) return;
    reportedAt = now;
    logger.warn({ max_connections: maxConnections, ...since }, 'server.max_connections are open: idle connections are closed for new ones, and new ones where none is idle');
    since.closed_idle = 0;
    since.refused = 0;
  };
}
