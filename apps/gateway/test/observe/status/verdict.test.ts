// What the verdict names: a cause, a party, a sentence and a beginning, out of the state of a whole gateway.
import { describe, expect, test } from 'vitest';
import { CAUSES, type Cause } from '../../../src/observe/causes.ts';
import { Activity } from '../../../src/observe/status/activity.ts';
import type { StatusPart } from '../../../src/observe/status/status-part.ts';
import { findVerdict, WRONG_KEYS_A_MINUTE, type VerdictState } from '../../../src/observe/status/verdict.ts';
import type { UpstreamSnapshot } from '../../../src/observe/upstreams/upstream-snapshot.ts';
import { emptyOpen, emptyPart, NOON, openRow } from './made-status.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

function upstream(differences: Partial<UpstreamSnapshot> = {}): UpstreamSnapshot {
  return {
    name: 'native', succeededAt: NOON - 5 * MINUTE, answeredAt: 0, failedAt: 0, refusedAt: 0, trouble: undefined,
    pool: { maxConnections: 4, maxWaiting: 10, waiting: 0, clients: [] }, ...differences,
  };
}

function state(part: Partial<StatusPart> = {}, differences: Partial<VerdictState> = {}): VerdictState {
  return { now: NOON, part: emptyPart(part), drain: undefined, isServing: true, conditions: [], ...differences };
}

const trouble = (cause: Cause): UpstreamSnapshot['trouble'] => ({ cause, since: NOON - 2 * MINUTE, at: NOON - SECOND });
const inTrouble = (cause: Cause, name = 'native'): VerdictState => state({ states: [upstream({ name, trouble: trouble(cause) })] });

const ofPart = (cause: Cause, party: string, detail?: string): VerdictState => state({}, { conditions: [{ cause, party, since: NOON - 2 * MINUTE, detail }] });

function keys(perStep: number, steps: number): StatusPart['activity'] {
  const activity = new Activity();
  for (let step = steps - 1; step >= 0; step -= 1) for (let count = 0; count < perStep; count += 1) activity.count('unauthenticated', NOON - step * 10 * SECOND);
  return activity.part(NOON);
}

const held = (client: string, count: number): { client: string; held: number; waiting: number } => ({ client, held: count, waiting: 0 });
const holder = (client: string, count: number): StatusPart['open']['holders'][number] => ({ upstream: 'native', client, held: count, oldestAt: NOON - 252 * SECOND, newestAt: NOON - 30 * SECOND });

interface Case {
  readonly name: string;
  readonly state: VerdictState;
  readonly cause: Cause;
  readonly party: string;
  readonly text: string;
  readonly since?: number;
}

