import { valueProblem } from '../config-error.ts';
import { resolveWorkerCount } from '../worker-share.ts';
import type { CrossFieldRule } from './cross-field-rule.ts';

const SIDES = ['anthropic_native', 'openai_front_door'] as const;

const keepAliveWithinMaximum: CrossFieldRule = {
  reads: SIDES.map((side) => `${side}.pool`),
  check: (config) => SIDES.flatMap((side) => {
    const { max_connections: maximum, max_keepalive_connections: keepAlive } = config[side].pool;
    if (keepAlive <= maximum) return [];
    const path = `${side}.pool.max_keepalive_connections`;
    return [valueProblem(path, `at most ${side}.pool.max_connections (${maximum})`, String(keepAlive))];
  }),
};

const aConnectionForEachWorker: CrossFieldRule = {
  reads: ['server.workers', ...SIDES.map((side) => `${side}.pool.max_connections`), 'openai_front_door.enabled'],
  check: (config, { cores }) => SIDES.flatMap((side) => {
    const workers = resolveWorkerCount(config, cores);
    const maximum = config[side].pool.max_connections;
    if (maximum >= workers || (side === 'openai_front_door' && !config.openai_front_door.enabled)) return [];
    return [valueProblem(
      `${side}.pool.max_connections`, `at least the number of workers (server.workers: ${workers})`, String(maximum), 'workers divide the connections between them',
    )];
  }),
};

/** What must hold between the fields of a pool, and between pools and workers. */
export const poolRules: readonly CrossFieldRule[] = [keepAliveWithinMaximum, aConnectionForEachWorker];
