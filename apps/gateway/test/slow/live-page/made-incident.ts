import { createHash } from 'node:crypto';
import { describeStatus } from '../../../src/observe/status/describe-status.ts';
import type { OpenRow, StatusPart } from '../../../src/observe/status/status-part.ts';
import type { Status } from '../../../src/observe/status/status.ts';
import { orderRows } from '../../../src/observe/status/order-rows.ts';
import type { StatusQuery } from '../../../src/observe/status/status-query.ts';
import { findVerdict, severityOf } from '../../../src/observe/status/verdict.ts';
import { emptyOpen, emptyPart, NOON, openRow } from '../../observe/status/made-status.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** What a made status shows. */
export interface MadeIncident {
  readonly requests: number;
  /** The names of clients and models. */
  readonly names: readonly string[];
  readonly models: readonly string[];
}

/** Plausible names; the first one holds the pool where there are requests. */
export const PLAIN_NAMES: MadeIncident = { requests: 12, names: ['mallory', 'alice', 'ci', 'bob'], models: ['claude-opus-4-5', 'claude-haiku-4-5', 'claude-sonnet-4-5'] };

function wave(length: number, base: number, swing: number, seed: number): readonly number[] {
  return Array.from({ length }, (_, index) => Math.max(0, Math.round(base + swing * Math.sin(index / 6 + seed) + swing * 0.5 * Math.sin(index * 1.7 + seed))));
}

function rowsOf({ requests, names, models }: MadeIncident): readonly OpenRow[] {
  return Array.from({ length: requests }, (_, index) => {
    const holds = index % 5 !== 4;
    // A request that waits for a connection is refused after `slot_wait`, 5 s.
    const startedAt = NOON - (holds ? (252 - (index * 17) % 240) * SECOND : 800 + (index * 610) % 4_000);
    return openRow({
      requestId: `pen_${createHash('sha256').update(String(index)).digest('base64url').slice(0, 20)}`, startedAt, client: names[holds ? 0 : 1] ?? 'x',
      model: models[index % models.length], phase: holds ? 'relay' : 'acquire', requestBytes: 900 + ((index * 7_919) % 240_000), responseBytes: holds ? 4_000 + ((index * 104_729) % 900_000) : 0,
      acquiredAt: holds ? startedAt + 40 : undefined, upstream: 'native', stalledAt: index === 3 ? NOON - 41 * SECOND : undefined,
    });
  });
}