const CASES: readonly Case[] = [
  {
    name: 'a key that was revoked', state: inTrouble('credential_refused'), cause: 'credential_refused', party: 'native', since: NOON - 2 * MINUTE,
    text: 'The Anthropic API (native) has refused this gateway\'s key since 11:58 UTC; the last success was 5 min ago. Clients are not to blame: replace the key in the configuration.',
  },
  {
    name: 'an upstream that is down', state: inTrouble('upstream_unreachable'), cause: 'upstream_unreachable', party: 'native', since: NOON - 2 * MINUTE,
    text: 'The Anthropic API (native) cannot be reached since 11:58 UTC; the last success was 5 min ago.',
  },
  {
    name: 'a backend of the front door that is down', state: state({ states: [upstream({ name: 'front_door_local', succeededAt: 0, trouble: trouble('backend_unreachable') })] }), cause: 'backend_unreachable', party: 'front_door_local', since: NOON - 2 * MINUTE,
    text: 'The backend local of the front door cannot be reached since 11:58 UTC; no request has succeeded since the start.',
  },
  {
    name: 'an upstream that breaks its answers', state: inTrouble('upstream_failing'), cause: 'upstream_failing', party: 'native', since: NOON - 2 * MINUTE,
    text: 'The Anthropic API (native) does not answer, or breaks its answers, since 11:58 UTC; the last success was 5 min ago.',
  },
  {
    name: 'a backend that breaks its answers', state: inTrouble('backend_failing', 'front_door_b'), cause: 'backend_failing', party: 'front_door_b', since: NOON - 2 * MINUTE,
    text: 'The backend b of the front door does not answer, or breaks its answers, since 11:58 UTC; the last success was 5 min ago.',
  },
  {
    name: 'an API that answers with its own errors', state: inTrouble('api_failing', 'west'), cause: 'api_failing', party: 'west', since: NOON - 2 * MINUTE,
    text: 'The upstream west answers with errors of its own since 11:58 UTC; the last success was 5 min ago. Nothing has to be changed here.',
  },
  {
    name: 'the full share of one worker, held by one client', cause: 'pool_held_by_one_client', party: 'mallory',
    state: state({
      open: { ...emptyOpen(), holders: [holder('mallory', 5)] },
      states: [upstream({ pool: { maxConnections: 8, maxWaiting: 20, waiting: 3, clients: [held('mallory', 5)], full: { maxConnections: 4, maxWaiting: 10, waiting: 3, clients: [held('mallory', 4)], workers: 1 } } })],
    }),
    text: 'mallory holds 4 of 4 connections of one worker to the Anthropic API (native); 3 wait.',
  },
  {
    name: 'a quota that is spent', cause: 'quota_spent', party: 'native', since: NOON - 2 * MINUTE,
    state: state({
      states: [upstream({ trouble: trouble('quota_spent') })],
      quotas: [
        { upstream: 'native', quota: 'requests', limit: 60, remaining: 0, usedRatio: 1, resetsAt: NOON + 20 * SECOND },
        { upstream: 'native', quota: 'tokens', limit: 60, remaining: 30, usedRatio: 0.5, resetsAt: NOON + 40 * SECOND },
        { upstream: 'other', quota: 'requests', limit: 60, remaining: 0, usedRatio: 1, resetsAt: NOON + 50 * SECOND },
      ],
    }),
    text: 'The Anthropic API (native) answers 429 since 11:58 UTC. The quota requests is spent; it is full again in 20 s.',
  },
  {
    name: 'one client that holds a full pool', cause: 'pool_held_by_one_client', party: 'mallory', since: NOON - 30 * SECOND,
    state: state({
      states: [upstream({ pool: { maxConnections: 4, maxWaiting: 10, waiting: 2, clients: [held('mallory', 4), { client: 'alice', held: 0, waiting: 2 }] } })],
      open: { ...emptyOpen(), holders: [holder('mallory', 4)] },
    }),
    text: 'mallory holds 4 of 4 connections to the Anthropic API (native), the oldest for 4 min 12 s; 2 wait.',
  },
  {
    name: 'a full pool that several clients hold', cause: 'pool_full', party: 'native', since: NOON - 30 * SECOND,
    state: state({
      states: [upstream({ pool: { maxConnections: 4, maxWaiting: 10, waiting: 7, clients: [held('alice', 2), held('bob', 2)] } })],
      open: { ...emptyOpen(), holders: [holder('alice', 2), holder('bob', 2)] },
    }),
    text: 'All 4 connections to the Anthropic API (native) are held by 2 clients; 7 wait.',
  },
  {
    name: 'callers with unknown keys', state: state({ activity: keys(10, 12) }), cause: 'wrong_keys', party: 'unauthenticated', since: NOON - 110 * SECOND,
    text: '60 requests with an unknown key in the last minute, since 11:58 UTC; the log names their address (credential refused).',
  },
  {
    name: 'a client that does not read', state: state({ open: { ...emptyOpen(), stalled: [openRow({ client: 'slow', stalledAt: NOON - 12 * SECOND }), openRow({ client: 'slow', stalledAt: NOON - 5 * SECOND })] } }),
    cause: 'slow_client', party: 'slow', since: NOON - 12 * SECOND, text: 'slow does not read 2 answers: nothing was taken for 12 s.',
  },
  {
    name: 'a shutdown with open responses', cause: 'draining', party: 'gateway', since: NOON - 10 * SECOND,
    state: state({ open: { ...emptyOpen(), total: 5, clients: [{ client: 'bob', open: 1, oldestStartedAt: NOON - SECOND }, { client: 'alice', open: 4, oldestStartedAt: NOON - 90 * SECOND }] } }, { drain: { since: NOON - 10 * SECOND, endsAt: NOON + 50 * SECOND } }),
    text: 'Shutting down: 5 responses are open (alice 4, bob 1), the oldest for 1 min 30 s; those that are open in 50 s are broken.',
  },
  {
    name: 'a shutdown without open responses', state: state({}, { drain: { since: NOON, endsAt: NOON + 50 * SECOND } }), cause: 'draining', party: 'gateway', since: NOON,
    text: 'Shutting down: no response is open.',
  },
  { name: 'no worker that is ready', state: state({}, { isServing: false }), cause: 'no_worker_ready', party: 'gateway', text: 'No worker is ready: every request is refused or waits.' },
  {
    name: 'a store of client limits that fails', cause: 'limit_store_failing', party: 'native', since: NOON - 2 * MINUTE,
    state: ofPart('limit_store_failing', 'native', 'requests of limited clients are admitted uncounted'),
    text: 'The store of client limits fails for the native side since 11:58 UTC: requests of limited clients are admitted uncounted.',
  },
  {
    name: 'an identity provider of sign-in that cannot be asked', cause: 'sign_in_provider_failing', party: 'sign_in', since: NOON - 2 * MINUTE,
    state: ofPart('sign_in_provider_failing', 'sign_in', 'sign-ins fail'), text: 'The identity provider of sign-in cannot be asked since 11:58 UTC: sign-ins fail.',
  },
  {
    name: 'a store of sign-in that fails', cause: 'sign_in_store_failing', party: 'sign_in', since: NOON - 2 * MINUTE,
    state: ofPart('sign_in_store_failing', 'sign_in'), text: 'The store of sign-in fails since 11:58 UTC.',
  },
  {
    name: 'a ledger whose store fails', cause: 'ledger_failing', party: 'ledger', since: NOON - 2 * MINUTE,
    state: ofPart('ledger_failing', 'ledger', '3 requests wait in memory, 0 are lost'), text: 'The store of the ledger fails since 11:58 UTC: 3 requests wait in memory, 0 are lost.',
  },
  {
    name: 'a budget that is spent', cause: 'budget_spent', party: 'client ci', since: NOON - 2 * MINUTE,
    state: ofPart('budget_spent', 'client ci', 'the monthly $500.00'), text: 'The budget of client ci is spent: the monthly $500.00. Its requests are refused until the period ends.',
  },
  {
    name: 'a model without a price', cause: 'price_missing', party: 'claude-next', since: NOON - 2 * MINUTE,
    state: ofPart('price_missing', 'claude-next', '3 requests charged $5 and $25 per million tokens'), text: 'No price is known for the model claude-next since 11:58 UTC: 3 requests charged $5 and $25 per million tokens. A row in prices is missing.',
  },
  { name: 'an issuer whose keys cannot be fetched', state: ofPart('issuer_failing', 'idp'), cause: 'issuer_failing', party: 'idp', since: NOON - 2 * MINUTE, text: 'The keys of the issuer idp cannot be fetched since 11:58 UTC: its tokens are judged by the last ones for 24 hours, then refused.' },
  { name: 'a side that could not be started', state: state({}, { conditions: [{ cause: 'side_absent', party: 'front_door' }] }), cause: 'side_absent', party: 'front_door', text: 'The front_door side could not be started; the log has the reason.' },
];

