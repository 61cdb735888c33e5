import { valueProblem } from '../config-error.ts';
import { configuredClouds } from '../configured-clouds.ts';
import { resolveWorkerCount } from '../worker-share.ts';
import type { GatewayConfig } from '../gateway-config.ts';
import type { PoolConfig } from '../sections/upstream-settings.ts';
import type { CrossFieldRule } from './cross-field-rule.ts';

const SIDES = ['anthropic_native', 'openai_front_door'] as const;
const CLOUDS = ['bedrock', 'vertex'] as const;

/** The pools of all sides, by section; those of clouds only where they are configured. */
function poolsOf(config: GatewayConfig): readonly (readonly [section: string, pool: PoolConfig])[] {
  return [...SIDES.map((side) => [side, config[side].pool] as const), ...configuredClouds(config).map(({ name, config: { pool } }) => [name, pool] as const)];
}

const keepAliveWithinMaximum: CrossFieldRule = {
  reads: [...SIDES.map((side) => `${side}.pool`), ...CLOUDS],
  check: (config) => poolsOf(config).flatMap(([side, { max_connections: maximum, max_keepalive_connections: keepAlive }]) => {
    if (keepAlive <= maximum) return [];
    const path = `${side}.pool.max_keepalive_connections`;
    return [valueProblem(path, `at most ${side}.pool.max_connections (${maximum})`, String(keepAlive))];
  }),
};

const aConnectionForEachWorker: CrossFieldRule = {
  reads: ['server.workers', ...SIDES.map((side) => `${side}.pool.max_connections`), 'openai_front_door.enabled', ...CLOUDS],
  check: (config, { cores }) => poolsOf(config).flatMap(([side, { max_connections: maximum }]) => {
    const workers = resolveWorkerCount(config, cores);
    if (maximum >= workers || (side === 'openai_front_door' && !config.openai_front_door.enabled)) return [];
    return [valueProblem(
      `${side}.pool.max_connections`, `at least the number of workers (server.workers: ${workers})`, String(maximum), 'workers divide the connections between them',
    )];
  }),
};

/** What must hold between the fields of a pool, and between pools and workers. */
export const poolRules: readonly CrossFieldRule[] = [keepAliveWithinMaximum, aConnectionForEachWorker];
