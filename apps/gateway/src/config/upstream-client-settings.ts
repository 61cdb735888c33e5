import type { PoolOptions, RequestTimeouts } from '@penstock/upstream-client';
import type { PoolConfig, TimeoutsConfig, UpstreamTimeoutsConfig } from './sections/upstream-settings.ts';

/** What an upstream client takes of a section with a pool and clocks. */
export interface UpstreamClientSettings {
  readonly pool: PoolOptions;
  readonly timeouts: Partial<RequestTimeouts>;
}

/** Turns the seconds of the configuration into the milliseconds of an upstream client. */
export function toUpstreamClientSettings({ pool, timeouts }: { readonly pool: PoolConfig; readonly timeouts: Omit<TimeoutsConfig, 'client_stall'> }): UpstreamClientSettings {
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

/** The clocks for the upstream's head and the silence behind it, by kind of operation. */
export interface HeadTimeouts {
  readonly quick: Partial<RequestTimeouts>;
  readonly stream: Partial<RequestTimeouts>;
  readonly message: Partial<RequestTimeouts>;
  /** Of answers that last for hours. */
  readonly session: Partial<RequestTimeouts>;
}

/** Turns the clocks of a native upstream into those of each kind of operation. */
export function toHeadTimeouts(timeouts: UpstreamTimeoutsConfig): HeadTimeouts {
  const slotWaitMs = timeouts.slot_wait * 1000;
  const idleMs = timeouts.idle * 1000;
  return {
    quick: Object.freeze({ slotWaitMs, headersMs: timeouts.quick_headers * 1000, idleMs }),
    stream: Object.freeze({ slotWaitMs, headersMs: timeouts.stream_headers * 1000, idleMs }),
    message: Object.freeze({ slotWaitMs, headersMs: timeouts.message_headers * 1000, idleMs }),
    session: Object.freeze({ slotWaitMs, headersMs: timeouts.stream_headers * 1000, idleMs: timeouts.session_idle * 1000 }),
  };
}
