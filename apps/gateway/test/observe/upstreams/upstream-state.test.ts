import { expect, test } from 'vitest';
import { CREDENTIAL_PROOF_MS, createUpstreamState, type UpstreamState } from '../../../src/observe/upstreams/upstream-state.ts';
import { conditionsOf, describeUpstream, mergeUpstreams, successesOf, warningsOf, type PoolSnapshot, type UpstreamSnapshot } from '../../../src/observe/upstreams/upstream-snapshot.ts';

const EMPTY_POOL: PoolSnapshot = { maxConnections: 4, maxWaiting: 10, waiting: 0, clients: [] };

function stateAt(clock: { at: number }, ownsCredential = true, kind: 'upstream' | 'backend' = 'upstream'): UpstreamState {
  return createUpstreamState({ kind, ownsCredential: () => ownsCredential, now: () => clock.at });
}

function snapshot(state: UpstreamState, pool: PoolSnapshot = EMPTY_POOL): UpstreamSnapshot {
  return describeUpstream('native', pool, state.times());
}

test('an upstream state: a 401 refuses the credential at once, a 403 only while nothing succeeded for a minute', () => {
  const clock = { at: 1_000_000 };
  const state = stateAt(clock);
  expect([401, 403, 400, 404, 429, 529].filter((status) => state.refusesCredential(status))).toEqual([401, 403]);
  state.headSeen(200);
  expect([401, 403].filter((status) => state.refusesCredential(status))).toEqual([401]);
  clock.at += CREDENTIAL_PROOF_MS - 1;
  expect(state.refusesCredential(403)).toBe(false);
  clock.at += 1;
  expect(state.refusesCredential(403)).toBe(true);
  // An error is no success.
  state.headSeen(404);
  expect(state.refusesCredential(403)).toBe(true);
});

test('an upstream state: a success of another worker is a proof of the credential as well', () => {
  const clock = { at: 1_000_000 };
  const state = stateAt(clock);
  state.succeededElsewhere(clock.at - CREDENTIAL_PROOF_MS + 1);
  expect([401, 403].filter((status) => state.refusesCredential(status))).toEqual([401]);
  // An older message takes nothing back.
  state.succeededElsewhere(0);
  expect(state.refusesCredential(403)).toBe(false);
  clock.at += 1;
  expect(state.refusesCredential(403)).toBe(true);
});

test('an upstream state: the client\'s own credential is the client\'s fault', () => {
  const state = stateAt({ at: 0 }, false);
  expect([401, 403].some((status) => state.refusesCredential(status))).toBe(false);
});

test('an upstream state: a refused credential lasts from its first refusal to the next success or the next key, whatever else is answered', () => {
  const clock = { at: 5_000 };
  const state = stateAt(clock);
  state.ended('upstream_credential_refused', 401);
  clock.at = 9_000;
  state.ended('upstream_credential_refused', 401);
  state.ended('upstream_error', 400);
  expect(conditionsOf([snapshot(state)])).toEqual([{ cause: 'credential_refused', party: 'native', since: 5_000 }]);
  expect(warningsOf([snapshot(state)])).toEqual({ native_upstream: 'credential_refused: native refuses the key of this gateway since 00:00:05Z' });
  state.headSeen(200);
  expect(conditionsOf([snapshot(state)])).toEqual([]);
  state.ended('upstream_credential_refused', 401);
  state.credentialChanged();
  expect(conditionsOf([snapshot(state)])).toEqual([]);
});

test.each([
  ['upstream', 'upstream_unreachable', 502, 'upstream_unreachable'], ['backend', 'upstream_unreachable', 502, 'backend_unreachable'],
  ['upstream', 'upstream_timeout', 504, 'upstream_failing'], ['backend', 'upstream_truncated', 200, 'backend_failing'],
  ['upstream', 'upstream_error', 429, 'quota_spent'], ['upstream', 'upstream_error', 529, 'api_failing'], ['upstream', 'stream_error_event', 200, 'api_failing'],
] as const)('an upstream state: of an %s, %s with status %d is the cause %s until the next answer', (kind, outcome, status, cause) => {
  const state = stateAt({ at: 7 }, true, kind);
  state.ended(outcome, status);
  expect(conditionsOf([snapshot(state)])).toEqual([{ cause, party: 'native', since: 7 }]);
  state.ended('client_gone', 499);
  expect(conditionsOf([snapshot(state)])).toHaveLength(1);
  state.ended('ok', 200);
  expect(conditionsOf([snapshot(state)])).toEqual([]);
});

test('an upstream state: a spent quota is over at the reset that the 429 named, without a request, and the next 429 begins anew', () => {
  const clock = { at: 1_000 };
  const state = stateAt(clock);
  const refuse = (...fields: readonly string[]): void => {
    state.headSeen(429, fields);
    state.ended('upstream_error', 429);
  };
  refuse('retry-after', '10');
  clock.at = 5_000;
  refuse('retry-after', '10');
  clock.at = 14_999;
  expect(conditionsOf([snapshot(state)])).toEqual([{ cause: 'quota_spent', party: 'native', since: 1_000 }]);
  clock.at = 15_000;
  expect(conditionsOf([snapshot(state)])).toEqual([]);
  refuse('retry-after', '10');
  clock.at = 40_000;
  // It was over before this one, although none asked in between.
  refuse('retry-after', '1');
  expect(conditionsOf([snapshot(state)])).toEqual([{ cause: 'quota_spent', party: 'native', since: 40_000 }]);
});

