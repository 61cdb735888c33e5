import { REQUEST_PHASES, type RequestPhase } from '../../request/described-request.ts';
import { bySide as valueBySide, SIDES, type Side } from '../../request/request-record.ts';
import { Activity, ACTIVITY_STEPS } from './activity.ts';
import { MAX_FAILURES } from './failure-list.ts';
import { orderRows } from './order-rows.ts';
import { MAX_STALLED } from './select-open.ts';
import { ACTIVITY_SERIES, CLIENT_COUNTS, type ActivityPart, type ClientHour, type FailureRow, type OpenClient, type OpenPart, type PoolHolder, type StatusPart, type UpstreamPart } from './status-part.ts';
import { mergeUpstreams } from '../upstreams/upstream-snapshot.ts';
import { mergeQuotas } from './quota.ts';
import type { StatusQuery } from './status-query.ts';

/** Adds the parts of all processes of a gateway up. The order of the parts does not matter. */
export function mergeParts(parts: readonly StatusPart[], query: StatusQuery): StatusPart {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  return {
    open: mergeOpen(parts.map(({ open }) => open), query),
    upstreams: mergeBy(parts.flatMap(({ upstreams }) => upstreams), ({ name }) => name, addUpstreams),
    states: mergeUpstreams(parts.flatMap(({ states }) => states)),
    quotas: mergeQuotas(parts.flatMap(({ quotas }) => quotas)),
    failures: mergeBy(parts.flatMap(({ failures }) => failures), failureKey, addFailures).toSorted((one, other) => other.at - one.at).slice(0, MAX_FAILURES),
    clients: mergeBy(parts.flatMap(({ clients }) => clients), ({ client }) => client, addHours).toSorted((one, other) => other.requests - one.requests),
    activity: mergeActivity(parts.map(({ activity }) => activity)),
  };
}

function mergeOpen(parts: readonly OpenPart[], query: StatusQuery): OpenPart {
  const bySide: Record<Side, number> = valueBySide(() => 0);
  const byPhase = Object.fromEntries(REQUEST_PHASES.map((phase) => [phase, sumOf(parts, (part) => part.byPhase[phase])])) as Record<RequestPhase, number>;
  for (const side of SIDES) bySide[side] = sumOf(parts, (part) => part.bySide[side]);
  return {
    total: sumOf(parts, ({ total }) => total), matching: sumOf(parts, ({ matching }) => matching), bySide, byPhase,
    clients: mergeBy(parts.flatMap(({ clients }) => clients), ({ client }) => client, addOpen),
    holders: mergeBy(parts.flatMap(({ holders }) => holders), ({ upstream, client }) => `${upstream}\n${client}`, addHolders),
    rows: orderRows(parts.flatMap(({ rows }) => rows), query),
    stalled: orderRows(parts.flatMap(({ stalled }) => stalled), { sort: 'age', limit: MAX_STALLED }),
  };
}

function addOpen(one: OpenClient, other: OpenClient): OpenClient {
  return { client: one.client, open: one.open + other.open, oldestStartedAt: Math.min(one.oldestStartedAt, other.oldestStartedAt) };
}

function addHolders(one: PoolHolder, other: PoolHolder): PoolHolder {
  return { ...one, held: one.held + other.held, oldestAt: Math.min(one.oldestAt, other.oldestAt), newestAt: Math.max(one.newestAt, other.newestAt) };
}

/** The pools of an upstream in several workers are one pool to an operator: they were divided from one setting. */
function addUpstreams(one: UpstreamPart, other: UpstreamPart): UpstreamPart {
  return {
    name: one.name, side: one.side,
    maxConnections: one.maxConnections + other.maxConnections, open: one.open + other.open, active: one.active + other.active, idle: one.idle + other.idle,
    connecting: one.connecting + other.connecting, waiting: one.waiting + other.waiting, maxWaiting: one.maxWaiting + other.maxWaiting,
    longLived: one.longLived + other.longLived, maxLongLived: one.maxLongLived + other.maxLongLived,
    clients: mergeBy([...one.clients, ...other.clients], ({ client }) => client,
      (first, second) => ({ client: first.client, held: first.held + second.held, waiting: first.waiting + second.waiting })),
  };
}

function failureKey({ side, upstream, client, route, status, outcome, code }: FailureRow): string {
  return JSON.stringify([side, upstream, client, route, status, outcome, code]);
}

function addFailures(one: FailureRow, other: FailureRow): FailureRow {
  const latest = one.at >= other.at ? one : other;
  return { ...latest, count: one.count + other.count, costNanoDollars: one.costNanoDollars + other.costNanoDollars, firstAt: Math.min(one.firstAt, other.firstAt) };
}

function addHours(one: ClientHour, other: ClientHour): ClientHour {
  const sums = Object.fromEntries(CLIENT_COUNTS.map((count) => [count, one[count] + other[count]])) as Record<(typeof CLIENT_COUNTS)[number], number>;
  return { client: one.client, lastAt: Math.max(one.lastAt, other.lastAt), ...sums };
}

/** A process that was asked a moment earlier may be a step behind. */
function mergeActivity(parts: readonly ActivityPart[]): ActivityPart {
  if (parts.length === 0) return new Activity().part(Date.now());
  const lastStep = Math.max(...parts.map((part) => part.lastStep));
  const merged = (series: (typeof ACTIVITY_SERIES)[number]): readonly number[] => Array.from({ length: ACTIVITY_STEPS }, (_, step) =>
    sumOf(parts, (part) => part.series[series][step + lastStep - part.lastStep] ?? 0));
  return { lastStep, series: Object.fromEntries(ACTIVITY_SERIES.map((series) => [series, merged(series)])) as ActivityPart['series'] };
}

function sumOf<Value>(values: readonly Value[], read: (value: Value) => number): number {
  return values.reduce((sum, value) => sum + read(value), 0);
}

function mergeBy<Value>(values: readonly Value[], keyOf: (value: Value) => string, add: (one: Value, other: Value) => Value): readonly Value[] {
  const merged = new Map<string, Value>();
  for (const value of values) {
    const key = keyOf(value);
    const known = merged.get(key);
    merged.set(key, known === undefined ? value : add(known, value));
  }
  return [...merged.values()];
}
