import type { Registry } from 'prom-client';
import type { UpstreamSnapshot } from '../upstreams/upstream-snapshot.ts';
import { createGauge } from './gauges.ts';

/**
 * Declares when each upstream last succeeded and last refused the gateway's credential, read at each scrape; 0 for never. The later of the two is
 * the state: with several workers the latest of each counts, where a state by itself would stay with a worker that has been idle since.
 */
export function declareUpstreamTimes(registry: Registry, upstreams: () => readonly UpstreamSnapshot[]): void {
  createGauge({
    name: 'penstock_last_success_timestamp_seconds', registers: [registry], labelNames: ['upstream'],
    help: 'Unix time of the last 2xx of an upstream; 0 when there was none.',
    collect(): void {
      for (const { name, succeededAt } of upstreams()) this.set({ upstream: name }, succeededAt / 1000);
    },
  });
  createGauge({
    name: 'penstock_credential_refused_timestamp_seconds', registers: [registry], labelNames: ['upstream'],
    help: 'Unix time at which an upstream last refused the present credential of the gateway; 0 when it never did.',
    collect(): void {
      for (const { name, refusedAt } of upstreams()) this.set({ upstream: name }, refusedAt / 1000);
    },
  });
}
