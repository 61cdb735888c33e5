import { availableParallelism } from 'node:os';
import type { GatewayConfig } from '../config/gateway-config.ts';

/** How many workers to start: `server.workers`, where 0 means one a core. */
export function resolveWorkerCount(config: Pick<GatewayConfig, 'server'>, cores: number = availableParallelism()): number {
  return config.server.workers === 0 ? cores : config.server.workers;
}
