import { performance } from 'node:perf_hooks';
import type { Logger } from 'pino';

const REPORT_INTERVAL_MS = 10_000;

/**
 * Makes what is told of each connection that found no room: it counts, and logs one line in ten seconds. A client sees nothing but a
 * connection that ends, so that nobody else could say why.
 */
export function createRefusalReport(maxConnections: number, metrics: { connectionRefused(): void }, logger: Logger): () => void {
  let reportedAt = Number.NEGATIVE_INFINITY;
  return () => {
    metrics.connectionRefused();
    const now = performance.now();
    if (now - reportedAt < REPORT_INTERVAL_MS) return;
    reportedAt = now;
    logger.warn({ max_connections: maxConnections }, 'connections are closed at once: server.max_connections are open');
  };
}
