import { describe, expect, it, vi } from 'vitest';
import { freePort } from '@penstock/test-support';
import type { TryFailure } from '../src/index.ts';
import { REFUSAL_BODY_MS } from '../src/tries/kept-refusal.ts';
import { answerWith, holdTimers, send, startGroup, startUpstream, type TestUpstream } from './start-group.ts';

async function deadOrigin(): Promise<Pick<TestUpstream, 'origin' | 'stop'>> {
  return { origin: `http://127.0.0.1:${await freePort()}`, stop: () => Promise.resolve() };
}

/** Longer than the span by which a test moves the clock. */
const LONG = { connectMs: 10_000_000, writeStallMs: 10_000_000, headersMs: 10_000_000, idleMs: 10_000_000 };

describe('answeredBy', () => {
  const answers: readonly (readonly [string, readonly number[], readonly string[]])[] = [
    ['names the first one, whose 429 is better than the 529 of the last one', [429, 529], ['a b:status_529 529']],
    ['names the member in the middle', [529, 429, 503], ['b c:status_503 503']],
    ['is not called where the answer is that of the last one', [529, 429], []],
    ['is not called where the last one serves', [529, 200], []],
    ['names the first one where the last one is not reached', [401, 0], ['a b:not_sent undefined']],
    ['is not called where the error is that of the last one', [0, 0], []],
  ];

  it.each(answers)('%s', async (_what, statuses, expected) => {
    const upstreams = await Promise.all(statuses.map((status) => (status === 0 ? deadOrigin() : startUpstream(answerWith(status, `${status}`, { 'x-of': `${status}` })))));
    await using world = startGroup(upstreams);
    const calls: string[] = [];
    const dropped: TryFailure[] = [];
    await send(world.group, { route: { answeredBy: (member, last) => { calls.push(`${member} ${last.from}:${last.reason} ${last.status}`); dropped.push(last); } } });
    expect(calls).toEqual(expected);
    for (const { status, rawHeaders, error } of dropped) expect(status === undefined ? error : rawHeaders).toEqual(status === undefined ? expect.any(Error) : expect.arrayContaining(['x-of', `${status}`]));
  });

  it('comes before the answer, and the timings of the answer are those of its own try', async () => {
    const upstreams = [await startUpstream(answerWith(429, 'slow down')), await deadOrigin()];
    await using world = startGroup(upstreams);
    const order: string[] = [];
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    world.group.dispatch({ path: '/', method: 'POST', body: 'x', route: { answeredBy: () => { order.push('answeredBy'); } } }, {
      onResponseStart: (controller) => { order.push('head'); resolve((controller as { timings?: { headAt?: number } }).timings?.headAt); },
      onResponseError: () => { resolve(undefined); },
    });
    expect(await promise).toEqual(expect.any(Number));
    expect(order).toEqual(['answeredBy', 'head']);
  });
});

it('failedOver names the fields of the refusal', async () => {
  await using world = startGroup([await startUpstream(answerWith(429, 'no', { 'retry-after': '7' })), await startUpstream(answerWith(200, 'served'))]);
  const fields: (readonly string[] | undefined)[] = [];
  await send(world.group, { route: { failedOver: ({ rawHeaders }) => { fields.push(rawHeaders); } } });
  expect(fields).toEqual([expect.arrayContaining(['retry-after', '7'])]);
});

describe('the deadline of the head', () => {
  it('in the body of a later refusal leaves the refusal of an earlier one to be the answer', async () => {
    const stuck = await startUpstream((_arrival, response) => { response.writeHead(529); response.write('…'); });
    await using world = startGroup([await startUpstream(answerWith(429, 'slow down')), stuck, await startUpstream(answerWith(200, 'served'))], { headersMs: 550_000 });
    const timers = holdTimers((delay) => delay > 500_000 || delay === REFUSAL_BODY_MS);
    try {
      const ended = send(world.group);
      // The timers of the bodies of both refusals, and between them the deadline.
      await vi.waitFor(() => { expect(timers.held.length).toBe(3); }, { timeout: 30_000 });
      timers.held[1]?.();
      expect(await ended).toMatchObject({ status: 429, body: 'slow down', endings: 1 });
    } finally {
      timers.restore();
    }
  });

  it('does not cool a member that got the rest of the time only', async () => {
    const slow = await startUpstream(() => undefined);
    await using world = startGroup([await startUpstream(answerWith(529, 'overloaded')), slow], { headersMs: 550_000 });
    const timers = holdTimers((delay) => delay > 500_000);
    try {
      const ended = send(world.group);
      await vi.waitFor(() => { expect([slow.arrivals.length, timers.held.length]).toEqual([1, 1]); }, { timeout: 30_000 });
      timers.held[0]?.();
      expect((await ended).code).toBe('headers_timeout');
      expect(world.group.members()[1]).toMatchObject({ state: 'well' });
    } finally {
      timers.restore();
    }
  });

  it('ends nothing but its request where the handler throws', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const slow = await startUpstream(() => undefined);
    await using world = startGroup([await startUpstream(answerWith(529, 'overloaded')), slow], { headersMs: 550_000 });
    const timers = holdTimers((delay) => delay > 500_000);
    try {
      let calls = 0;
      world.group.dispatch({ path: '/', method: 'POST', body: 'x' }, { onResponseError: () => { calls += 1; throw new Error('mine'); } });
      await vi.waitFor(() => { expect([slow.arrivals.length, timers.held.length]).toEqual([1, 1]); }, { timeout: 30_000 });
      expect(() => { timers.held[0]?.(); }).not.toThrow();
      expect(calls).toBe(1);
      expect(warned).toHaveBeenCalledOnce();
    } finally {
      timers.restore();
      warned.mockRestore();
    }
  });
});

it('the wait for a connection is that for slots: a slow refusal leaves the next member all of it', async () => {
  const first = await startUpstream(answerWith(529, 'overloaded'));
  const second = await startUpstream(() => undefined);
  await using world = startGroup([first, second], { client: { pool: { maxConnections: 1 } } });
  const asked: (number | undefined)[] = [];
  const client = world.clients[1];
  if (client === undefined) throw new Error('two clients');
  const dispatch = client.dispatch.bind(client);
  vi.spyOn(client, 'dispatch').mockImplementation((options, handler) => { asked.push(options.timeouts?.slotWaitMs); return dispatch(options, handler); });
  let refuse = (): void => undefined;
  first.answer = (_arrival, response) => { refuse = () => { response.writeHead(529).end('overloaded'); }; };
  const clock = vi.spyOn(performance, 'now');
  let abort = (): void => undefined;
  const ended = send(world.group, { timeouts: { ...LONG, slotWaitMs: 500_000 } }, (controller) => { abort = () => { controller.abort(new Error('enough')); }; });
  await vi.waitFor(() => { expect(first.arrivals.length).toBe(1); }, { timeout: 30_000 });
  const now = performance.now();
  clock.mockImplementation(() => now + 400_000);
  refuse();
  await vi.waitFor(() => { expect(second.arrivals.length).toBe(1); }, { timeout: 30_000 });
  clock.mockRestore();
  abort();
  await ended;
  expect(asked[0]).toBeGreaterThan(300_000);
});
