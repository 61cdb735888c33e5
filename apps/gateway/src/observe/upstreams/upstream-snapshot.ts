import { CAUSE_TRAITS, describeCondition, type Condition } from '../causes.ts';
import type { UpstreamTimes, UpstreamTrouble } from './upstream-state.ts';

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
  /** Of several workers: the shares that are full while requests wait for them, added up. Others may have free connections, which these requests cannot use. */
  readonly full?: FullShares | undefined;
}

/** The shares of a pool that are full, of one worker or more. */
export interface FullShares extends Omit<PoolSnapshot, 'full'> {
  readonly workers: number;
}

/** The connections of a pool that are all in use: those of some workers, or without `workers` all. */
export interface FullPart extends Omit<PoolSnapshot, 'full'> {
  readonly workers?: number;
}

/** One upstream of one process at one moment: plain data, which workers send to the primary. */
export interface UpstreamSnapshot extends UpstreamTimes {
  /** As metrics name it, such as `native` or `front_door_anthropic`. */
  readonly name: string;
  readonly pool: PoolSnapshot;
  /** How it is as one of several; absent for the only one. */
  readonly member?: MemberSnapshot | undefined;
}

/** One of several upstreams between which requests are divided. */
export interface MemberSnapshot {
  readonly state: 'well' | 'cooling' | 'half_open';
  /** What failed last, such as `status_529` or `unreachable`. */
  readonly reason: string | undefined;
  /** Milliseconds until it is asked again by choice. */
  readonly coolsForMs: number;
  /** Milliseconds since it failed first without a success between; 0 where it is well. */
  readonly illForMs: number;
  readonly tier: number;
  readonly weight: number;
  /** Models that cool down there, while it serves others. */
  readonly scopes: readonly { readonly scope: string; readonly reason: string | undefined }[];
}

/** Describes one upstream out of its pool and its times. */
export function describeUpstream(name: string, { maxConnections, maxWaiting, waiting, clients }: PoolSnapshot, times: UpstreamTimes, member?: MemberSnapshot): UpstreamSnapshot {
  const pool = { maxConnections, maxWaiting, waiting, clients };
  if (member === undefined) return { name, ...times, pool };
  const { state, reason, coolsForMs, illForMs, tier, weight, scopes } = member;
  return { name, ...times, pool, member: { state, reason, coolsForMs, illForMs, tier, weight, scopes: scopes.map(({ scope, reason: why }) => ({ scope, reason: why })) } };
}

/** The share of a full pool above which its one holder is named as the cause. */
export const HELD_BY_ONE_SHARE = 0.8;

/** The upstreams of the whole gateway out of those of its workers. */
export function mergeUpstreams(parts: readonly UpstreamSnapshot[]): readonly UpstreamSnapshot[] {
  return [...Map.groupBy(parts, ({ name }) => name).values()].map(mergeWorkers);
}

function mergeWorkers(parts: readonly UpstreamSnapshot[]): UpstreamSnapshot {
  const latest = (read: (part: UpstreamSnapshot) => number): number => parts.reduce((most, part) => Math.max(most, read(part)), 0);
  const times = {
    succeededAt: latest(({ succeededAt }) => succeededAt), answeredAt: latest(({ answeredAt }) => answeredAt), failedAt: latest(({ failedAt }) => failedAt), refusedAt: latest(({ refusedAt }) => refusedAt),
  };
  const name = parts[0]?.name ?? '';
  const merged = { name, ...times, trouble: mergeTroubles(parts, times), pool: mergePools(parts.map(({ pool }) => pool)) };
  const member = mergeMembers(parts.flatMap((part) => (part.member === undefined ? [] : [part.member])));
  return member === undefined ? merged : { ...merged, member };
}

/** Workers share what they see, but not at once: the one that sees it worst is shown. */
function mergeMembers(members: readonly MemberSnapshot[]): MemberSnapshot | undefined {
  return members.toSorted((one, other) => SEVERITY[other.state] - SEVERITY[one.state] || other.coolsForMs - one.coolsForMs)[0];
}

const SEVERITY: Readonly<Record<MemberSnapshot['state'], number>> = { well: 0, half_open: 1, cooling: 2 };