test('an upstream state: a 429 that names no reset lasts until the next answer, and a reset ends nothing but a spent quota', () => {
  const clock = { at: 1_000 };
  const state = stateAt(clock);
  state.headSeen(429, []);
  state.ended('upstream_error', 429);
  clock.at += 86_400_000;
  expect(conditionsOf([snapshot(state)])).toEqual([{ cause: 'quota_spent', party: 'native', since: 1_000 }]);
  state.headSeen(429, ['retry-after', '10']);
  state.ended('upstream_error', 529);
  clock.at += 86_400_000;
  expect(conditionsOf([snapshot(state)])).toMatchObject([{ cause: 'api_failing' }]);
});

test.each([
  ['one client that holds more than 80 % of a full pool is named', [{ client: 'mallory', held: 4, waiting: 0 }, { client: 'alice', held: 0, waiting: 2 }], 2,
    { native_pool: 'pool_held_by_one_client: mallory holds the pool (4 of 4 connections of native, 2 wait)' }],
  ['a pool that several clients fill is full', [{ client: 'mallory', held: 3, waiting: 0 }, { client: 'alice', held: 1, waiting: 0 }], 0,
    { native_pool: 'pool_full: native has no free connection (4 of 4 connections, 0 wait)' }],
  ['requests without a client are not named', [{ client: '', held: 4, waiting: 0 }], 0, { native_pool: 'pool_full: native has no free connection (4 of 4 connections, 0 wait)' }],
  ['callers without keys are not one client', [{ client: 'anonymous', held: 4, waiting: 0 }], 0, { native_pool: 'pool_full: native has no free connection (4 of 4 connections, 0 wait)' }],
  ['a pool with a free connection is well', [{ client: 'mallory', held: 3, waiting: 0 }], 0, {}],
] as const)('a pool: %s', (_title, clients, waiting, expected) => {
  expect(warningsOf([snapshot(stateAt({ at: 0 }), { ...EMPTY_POOL, waiting, clients })])).toEqual(expected);
});

test('the upstreams of several workers are one: pools add up, and a worker that was idle since the trouble ended does not keep it alive', () => {
  const clock = { at: 1_000 };
  const [first, second] = [stateAt(clock), stateAt(clock)];
  first.ended('upstream_credential_refused', 401);
  clock.at = 2_000;
  second.ended('upstream_credential_refused', 401);
  const pool = (client: string, held: number): PoolSnapshot => ({ ...EMPTY_POOL, maxConnections: 2, waiting: 1, clients: [{ client, held, waiting: 1 }] });
  const parts = (): UpstreamSnapshot[] => [snapshot(first, pool('mallory', 2)), snapshot(second, pool('mallory', 2))];
  expect(mergeUpstreams(parts())).toMatchObject([{ trouble: { cause: 'credential_refused', since: 1_000, at: 2_000 }, pool: { maxConnections: 4, waiting: 2, clients: [{ client: 'mallory', held: 4, waiting: 2 }] } }]);
  expect(Object.keys(warningsOf(mergeUpstreams(parts())))).toEqual(['native_upstream', 'native_pool']);
  clock.at = 3_000;
  second.headSeen(200);
  expect(warningsOf(mergeUpstreams(parts()))).not.toHaveProperty('native_upstream');
});

test('the upstreams of several workers: a trouble ends when another worker got a later answer, a refused credential only by a success', () => {
  const clock = { at: 1_000 };
  const [first, second] = [stateAt(clock), stateAt(clock)];
  const causes = (): string[] => conditionsOf(mergeUpstreams([snapshot(first), snapshot(second)])).map(({ cause }) => cause);
  first.ended('upstream_unreachable', 502);
  clock.at = 2_000;
  second.ended('upstream_error', 404);
  expect(causes()).toEqual([]);
  first.ended('upstream_credential_refused', 401);
  clock.at = 3_000;
  second.ended('upstream_error', 404);
  expect(causes()).toEqual(['credential_refused']);
});

test.each([
  ['one worker', 2, [['mallory', 2, 3]], { native_pool: 'pool_held_by_one_client: mallory holds the pool (2 of 2 connections of native in the share of one worker, 3 wait)' }],
  ['one worker, of several clients', 2, [['mallory', 1, 3], ['alice', 1, 0]], { native_pool: 'pool_full: native has no free connection (2 of 2 connections of one worker, 3 wait)' }],
  ['one worker, for which nothing waits', 2, [['mallory', 2, 0]], {}],
] as const)('the upstreams of several workers: the full share of %s is a cause although others have free connections', (_title, maxConnections, shares, expected) => {
  const full: PoolSnapshot = { ...EMPTY_POOL, maxConnections, waiting: 3 * Number(shares.some(([, , waiting]) => waiting > 0)), clients: shares.map(([client, held, waiting]) => ({ client, held, waiting })) };
  const free: PoolSnapshot = { ...EMPTY_POOL, maxConnections, clients: [{ client: 'alice', held: 1, waiting: 0 }] };
  const parts = [free, full, free].map((pool) => snapshot(stateAt({ at: 0 }), pool));
  expect(warningsOf(mergeUpstreams(parts))).toEqual(expected);
});

test('the latest success of each upstream is the latest of all workers', () => {
  const clock = { at: 7 };
  const [first, second] = [stateAt(clock), stateAt(clock)];
  first.headSeen(200);
  expect(successesOf([snapshot(first), snapshot(second)])).toEqual({ native: 7 });
});
