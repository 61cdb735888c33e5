import { dollarsOf } from '../../cost/dollars.ts';
import { faultOf } from '../../request/request-record.ts';
import { ACTIVITY_STEP_MS } from './activity.ts';
import type { Quota } from './quota.ts';
import { formatCursor, type StatusQuery } from './status-query.ts';
import type { ClientHour, FailureRow, OpenPart, OpenRow, StatusPart, UpstreamPart } from './status-part.ts';
import { STATUS_VERSION, type Status, type StatusClient, type StatusFailure, type StatusFinding, type StatusQuota, type StatusRequest, type StatusRouting, type StatusUpstream } from './status.ts';
import type { MemberSnapshot, UpstreamSnapshot } from '../upstreams/upstream-snapshot.ts';

/** What a status has beside the requests of its processes. Times are Unix milliseconds. */
export interface StatusSurroundings {
  readonly now: number;
  readonly gateway: Status['gateway'];
  /** What is wrong, worst first. */
  readonly findings: readonly StatusFinding[];
  readonly warnings: Status['warnings'];
  readonly drain: Status['drain'];
  readonly config: Status['config'];
}

const ALL_WELL: StatusFinding = { text: 'All well', cause: 'all_well', party: null, since: null, severity: 'none' };

/** Writes the parts of a gateway as the document of `GET /status.json`. */
export function describeStatus(part: StatusPart, query: StatusQuery, surroundings: StatusSurroundings): Status {
  const { now, gateway, findings, warnings, drain, config } = surroundings;
  const { open, failures, clients, activity } = part;
  return {
    version: STATUS_VERSION, generated_at: isoTime(now), gateway,
    verdict: findings[0] ?? ALL_WELL, findings, warnings,
    open: describeOpen(open, query, now),
    upstreams: part.upstreams.map((upstream) => describeUpstream(upstream, part.states)),
    quotas: part.quotas.map(describeQuota),
    failures: failures.map(describeFailure),
    clients: describeClients(clients, open),
    activity: { step_seconds: ACTIVITY_STEP_MS / 1_000, ends_at: isoTime((activity.lastStep + 1) * ACTIVITY_STEP_MS), ...activity.series },
    drain, config,
  };
}

/** Writes a time as RFC 3339. */
export function isoTime(at: number): string {
  return new Date(at).toISOString();
}

function secondsSince(at: number, now: number): number {
  return Math.max(0, Math.round((now - at) / 100) / 10);
}

function describeOpen({ total, bySide, byPhase, matching, rows }: OpenPart, query: StatusQuery, now: number): Status['open'] {
  const last = rows.at(-1);
  const mayHaveMore = query.sort === 'age' && rows.length === query.limit && last !== undefined && (matching > rows.length || query.after !== undefined);
  return {
    total, by_side: bySide, by_phase: byPhase, matching, requests: rows.map((row) => describeRequest(row, now)),
    next: mayHaveMore ? formatCursor(last) : null,
  };
}

function describeRequest({ requestId, side, client, person, upstream, method, route, model, phase, isEventStream, startedAt, acquiredAt, stalledAt, requestBytes, responseBytes }: OpenRow, now: number): StatusRequest {
  return {
    id: requestId, side, client, ...(person === undefined ? {} : { person }), upstream: upstream ?? null, method, route: route ?? null, model: model ?? null, phase, stream: isEventStream,
    started_at: isoTime(startedAt), age_seconds: secondsSince(startedAt, now),
    held_seconds: acquiredAt === undefined ? null : secondsSince(acquiredAt, now),
    stalled_seconds: stalledAt === undefined ? null : secondsSince(stalledAt, now),
    request_bytes: requestBytes, response_bytes: responseBytes,
  };
}

function describeUpstream(upstream: UpstreamPart, states: readonly UpstreamSnapshot[]): StatusUpstream {
  const { name, side, maxConnections, open, active, idle, connecting, waiting, maxWaiting, longLived, maxLongLived, clients } = upstream;
  const state = states.find((one) => one.name === name);
  const trouble = state?.trouble;
  return {
    name, side, max_connections: maxConnections, open, active, idle, connecting, waiting, max_waiting: maxWaiting, long_lived: longLived, max_long_lived: maxLongLived,
    clients: clients.toSorted((one, other) => other.held - one.held || other.waiting - one.waiting || (one.client < other.client ? -1 : 1)),
    trouble: trouble === undefined ? null : { cause: trouble.cause, since: isoTime(trouble.since), last_at: isoTime(trouble.at) },
    routing: state?.member === undefined ? null : describeRouting(state.member),
  };
}

function describeRouting({ state, reason, coolsForMs, illForMs, tier, weight, scopes }: MemberSnapshot): StatusRouting {
  return { health: state, reason: reason ?? null, cools_for_seconds: Math.ceil(coolsForMs / 100) / 10, ill_for_seconds: Math.floor(illForMs / 100) / 10, tier, weight, cooling_models: scopes.length };
}

function describeQuota({ upstream, quota, limit, remaining, usedRatio, resetsAt }: Quota): StatusQuota {
  return { upstream, quota, limit: limit ?? null, remaining: remaining ?? null, used_ratio: usedRatio, resets_at: resetsAt === undefined ? null : isoTime(resetsAt) };
}

function describeFailure({ at, firstAt, count, outcome, status, code, side, upstream, client, route, model, requestId, upstreamRequestId, costNanoDollars }: FailureRow): StatusFailure {
  return {
    at: isoTime(at), first_at: isoTime(firstAt), count, fault: faultOf(outcome, status), outcome, code: code ?? null, status, side, upstream: upstream ?? null,
    client, route, model: model ?? null, id: requestId, upstream_request_id: upstreamRequestId ?? null, cost_dollars: dollarsOf(costNanoDollars),
  };
}

/** Those with an open request or one that ended in the last hour. */
function describeClients(hours: readonly ClientHour[], { clients }: OpenPart): readonly StatusClient[] {
  const open = new Map(clients.map((client) => [client.client, client.open]));
  const rows = hours.map(({ client, requests, failures, refusals, inputTokens, outputTokens, costNanoDollars, lastAt }): StatusClient => {
    const row = { client, open: open.get(client) ?? 0, requests, failures, refusals, input_tokens: inputTokens, output_tokens: outputTokens, cost_dollars: dollarsOf(costNanoDollars), last_at: isoTime(lastAt) };
    open.delete(client);
    return row;
  });
  const idle = Array.from(open, ([client, count]): StatusClient => ({ client, open: count, requests: 0, failures: 0, refusals: 0, input_tokens: 0, output_tokens: 0, cost_dollars: 0, last_at: null }));
  return [...idle.toSorted((one, other) => other.open - one.open), ...rows];
}