test.each(CASES)('$name: cause, party, beginning and sentence', ({ state: given, cause, party, since, text }) => {
  expect(findVerdict(given)).toEqual([{ cause, party, since, text }]);
});

describe('the verdict', () => {
  test('is empty while nothing is wrong', () => {
    expect(findVerdict(state({ states: [upstream()], open: { ...emptyOpen(), total: 3 } }))).toEqual([]);
  });

  test('names what is worst first, in the order of the causes, and all of it', () => {
    const found = findVerdict(state({
      states: [
        upstream({ name: 'front_door_a', trouble: trouble('backend_unreachable') }),
        upstream({ trouble: trouble('credential_refused'), pool: { maxConnections: 1, maxWaiting: 1, waiting: 0, clients: [held('mallory', 1)] } }),
      ],
      activity: keys(10, 6), open: { ...emptyOpen(), stalled: [openRow({ stalledAt: NOON - 4 * SECOND })] },
    }));
    expect(found.map(({ cause }) => cause)).toEqual(['credential_refused', 'backend_unreachable', 'pool_held_by_one_client', 'wrong_keys', 'slow_client']);
    expect(CAUSES.filter((cause) => found.some((finding) => finding.cause === cause))).toEqual(found.map(({ cause }) => cause));
  });

  test('a few wrong keys are no cause (a client that was configured wrongly)', () => {
    expect(findVerdict(state({ activity: keys(1, Math.min(6, WRONG_KEYS_A_MINUTE - 1)) }))).toEqual([]);
  });

  test('wrong keys of five minutes ago are over', () => {
    const activity = new Activity();
    for (let count = 0; count < 100; count += 1) activity.count('unauthenticated', NOON - 5 * MINUTE);
    expect(findVerdict(state({ activity: activity.part(NOON) }))).toEqual([]);
  });

  test('a client of a full pool with four fifths of it or less is not named alone', () => {
    const pool = { maxConnections: 5, maxWaiting: 10, waiting: 0, clients: [held('alice', 4), held('bob', 1)] };
    expect(findVerdict(state({ states: [upstream({ pool })] }))).toMatchObject([{ cause: 'pool_full', party: 'native' }]);
  });

  test('a pool with a free connection is no cause, even if one client holds all others', () => {
    expect(findVerdict(state({ states: [upstream({ pool: { maxConnections: 4, maxWaiting: 10, waiting: 0, clients: [held('mallory', 3)] } })] }))).toEqual([]);
  });
});
