import { CAUSE_TRAITS, describeCondition, type Condition } from '../causes.ts';
import type { UpstreamTimes } from './upstream-state.ts';

/** What one client has of a pool. */
export interface ClientShare {
  readonly client: string;
  readonly held: number;
  readonly waiting: number;
}

/** The pool of one upstream at one moment. */
export interface PoolSnapshot {
  readonly maxConnections: number;
  readonly maxWaiting: number;
  readonly waiting: number;
  /** The clients that hold or want a slot. */
  readonly clients: readonly ClientShare[];
}

/** One upstream of one process at one moment: plain data, which workers send to the primary. */
export interface UpstreamSnapshot extends UpstreamTimes {
  /** As metrics name it, such as `native` or `front_door_anthropic`. */
  readonly name: string;
  readonly pool: PoolSnapshot;
}

/** Describes one upstream out of its pool and its times. */
export function describeUpstream(name: string, { maxConnections, maxWaiting, waiting, clients }: PoolSnapshot, times: UpstreamTimes): UpstreamSnapshot {
  return { name, ...times, pool: { maxConnections, maxWaiting, waiting, clients } };
}

/** The share of a full pool above which its one holder is named as the cause. */
export const HELD_BY_ONE_SHARE = 0.8;

/** The upstreams of the whole gateway out of those of its workers. */
export function mergeUpstreams(parts: readonly UpstreamSnapshot[]): readonly UpstreamSnapshot[] {
  const merged = new Map<string, UpstreamSnapshot>();
  for (const part of parts) {
    const known = merged.get(part.name);
    merged.set(part.name, known === undefined ? part : mergeTwo(known, part));
  }
  return [...merged.values()];
}

function mergeTwo(one: UpstreamSnapshot, other: UpstreamSnapshot): UpstreamSnapshot {
  const succeededAt = Math.max(one.succeededAt, other.succeededAt);
  const answeredAt = Math.max(one.answeredAt, other.answeredAt);
  // A worker that was idle since the trouble ended knows of no success, and another one does.
  const current = [one.trouble, other.trouble].flatMap((trouble) => (trouble !== undefined && trouble.at >= succeededAt ? [trouble] : []));
  const latest = current.toSorted((first, second) => second.at - first.at)[0];
  const since = Math.min(...current.filter(({ cause }) => cause === latest?.cause).map((trouble) => trouble.since));
  return {
    name: one.name, succeededAt, answeredAt, failedAt: Math.max(one.failedAt, other.failedAt), refusedAt: Math.max(one.refusedAt, other.refusedAt),
    trouble: latest === undefined ? undefined : { ...latest, since },
    pool: mergePools(one.pool, other.pool),
  };
}

function mergePools(one: PoolSnapshot, other: PoolSnapshot): PoolSnapshot {
  const clients = new Map<string, ClientShare>();
  for (const { client, held, waiting } of [...one.clients, ...other.clients]) {
    const known = clients.get(client);
    clients.set(client, { client, held: held + (known?.held ?? 0), waiting: waiting + (known?.waiting ?? 0) });
  }
  return {
    maxConnections: one.maxConnections + other.maxConnections, maxWaiting: one.maxWaiting + other.maxWaiting, waiting: one.waiting + other.waiting,
    clients: [...clients.values()],
  };
}

/** What is wrong with upstreams and their pools now. */
export function conditionsOf(upstreams: readonly UpstreamSnapshot[]): readonly Condition[] {
  return upstreams.flatMap(({ name, trouble, pool }) => [
    ...(trouble === undefined ? [] : [{ cause: trouble.cause, party: name, since: trouble.since }]),
    ...poolConditions(name, pool),
  ]);
}

function poolConditions(name: string, { maxConnections, waiting, clients }: PoolSnapshot): readonly Condition[] {
  const held = clients.reduce((sum, client) => sum + client.held, 0);
  if (held < maxConnections) return [];
  const largest = clients.reduce((most, client) => (client.held > most.held ? client : most), { client: '', held: 0 });
  // Callers without keys are not one client.
  if (largest.client !== '' && largest.client !== 'anonymous' && largest.held > HELD_BY_ONE_SHARE * maxConnections) {
    return [{ cause: 'pool_held_by_one_client', party: largest.client, detail: `${largest.held} of ${maxConnections} connections of ${name}, ${waiting} wait` }];
  }
  return [{ cause: 'pool_full', party: name, detail: `${held} of ${maxConnections} connections, ${waiting} wait` }];
}

/** The `warnings` of `/readyz`: conditions that concern readiness, by the part that they are about. */
export function warningsOf(upstreams: readonly UpstreamSnapshot[]): Readonly<Record<string, string>> {
  const warnings: Record<string, string> = {};
  for (const upstream of upstreams) {
    for (const condition of conditionsOf([upstream])) {
      if (CAUSE_TRAITS[condition.cause].concernsReadiness) warnings[`${upstream.name}_${isOfPool(condition) ? 'pool' : 'upstream'}`] = describeCondition(condition);
    }
  }
  return warnings;
}

function isOfPool({ cause }: Condition): boolean {
  return cause === 'pool_full' || cause === 'pool_held_by_one_client';
}
