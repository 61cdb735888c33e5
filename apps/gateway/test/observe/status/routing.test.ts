import { expect, test } from 'vitest';
import { describeForTerminal } from '../../../src/commands/status/describe-for-terminal.ts';
import { describeStatus } from '../../../src/observe/status/describe-status.ts';
import { mergeParts } from '../../../src/observe/status/merge-parts.ts';
import { WHOLE_STATUS } from '../../../src/observe/status/status-query.ts';
import type { Status } from '../../../src/observe/status/status.ts';
import type { MemberSnapshot, UpstreamSnapshot } from '../../../src/observe/upstreams/upstream-snapshot.ts';
import { renderUpstreams } from '../../../src/process/operations/page/upstream-sections.ts';
import { emptyPart, NOON, statusOfRequests } from './made-status.ts';

const POOL = { maxConnections: 2, open: 0, active: 0, idle: 0, connecting: 0, waiting: 0, maxWaiting: 2, longLived: 0, maxLongLived: 1, clients: [] };
const WELL: MemberSnapshot = { state: 'well', reason: undefined, coolsForMs: 0, illForMs: 0, tier: 0, weight: 1, scopes: [] };
const COOLING: MemberSnapshot = { ...WELL, state: 'cooling', reason: 'status_529', coolsForMs: 12_300, illForMs: 34_560, scopes: [{ scope: 'claude-x', reason: 'status_429' }] };
const HALF_OPEN: MemberSnapshot = { ...WELL, state: 'half_open', reason: 'unreachable' };

function partWith(member: MemberSnapshot | undefined): ReturnType<typeof emptyPart> {
  const state: UpstreamSnapshot = { name: 'main', succeededAt: 0, answeredAt: 0, failedAt: 0, refusedAt: 0, trouble: undefined, pool: POOL, ...(member === undefined ? {} : { member }) };
  return emptyPart({ upstreams: [{ name: 'main', side: 'native', ...POOL }], states: [state] });
}

function statusOf(...members: readonly (MemberSnapshot | undefined)[]): Status {
  const { gateway, config } = statusOfRequests(0, 'alice');
  return describeStatus(mergeParts(members.map(partWith), WHOLE_STATUS), WHOLE_STATUS, { now: NOON, gateway, findings: [], warnings: {}, drain: null, config });
}

test('upstreams[].routing of the status: shows health, reason, rest of the cool-down, tier and weight, and null for the only upstream', () => {
  expect(statusOf(COOLING).upstreams[0]?.routing).toEqual({ health: 'cooling', reason: 'status_529', cools_for_seconds: 12.3, ill_for_seconds: 34.5, tier: 0, weight: 1, cooling_models: 1 });
  expect(statusOf(WELL).upstreams[0]?.routing).toMatchObject({ health: 'well', reason: null, cools_for_seconds: 0, ill_for_seconds: 0 });
  expect(statusOf(undefined).upstreams[0]?.routing).toBeNull();
});

test('upstreams[].routing of several workers: is that of the one that sees it worst', () => {
  for (const members of [[WELL, COOLING, HALF_OPEN], [COOLING, HALF_OPEN, WELL]]) expect(statusOf(...members).upstreams[0]?.routing?.health).toBe('cooling');
  expect(statusOf(WELL, HALF_OPEN).upstreams[0]?.routing?.health).toBe('half_open');
});

test.each([[COOLING, 'cools down for 12 s after status_529, ill for 34 s'], [HALF_OPEN, 'waits for a request that shows whether it is well after unreachable']])('page and terminal name an upstream that is not well', (member, text) => {
  const status = statusOf(member);
  expect(renderUpstreams(status).text).toContain(text);
  expect(describeForTerminal(status, { columns: 300, hasColours: false }).join('\n')).toContain(text);
  expect(renderUpstreams(statusOf(WELL)).text).not.toContain('cools down');
});
