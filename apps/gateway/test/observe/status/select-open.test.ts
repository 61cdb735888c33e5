// Thousands of open requests are described in slices, and selected as if all had been looked at at once.
import { performance } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { MAX_STALLED, ROWS_PER_TURN, selectOpen, STALL_SHOWN_MS, type ListedRequest } from '../../../src/observe/status/select-open.ts';
import { readStatusQuery, WHOLE_STATUS, type StatusQuery } from '../../../src/observe/status/status-query.ts';
import type { OpenRequestFacts } from '../../../src/request/described-request.ts';

const COUNT = 8_000;
const BEGUN = performance.now();

function facts(index: number, differences: Partial<OpenRequestFacts> = {}): OpenRequestFacts {
  return {
    side: 'native', requestId: `pen_${String(index).padStart(5, '0')}`, startedAt: BEGUN - 100_000 + index, client: `client-${index % 7}`, upstream: 'native', route: '/anthropic/v1/messages',
    method: 'POST', phase: index % 3 === 0 ? 'acquire' : 'relay', requestedModel: 'm', isEventStream: true, requestBytes: 1, responseBytes: index, acquiredAt: index % 3 === 0 ? undefined : 1,
    stalledAt: undefined, ...differences,
  };
}

const listed = (count: number, describe: (index: number) => OpenRequestFacts): ListedRequest[] => Array.from({ length: count }, (_, index) => ({ described: { describeOpen: () => describe(index) } }));

test('8,000 open requests: at most 200 are described in one turn of the event loop', async () => {
  let turn = 0;
  let next: NodeJS.Immediate | undefined;
  const count = (): void => {
    turn += 1;
    next = setImmediate(count);
  };
  count();
  const inTurn = new Map<number, number>();
  const { total, rows } = await selectOpen(listed(COUNT, (index) => {
    inTurn.set(turn, (inTurn.get(turn) ?? 0) + 1);
    return facts(index);
  }), WHOLE_STATUS);
  clearImmediate(next);
  expect(total).toBe(COUNT);
  expect(rows).toHaveLength(WHOLE_STATUS.limit);
  expect(Math.max(...inTurn.values())).toBeLessThanOrEqual(200);
  expect(inTurn.size).toBeGreaterThanOrEqual(COUNT / 200);
});

test('pages of every size hold each of the requests once, oldest first', async () => {
  const requests = listed(COUNT, facts);
  const ids: string[] = [];
  let after: StatusQuery['after'];
  for (;;) {
    const { rows } = await selectOpen(requests, { ...WHOLE_STATUS, limit: 500, after });
    ids.push(...rows.map(({ requestId }) => requestId));
    const last = rows.at(-1);
    if (last === undefined || rows.length < 500) break;
    after = { startedAt: last.startedAt, requestId: last.requestId };
  }
  expect(ids).toHaveLength(COUNT);
  expect(new Set(ids).size).toBe(COUNT);
  expect(ids).toEqual(ids.toSorted());
});

test('the numbers are of all open requests, whatever the filter leaves', async () => {
  const { total, matching, rows, byPhase, clients, holders } = await selectOpen(listed(700, facts), { ...WHOLE_STATUS, client: 'client-3', sort: 'bytes', limit: 5 });
  expect({ total, matching }).toEqual({ total: 700, matching: 100 });
  expect(rows.map(({ responseBytes }) => responseBytes)).toEqual([696, 689, 682, 675, 668]);
  expect(byPhase.acquire + byPhase.relay).toBe(700);
  expect(clients.reduce((sum, { open }) => sum + open, 0)).toBe(700);
  expect(holders.reduce((sum, { held }) => sum + held, 0)).toBe(byPhase.relay);
});

test('slow clients are listed apart, the longest first and so many at most', async () => {
  const { stalled } = await selectOpen(listed(100, (index) => facts(index, { stalledAt: performance.now() - (index % 2 === 0 ? STALL_SHOWN_MS + 1_000 : 100) })), WHOLE_STATUS);
  expect(stalled).toHaveLength(MAX_STALLED);
  expect(stalled.map(({ requestId }) => requestId)).toEqual(stalled.map(({ requestId }) => requestId).toSorted());
});

test('a request whose response ended while others were described is left out', async () => {
  const response = { writableFinished: false, destroyed: false };
  const requests = [...listed(ROWS_PER_TURN, facts), { response, described: { describeOpen: () => facts(1) } }];
  const selecting = selectOpen(requests, WHOLE_STATUS);
  response.destroyed = true;
  expect((await selecting).total).toBe(ROWS_PER_TURN);
});

test('a query is read as it is written, and empty members set nothing (a form sends them)', () => {
  expect(readStatusQuery(new URLSearchParams('client=&search=&side=&phase=&sort=&limit='))).toEqual(WHOLE_STATUS);
  expect(readStatusQuery(new URLSearchParams('client=a&side=front_door&phase=send&limit=7&search=Claude&after=12.5~pen_x-1'))).toEqual({
    client: 'a', side: 'front_door', phase: 'send', limit: 7, sort: 'age', search: 'claude', after: { startedAt: 12.5, requestId: 'pen_x-1' },
  });
});