/** A status as a gateway would have it in an incident at noon. */
export function makeIncident(incident: MadeIncident, query: StatusQuery): Status {
  const { names, requests } = incident;
  const [first = 'x', second = 'y', third = 'z', fourth = 'w'] = names;
  const rows = rowsOf(incident);
  const held = rows.filter(({ phase }) => phase === 'relay').length;
  const waiting = requests - held;
  const most = Math.max(20, held);
  const shares = [{ client: first, held, waiting: 0 }, { client: second, held: 0, waiting }];
  const failure = { side: 'native' as const, upstream: 'native', route: '/anthropic/v1/messages', upstreamRequestId: undefined, costNanoDollars: 0, model: incident.models[0] };
  const part: StatusPart = emptyPart({
    open: {
      ...emptyOpen(), total: requests, matching: requests, bySide: { native: requests, front_door: 0, bedrock: 0, vertex: 0 }, rows: orderRows(rows, query),
      byPhase: { ...emptyOpen().byPhase, relay: held, acquire: waiting },
      clients: requests === 0 ? [] : [{ client: first, open: held, oldestStartedAt: NOON - 252 * SECOND }, { client: second, open: waiting, oldestStartedAt: Math.min(...rows.filter(({ phase }) => phase === 'acquire').map(({ startedAt }) => startedAt)) }],
      holders: requests === 0 ? [] : [{ upstream: 'native', client: first, held, oldestAt: NOON - 252 * SECOND, newestAt: NOON - 95 * SECOND }],
      stalled: rows.filter(({ stalledAt }) => stalledAt !== undefined),
    },
    upstreams: [
      { name: 'native', side: 'native', maxConnections: requests === 0 ? 20 : held, open: held, active: held, idle: requests === 0 ? 3 : 0, connecting: 0, waiting, maxWaiting: 100, longLived: 2, maxLongLived: 5, clients: requests === 0 ? [] : shares },
      { name: 'front_door_anthropic', side: 'front_door', maxConnections: most, open: 4, active: 3, idle: 1, connecting: 0, waiting: 0, maxWaiting: 100, longLived: 0, maxLongLived: 5, clients: [{ client: third, held: 2, waiting: 0 }, { client: fourth, held: 1, waiting: 0 }] },
    ],
    states: requests === 0 ? [] : [{
      name: 'native', succeededAt: NOON - 2 * SECOND, answeredAt: NOON, failedAt: 0, refusedAt: 0, trouble: undefined,
      pool: { maxConnections: held, maxWaiting: 100, waiting, clients: shares },
    }],
    quotas: [
      { upstream: 'native', quota: 'requests', limit: 4_000, remaining: 3_120, usedRatio: 0.22, resetsAt: NOON + 21 * SECOND },
      { upstream: 'native', quota: 'input_tokens', limit: 2_000_000, remaining: 430_000, usedRatio: 0.785, resetsAt: NOON + 38 * SECOND },
      { upstream: 'native', quota: 'output_tokens', limit: 400_000, remaining: 21_000, usedRatio: 0.948, resetsAt: NOON + 44 * SECOND },
    ],
    failures: [
      { ...failure, at: NOON - 4 * SECOND, firstAt: NOON - 80 * SECOND, count: 31, client: second, status: 429, outcome: 'overloaded', code: 'overloaded: slot_timeout', requestId: 'pen_5oUxgB2kqTnWc0rVQz9d', upstream: undefined },
      { ...failure, at: NOON - 6 * MINUTE, firstAt: NOON - 9 * MINUTE, count: 3, client: third, status: 529, outcome: 'upstream_error', code: undefined, requestId: 'pen_x0aTbR3mVwYlC7sNqKpH', upstreamRequestId: 'req_011CSHoEeqs5C35K2UUqR7Fy' },
      { ...failure, at: NOON - 11 * MINUTE, firstAt: NOON - 11 * MINUTE, count: 1, client: 'unauthenticated', status: 401, outcome: 'client_error', code: 'unauthenticated', requestId: 'pen_Qe8ZJm1uFfOa6hDGk2Lw', model: undefined, upstream: undefined },
      { ...failure, at: NOON - 14 * MINUTE, firstAt: NOON - 14 * MINUTE, count: 1, client: fourth, status: 499, outcome: 'client_gone', code: 'client_gone', requestId: 'pen_T9nKc4yPsvBi2rXeM5Ug' },
    ],
    clients: names.map((client, index) => ({ client, requests: 960 - index * 210, failures: index * 3, refusals: index === 1 ? 31 : 0, inputTokens: 4_200_000 - index * 900_000, outputTokens: 310_000 - index * 60_000, costNanoDollars: 9_120_000_000 - index * 1_900_000_000, lastAt: NOON - (index * 7 + 1) * SECOND })),
    activity: {
      lastStep: NOON / 10_000,
      series: {
        requests: wave(90, 26, 9, 0), failures: wave(90, 1, 2, 2).map((count, index) => (index > 80 ? 0 : count)), refusals: Array.from({ length: 90 }, (_, index) => (index > 81 ? 3 + (index % 3) : 0)),
        unauthenticated: Array.from({ length: 90 }, (_, index) => (index === 24 ? 1 : 0)), open: wave(90, 10, 4, 1).map((count, index) => (index > 80 ? requests : count)), waiting: Array.from({ length: 90 }, (_, index) => (index > 81 ? Math.min(waiting, index - 80) : 0)),
      },
    },
  });
  const found = findVerdict({ now: NOON, part, drain: undefined, isServing: true, conditions: [] });
  return describeStatus(part, query, {
    now: NOON, gateway: { version: '1.0.0', state: 'running', started_at: new Date(NOON - 93 * 60 * MINUTE).toISOString(), workers: 2 }, warnings: {}, drain: null,
    findings: found.map(({ since, ...finding }) => ({ ...finding, since: since === undefined ? null : new Date(since).toISOString(), severity: severityOf(finding.cause) })),
    config: {
      loaded_at: new Date(NOON - 93 * 60 * MINUTE).toISOString(), last_reload: { at: new Date(NOON - 47 * MINUTE).toISOString(), result: 'success', applied: ['clients.bob.limits.requests_per_minute'] },
      restart_required: ['server.workers'], warnings: [],
    },
  });
}