/** A worker that was idle since the trouble ended does not know that it did, and another one does: of a refused credential by a success, else by any answer. */
function mergeTroubles(parts: readonly UpstreamSnapshot[], { succeededAt, answeredAt }: Pick<UpstreamTimes, 'succeededAt' | 'answeredAt'>): UpstreamTrouble | undefined {
  const wellAt = Math.max(succeededAt, answeredAt);
  const current = parts.flatMap(({ trouble }) => (trouble !== undefined && trouble.at >= (trouble.cause === 'credential_refused' ? succeededAt : wellAt) ? [trouble] : []));
  const latest = current.toSorted((first, second) => second.at - first.at)[0];
  if (latest === undefined) return undefined;
  return { ...latest, since: Math.min(...current.filter(({ cause }) => cause === latest.cause).map(({ since }) => since)) };
}

/** When each upstream, by name, answered with a success for the last time, in Unix milliseconds. */
export type Successes = Readonly<Record<string, number>>;

/** The latest success of each upstream in any of the workers. */
export function successesOf(parts: readonly UpstreamSnapshot[]): Successes {
  return Object.fromEntries(mergeUpstreams(parts).map(({ name, succeededAt }) => [name, succeededAt]));
}

function mergePools(pools: readonly PoolSnapshot[]): PoolSnapshot {
  const full = pools.filter((pool) => pool.waiting > 0 && heldOf(pool) >= pool.maxConnections);
  return { ...addPools(pools), full: full.length === 0 ? undefined : { ...addPools(full), workers: full.length } };
}

function addPools(pools: readonly PoolSnapshot[]): PoolSnapshot {
  const clients = new Map<string, ClientShare>();
  for (const { client, held, waiting } of pools.flatMap((pool) => pool.clients)) {
    const known = clients.get(client);
    clients.set(client, { client, held: held + (known?.held ?? 0), waiting: waiting + (known?.waiting ?? 0) });
  }
  const sum = (read: (pool: PoolSnapshot) => number): number => pools.reduce((total, pool) => total + read(pool), 0);
  return { maxConnections: sum(({ maxConnections }) => maxConnections), maxWaiting: sum(({ maxWaiting }) => maxWaiting), waiting: sum(({ waiting }) => waiting), clients: [...clients.values()] };
}

function heldOf({ clients }: Pick<PoolSnapshot, 'clients'>): number {
  return clients.reduce((sum, client) => sum + client.held, 0);
}

/** The part of a pool that is full: all of it, or the shares of `workers` for which requests wait. */
export function fullPartOf(pool: PoolSnapshot): FullPart | undefined {
  return heldOf(pool) >= pool.maxConnections ? pool : pool.full;
}

/** Whose connections they are, where they are not all of a pool: ` of one worker`. */
export function describeShare(workers: number | undefined): string {
  if (workers === undefined) return '';
  return workers === 1 ? ' of one worker' : ` of ${workers} workers`;
}

/** What is wrong with upstreams and their pools now. */
export function conditionsOf(upstreams: readonly UpstreamSnapshot[]): readonly Condition[] {
  return upstreams.flatMap(({ name, trouble, pool }) => [
    ...(trouble === undefined ? [] : [{ cause: trouble.cause, party: name, since: trouble.since }]),
    ...poolConditions(name, pool),
  ]);
}

function poolConditions(name: string, pool: PoolSnapshot): readonly Condition[] {
  const full = fullPartOf(pool);
  if (full === undefined) return [];
  const { maxConnections, waiting, clients, workers } = full;
  const largest = clients.reduce((most, client) => (client.held > most.held ? client : most), { client: '', held: 0 });
  const of = describeShare(workers);
  // Callers without keys are not one client.
  if (largest.client !== '' && largest.client !== 'anonymous' && largest.held > HELD_BY_ONE_SHARE * maxConnections) {
    return [{ cause: 'pool_held_by_one_client', party: largest.client, detail: `${largest.held} of ${maxConnections} connections of ${name}${of === '' ? '' : ` in the share${of}`}, ${waiting} wait` }];
  }
  return [{ cause: 'pool_full', party: name, detail: `${heldOf(full)} of ${maxConnections} connections${of}, ${waiting} wait` }];
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
