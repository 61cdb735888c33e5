import { availableParallelism } from 'node:os';
import type { GatewayConfig } from './gateway-config.ts';
import { CLIENT_LIMIT_NAMES, type ClientLimits } from './sections/clients-section.ts';
import type { CloudConfig } from './sections/cloud-sections.ts';
import type { PoolConfig } from './sections/upstream-settings.ts';

/** The place of one worker, from 0, and the number of workers. */
export interface WorkerShare {
  readonly index: number;
  readonly count: number;
}

/** The number of workers to start: `server.workers`, where 0 means one a core. */
export function resolveWorkerCount(config: Pick<GatewayConfig, 'server'>, cores: number = availableParallelism()): number {
  return config.server.workers === 0 ? cores : config.server.workers;
}

/** A worker's part of a number that may become 0; the remainder goes to the first ones. */
function divide(total: number, { index, count }: WorkerShare): number {
  return Math.floor(total / count) + (index < total % count ? 1 : 0);
}

function dividePool(pool: PoolConfig, share: WorkerShare): PoolConfig {
  return {
    ...pool,
    max_connections: divide(pool.max_connections, share),
    max_keepalive_connections: divide(pool.max_keepalive_connections, share),
    max_waiting: divide(pool.max_waiting, share),
  };
}

function divideCloud<Cloud extends CloudConfig>(cloud: Cloud, share: WorkerShare): Cloud {
  return { ...cloud, pool: dividePool(cloud.pool, share), max_buffered_bytes: divide(cloud.max_buffered_bytes, share) };
}

/**
 * One worker's part of a configuration, so that its numbers are the whole gateway's: connections, waiters and gathered bytes.
 * Limits of clients are divided by the limiter (`divideLimits`), and only where they are counted in memory.
 */
export function divideConfig(config: GatewayConfig, share: WorkerShare): GatewayConfig {
  const { anthropic_native: native, openai_front_door: frontDoor, bedrock, vertex } = config;
  const upstreams = native.upstreams.map((upstream) => (upstream.pool === undefined ? upstream : { ...upstream, pool: dividePool(upstream.pool, share) }));
  return {
    ...config,
    anthropic_native: { ...native, upstreams, pool: dividePool(native.pool, share), max_buffered_bytes: divide(native.max_buffered_bytes, share) },
    openai_front_door: { ...frontDoor, pool: dividePool(frontDoor.pool, share), max_buffered_bytes: divide(frontDoor.max_buffered_bytes, share) },
    ...(bedrock === undefined ? {} : { bedrock: divideCloud(bedrock, share) }),
    ...(vertex === undefined ? {} : { vertex: divideCloud(vertex, share) }),
  };
}

/** A worker's part of a client's limits, for counters in memory; of each limit at least 1. */
export function divideLimits(limits: ClientLimits, share: WorkerShare): ClientLimits {
  return Object.fromEntries(CLIENT_LIMIT_NAMES.map((name) => {
    const total = limits[name];
    return [name, total === undefined ? undefined : Math.max(1, divide(total, share))];
  }));
}
