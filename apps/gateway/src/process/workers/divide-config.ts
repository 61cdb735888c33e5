import type { GatewayConfig } from '../../config/gateway-config.ts';
import type { PoolConfig } from '../../config/sections/upstream-settings.ts';
import type { WorkerShare } from '../../access/limits/worker-share.ts';

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

/**
 * One worker's part of a configuration, so that what is configured is the whole gateway's: connections, waiters and gathered
 * bytes. Limits of clients are divided by the limiter itself, where they are counted in memory.
 */
export function divideConfig(config: GatewayConfig, share: WorkerShare): GatewayConfig {
  const { anthropic_native: native, openai_front_door: frontDoor } = config;
  return {
    ...config,
    anthropic_native: { ...native, pool: dividePool(native.pool, share), max_buffered_bytes: divide(native.max_buffered_bytes, share) },
    openai_front_door: { ...frontDoor, pool: dividePool(frontDoor.pool, share), max_buffered_bytes: divide(frontDoor.max_buffered_bytes, share) },
  };
}
