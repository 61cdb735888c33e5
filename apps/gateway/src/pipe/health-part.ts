import type { UpstreamStats } from '@penstock/upstream-client';
import type { UpstreamState } from '../observe/upstreams/upstream-state.ts';

type NumberField = Exclude<keyof UpstreamStats, 'origin' | 'clients'>;

/** A number of the pool, as health names it. */
export type PoolField =
  | 'max_connections' | 'max_keepalive_connections' | 'max_waiting' | 'open' | 'active' | 'idle' | 'connecting' | 'waiting' | 'long_lived' | 'max_long_lived';

/** The numbers of the pool, under the names of the configuration and the metrics; the origin is not shown. */
const POOL_FIELDS: Readonly<Record<PoolField, NumberField>> = {
  max_connections: 'maxConnections', max_keepalive_connections: 'maxKeepAliveConnections', max_waiting: 'maxWaiting', open: 'open', active: 'active', idle: 'idle',
  connecting: 'connecting', waiting: 'waiting', long_lived: 'longLived', max_long_lived: 'maxLongLived',
};

/** The pool's numbers by their names on the page. */
export type PoolNumbers = Readonly<Record<PoolField, number>>;

/** What `/anthropic/health` shows of one process: plain data, which the primary hands to the other workers. Times are Unix milliseconds, 0 for never. */
export interface HealthPart {
  readonly pool: PoolNumbers;
  readonly answeredAt: number;
  readonly failedAt: number;
  /** Whether the latest request that shows the upstream failed. */
  readonly isFailing: boolean;
}

/** Reads the part of this process. */
export function readHealthPart(stats: UpstreamStats, state: UpstreamState): HealthPart {
  const { answeredAt, failedAt } = state.times();
  return { pool: poolOf((field) => stats[POOL_FIELDS[field]]), answeredAt, failedAt, isFailing: state.isFailing() };
}

/** The part of this process: its upstreams together. */
export function healthOf(upstreams: readonly { readonly client: { stats(): UpstreamStats }; readonly state: UpstreamState }[]): HealthPart {
  const [first, ...rest] = upstreams.map(({ client, state }) => readHealthPart(client.stats(), state));
  return mergeHealth(first as HealthPart, rest);
}

/** The health of the whole gateway: pools add up, and of the upstream the latest that any process saw. */
export function mergeHealth(own: HealthPart, others: readonly HealthPart[]): HealthPart {
  const parts = [own, ...others];
  const latest = parts.reduce((one, other) => (lastSeen(other) > lastSeen(one) ? other : one));
  return {
    pool: poolOf((field) => parts.reduce((sum, { pool }) => sum + pool[field], 0)),
    answeredAt: Math.max(...parts.map(({ answeredAt }) => answeredAt)), failedAt: Math.max(...parts.map(({ failedAt }) => failedAt)), isFailing: latest.isFailing,
  };
}

function lastSeen({ answeredAt, failedAt }: HealthPart): number {
  return Math.max(answeredAt, failedAt);
}

function poolOf(read: (field: PoolField) => number): PoolNumbers {
  return Object.fromEntries(Object.keys(POOL_FIELDS).map((field) => [field, read(field as PoolField)])) as PoolNumbers;
}
