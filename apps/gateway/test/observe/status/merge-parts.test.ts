// The status of several workers is that of one gateway.
import { expect, test } from 'vitest';
import { mergeParts } from '../../../src/observe/status/merge-parts.ts';
import { WHOLE_STATUS } from '../../../src/observe/status/status-query.ts';
import type { FailureRow, StatusPart, UpstreamPart } from '../../../src/observe/status/status-part.ts';
import { Activity } from '../../../src/observe/status/activity.ts';
import { emptyOpen, emptyPart, NOON, openRow } from './made-status.ts';

const pool = (client: string, held: number): UpstreamPart => ({
  name: 'native', side: 'native', maxConnections: 2, open: held, active: held, idle: 0, connecting: 0, waiting: 1, maxWaiting: 5, longLived: 0, maxLongLived: 1, clients: [{ client, held, waiting: 1 }],
});
const failure = (differences: Partial<FailureRow>): FailureRow => ({
  at: NOON, firstAt: NOON, count: 1, side: 'native', upstream: 'native', client: 'alice', route: '/anthropic/v1/messages', status: 502, outcome: 'upstream_unreachable',
  code: 'unreachable', model: undefined, requestId: 'pen_1', upstreamRequestId: undefined, costNanoDollars: 7, ...differences,
});

function activityAt(at: number, requests: number): StatusPart['activity'] {
  const activity = new Activity();
  for (let count = 0; count < requests; count += 1) activity.count('requests', at);
  return activity.part(at);
}

const ONE = emptyPart({
  open: { ...emptyOpen(), total: 2, matching: 2, bySide: { native: 2, front_door: 0, bedrock: 0, vertex: 0 }, rows: [openRow({ requestId: 'a', startedAt: NOON - 30 }), openRow({ requestId: 'b', startedAt: NOON - 10 })], clients: [{ client: 'alice', open: 2, oldestStartedAt: NOON - 30 }], holders: [{ upstream: 'native', client: 'alice', held: 2, oldestAt: NOON - 30, newestAt: NOON - 10 }] },
  upstreams: [pool('alice', 2)], failures: [failure({ count: 2, at: NOON - 5, firstAt: NOON - 50, requestId: 'old' })], activity: activityAt(NOON, 3),
  clients: [{ client: 'alice', requests: 3, failures: 1, refusals: 0, inputTokens: 5, outputTokens: 6, costNanoDollars: 40, lastAt: NOON }],
  quotas: [{ upstream: 'native', quota: 'requests', limit: 10, remaining: 0, usedRatio: 1, resetsAt: NOON - 1_000 }],
});
const OTHER = emptyPart({
  open: { ...emptyOpen(), total: 1, matching: 1, bySide: { native: 1, front_door: 0, bedrock: 0, vertex: 0 }, rows: [openRow({ requestId: 'c', startedAt: NOON - 20, client: 'bob' })], clients: [{ client: 'bob', open: 1, oldestStartedAt: NOON - 20 }], holders: [{ upstream: 'native', client: 'alice', held: 1, oldestAt: NOON - 40, newestAt: NOON - 5 }] },
  upstreams: [pool('alice', 1)], failures: [failure({ count: 1, at: NOON, firstAt: NOON, requestId: 'new' }), failure({ client: 'bob', at: NOON - 1 })], activity: activityAt(NOON - 10_000, 4),
  clients: [{ client: 'alice', requests: 2, failures: 0, refusals: 1, inputTokens: 1, outputTokens: 1, costNanoDollars: 2, lastAt: NOON - 9 }],
  quotas: [{ upstream: 'native', quota: 'requests', limit: 10, remaining: 9, usedRatio: 0.1, resetsAt: NOON + 50_000 }],
});

test('parts are added up: pools, clients, failures, activity by its time, rows in one order', () => {
  const merged = mergeParts([ONE, OTHER], WHOLE_STATUS);
  expect(merged.open).toMatchObject({ total: 3, matching: 3, bySide: { native: 3 } });
  expect(merged.open.rows.map(({ requestId }) => requestId)).toEqual(['a', 'c', 'b']);
  expect(merged.open.holders).toEqual([{ upstream: 'native', client: 'alice', held: 3, oldestAt: NOON - 40, newestAt: NOON - 5 }]);
  expect(merged.upstreams).toMatchObject([{ maxConnections: 4, active: 3, waiting: 2, maxWaiting: 10, clients: [{ client: 'alice', held: 3, waiting: 2 }] }]);
  expect(merged.failures).toMatchObject([{ client: 'alice', count: 3, firstAt: NOON - 50, requestId: 'new', costNanoDollars: 14 }, { client: 'bob', count: 1 }]);
  expect(merged.clients).toMatchObject([{ client: 'alice', requests: 5, failures: 1, refusals: 1, inputTokens: 6, costNanoDollars: 42, lastAt: NOON }]);
  expect(merged.activity.series.requests.slice(-2)).toEqual([4, 3]);
});

test('a quota that a worker saw renewed replaces the spent one of an idle worker', () => {
  expect(mergeParts([ONE, OTHER], WHOLE_STATUS).quotas).toMatchObject([{ remaining: 9, resetsAt: NOON + 50_000 }]);
});

test('the order of the workers changes nothing, and no worker gives an empty status', () => {
  expect(mergeParts([OTHER, ONE], WHOLE_STATUS).open.rows).toEqual(mergeParts([ONE, OTHER], WHOLE_STATUS).open.rows);
  const none = mergeParts([], WHOLE_STATUS);
  expect(none).toMatchObject({ open: { total: 0, rows: [] }, upstreams: [], failures: [], clients: [] });
  expect(none.activity.series.requests).toHaveLength(90);
  expect(Number.isFinite(none.activity.lastStep)).toBe(true);
});

test('one page of several workers has as many rows as one page of one', () => {
  expect(mergeParts([ONE, OTHER], { ...WHOLE_STATUS, limit: 2 }).open.rows.map(({ requestId }) => requestId)).toEqual(['a', 'c']);
});
