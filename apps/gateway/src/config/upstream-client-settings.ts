import type { PoolOptions, RequestTimeouts } from '@penstock/upstream-client';
import type { PoolConfig, TimeoutsConfig } from './sections/upstream-settings.ts';

/** What an upstream client takes of a section with a pool and clocks. */
export interface UpstreamClientSettings {
  readonly pool: PoolOptions;
  readonly timeouts: Partial<RequestTimeouts>;
}

/** Turns the seconds of the configuration into the milliseconds of an upstream client. */
export function toUpstreamClientSettings({ pool, timeouts }: { readonly pool: PoolConfig; readonly timeouts: TimeoutsConfig }): UpstreamClientSettings {
  return {
    pool: {
      maxConnections: pool.max_connections, maxKeepAliveConnections: pool.max_keepalive_connections,
      keepAliveExpiryMs: pool.keepalive_expiry * 1000, maxWaiting: pool.max_waiting, longLivedShare: pool.long_lived_share,
    },
    timeouts: {
      slotWaitMs: timeouts.slot_wait * 1000, connectMs: timeouts.connect * 1000, writeStallMs: timeouts.write_stall * 1000,
      headersMs: timeouts.message_headers * 1000, idleMs: timeouts.idle * 1000,
    },
  };
}
