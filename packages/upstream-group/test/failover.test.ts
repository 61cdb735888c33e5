import { describe, expect, it, vi } from 'vitest';
import { freePort } from '@penstock/test-support';
import { createUpstreamGroup, type FailOverOn } from '../src/index.ts';
import { MAX_REFUSAL_BYTES } from '../src/tries/kept-refusal.ts';
import { answerWith, holdTimers, send, startGroup, startUpstream, type TestUpstream } from './start-group.ts';

const ok = answerWith(200, 'served');

/** An origin at which nothing listens. */
async function deadOrigin(): Promise<Pick<TestUpstream, 'origin' | 'stop'>> {
  return { origin: `http://127.0.0.1:${await freePort()}`, stop: () => Promise.resolve() };
}

describe('a request that certainly did not run goes to the next member', () => {
  it.each([401, 403, 429, 503, 529])('after a %d, and its client sees the answer of the other one only', async (status) => {
    const first = await startUpstream(answerWith(status, 'refused', { 'x-from': 'a' }));
    const second = await startUpstream(ok);
    await using world = startGroup([first, second]);
    const result = await send(world.group);
    expect(result).toMatchObject({ status: 200, body: 'served', code: undefined, endings: 1 });
    expect(result.headers['x-from']).toBeUndefined();
    expect(world.failovers).toEqual([`a>b status_${status}`]);
    expect(second.arrivals.map(({ body }) => body.toString())).toEqual(['the body']);
  });

  it('where nothing listens, and the dead one is remembered: the next request does not ask it', async () => {
    const second = await startUpstream(ok);
    await using world = startGroup([await deadOrigin(), second]);
    expect((await send(world.group)).status).toBe(200);
    expect((await send(world.group)).status).toBe(200);
    expect(world.failovers).toEqual(['a>b not_sent']);
    expect(world.group.members().map(({ name, state, reason }) => [name, state, reason])).toEqual([['a', 'cooling', 'unreachable'], ['b', 'well', undefined]]);
  });

  it('where the pool of the first one is full and its queue as well', async () => {
    const first = await startUpstream(() => undefined);
    const second = await startUpstream(ok);
    await using world = startGroup([first, second], { client: { pool: { maxConnections: 1, maxWaiting: 0 } }, spillAt: 1 });
    const held = send(world.group);
    await vi.waitFor(() => { expect(first.arrivals.length).toBe(1); }, { timeout: 30_000 });
    expect((await send(world.group, { route: { only: 'a' } })).code).toBe('queue_full');
    expect((await send(world.group)).status).toBe(200);
    expect(world.group.members()[0]?.state).toBe('well');
    await world.group.destroy();
    await held;
  });
});

describe('a request that may have run is sent once', () => {
  it('where the first one closes the connection after it had the request', async () => {
    const first = await startUpstream((_arrival, response) => { response.socket?.destroy(); });
    const second = await startUpstream(ok);
    await using world = startGroup([first, second]);
    expect(await send(world.group)).toMatchObject({ status: undefined, code: 'reset', endings: 1 });
    expect([first.arrivals.length, second.arrivals.length, world.failovers]).toEqual([1, 0, []]);
    expect(world.group.members()[0]).toMatchObject({ state: 'cooling', reason: 'reset' });
  });

  it('where the head does not come in time', async () => {
    const first = await startUpstream(() => undefined);
    const second = await startUpstream(ok);
    await using world = startGroup([first, second], { client: { timeouts: { headersMs: 50 } } });
    expect((await send(world.group)).code).toBe('headers_timeout');
    // The clock may end before this process has read what it was sent.
    await vi.waitFor(() => { expect(first.arrivals.length).toBe(1); }, { timeout: 30_000 });
    expect(second.arrivals.length).toBe(0);
  });

  it.each([500, 502, 504, 408, 400])('where it was answered with %d, which is passed on', async (status) => {
    const first = await startUpstream(answerWith(status, 'as it is'));
    const second = await startUpstream(ok);
    await using world = startGroup([first, second]);
    expect(await send(world.group)).toMatchObject({ status, body: 'as it is' });
    expect([first.arrivals.length, second.arrivals.length]).toEqual([1, 0]);
  });

  it('where the response breaks after its head', async () => {
    const first = await startUpstream((_arrival, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => { response.socket?.destroy(); });
    });
    const second = await startUpstream(ok);
    await using world = startGroup([first, second]);
    const result = await send(world.group);
    expect(result).toMatchObject({ status: 200, body: 'half', endings: 1 });
    expect(result.code).toMatch(/^(?:reset|truncated)$/);
    expect(second.arrivals.length).toBe(0);
  });

  it('where the failure came after another one had refused it: the refusal is not the answer', async () => {
    const first = await startUpstream(answerWith(529, 'overloaded'));
    const second = await startUpstream((_arrival, response) => { response.socket?.destroy(); });
    await using world = startGroup([first, second]);
    expect(await send(world.group)).toMatchObject({ status: undefined, code: 'reset', endings: 1 });
  });
});

describe('where all members refuse', () => {
  const refusals: Readonly<Record<string, readonly [status: number, retryAfter?: string][]>> = {
    'the 429 with the least retry-after is the answer': [[529], [429, '30'], [429, '5'], [503]],
    'a 429 without retry-after is better than a 529': [[529], [429], [503], [401]],
    'a 529 is better than a 503': [[503, '1'], [529], [401], [403]],
    'a 503 is better than a 401': [[401], [503], [403], [403]],
  };
  const best: readonly string[] = ['429 5', '429 undefined', '529 undefined', '503 undefined'];

  it.each(Object.entries(refusals).map(([name, list], index) => [name, list, best[index] ?? ''] as const))('%s', async (_name, list, expected) => {
    const upstreams = await Promise.all(list.map(([status, after]) => startUpstream(answerWith(status, `body ${status} ${after}`, after === undefined ? {} : { 'retry-after': after }))));
    await using world = startGroup(upstreams);
    const result = await send(world.group);
    expect(`${result.status} ${result.headers['retry-after'] as string}`).toBe(expected);
    expect(result.body).toBe(`body ${expected}`);
    expect(result.endings).toBe(1);
    expect(upstreams.map(({ arrivals }) => arrivals.length)).toEqual([1, 1, 1, 1]);
  });

  it('a refusal is better than the error of a member that is not reached, whichever came first', async () => {
    for (const order of [[0, 1], [1, 0]]) {
      const busy = await startUpstream(answerWith(429, 'slow down', { 'retry-after': '7' }));
      const both = [busy, await deadOrigin()];
      await using world = startGroup(order.map((index) => both[index] ?? busy));
      expect(await send(world.group)).toMatchObject({ status: 429, body: 'slow down', endings: 1 });
    }
  });

  it('where none is reached, the error is the answer, and all are asked again although all cool down', async () => {
    await using world = startGroup([await deadOrigin(), await deadOrigin()]);
    expect(await send(world.group)).toMatchObject({ code: 'unreachable', endings: 1 });
    expect(await send(world.group)).toMatchObject({ code: 'unreachable', endings: 1 });
    expect(world.failovers.length).toBe(2);
  });

  it('a refusal that is too long to keep is not the answer, and its request goes on', async () => {
    const first = await startUpstream(answerWith(429, 'x'.repeat(MAX_REFUSAL_BYTES + 1)));
    const second = await startUpstream(answerWith(503, 'short'));
    await using world = startGroup([first, second]);
    expect(await send(world.group)).toMatchObject({ status: 503, body: 'short', endings: 1 });
  });

  it('a refusal whose body does not end is waited for a second, and the request goes on', async () => {
    const first = await startUpstream((_arrival, response) => { response.writeHead(529); response.write('…'); });
    const second = await startUpstream(ok);
    await using world = startGroup([first, second]);
    expect(await send(world.group)).toMatchObject({ status: 200, endings: 1 });
  });
});

describe('the table of what is failed over', () => {
  it.each([[[], 0], [['not_sent'], 0], [[529], 1]] as readonly (readonly [FailOverOn[], number])[])('%j decides about a 529', async (failOverOn, failovers) => {
    const first = await startUpstream(answerWith(529, 'overloaded'));
    const second = await startUpstream(ok);
    await using world = startGroup([first, second], { failOverOn });
    expect((await send(world.group)).status).toBe(failovers === 1 ? 200 : 529);
    expect(world.failovers.length).toBe(failovers);
  });

  it('is one of each member, where it has its own', async () => {
    const first = await startUpstream(answerWith(503, 'unavailable'));
    const second = await startUpstream(ok);
    await using world = startGroup([first, second], { members: [{ failOverOn: ['not_sent', 429] }] });
    expect((await send(world.group)).status).toBe(503);
  });

  it('without not_sent a member that is not reached is the answer', async () => {
    const second = await startUpstream(ok);
    await using world = startGroup([await deadOrigin(), second], { failOverOn: [529] });
    expect((await send(world.group)).code).toBe('unreachable');
  });
});

describe('the request of each try', () => {
  it('is made anew for its member', async () => {
    const first = await startUpstream(answerWith(401, 'no'));
    const second = await startUpstream(ok);
    await using world = startGroup([first, second]);
    const tried: string[] = [];
    await send(world.group, {
      route: {
        requestFor: (member, attempt) => ({ path: `/${member}/${attempt}`, headers: ['x-api-key', `key-of-${member}`] }),
        tried: (member, attempt) => { tried.push(`${member} ${attempt}`); },
      },
    });
    expect([first, second].map(({ arrivals }) => arrivals.map(({ url, headers }) => [url, headers['x-api-key']]))).toEqual([[['/a/1', 'key-of-a']], [['/b/2', 'key-of-b']]]);
    expect(tried).toEqual(['a 1', 'b 2']);
  });

  it('that cannot be made for a member counts as not sent there', async () => {
    const first = await startUpstream(ok);
    const second = await startUpstream(ok);
    await using world = startGroup([first, second]);
    const requestFor = (member: string): object => { if (member === 'a') throw new Error('no token'); return {}; };
    expect((await send(world.group, { route: { requestFor } })).status).toBe(200);
    expect([first.arrivals.length, second.arrivals.length, world.failovers]).toEqual([0, 1, ['a>b not_sent']]);
    expect(world.group.members()[0]).toMatchObject({ state: 'cooling', reason: 'try_refused' });
    expect(await send(world.group, { route: { requestFor, only: 'a' } })).toMatchObject({ code: 'try_refused', endings: 1 });
  });

  it('goes to its one member only, where it has one', async () => {
    const first = await startUpstream(ok);
    const second = await startUpstream(answerWith(529, 'overloaded'));
    await using world = startGroup([first, second]);
    expect(await send(world.group, { route: { only: 'b' } })).toMatchObject({ status: 529, body: 'overloaded' });
    expect(await send(world.group, { route: { only: 'z' } })).toMatchObject({ code: 'no_member', endings: 1 });
    expect(await send(world.group, { route: { allows: () => false } })).toMatchObject({ code: 'no_member', endings: 1 });
    expect(first.arrivals.length).toBe(0);
  });
});

describe('one deadline over all tries', () => {
  it('ends the second try when the head deadline of the first one is over', async () => {
    const second = await startUpstream(() => undefined);
    await using world = startGroup([await startUpstream(answerWith(529, 'overloaded')), second], { client: { timeouts: { headersMs: 600_000 } } });
    const timers = holdTimers((delay) => delay > 500_000);
    try {
      const ended = send(world.group, { timeouts: { headersMs: 550_000 } });
      await vi.waitFor(() => { expect([second.arrivals.length, timers.held.length]).toEqual([1, 1]); }, { timeout: 30_000 });
      timers.held[0]?.();
      expect(await ended).toMatchObject({ code: 'headers_timeout', endings: 1 });
      await vi.waitFor(() => { expect(world.clients[1]?.stats().active).toBe(0); }, { timeout: 30_000 });
    } finally {
      timers.restore();
    }
  });

  it('is not that of a response that has begun', async () => {
    let finish = (): void => undefined;
    const second = await startUpstream((_arrival, response) => { response.writeHead(200).write('begun'); finish = () => { response.end(' ended'); }; });
    await using world = startGroup([await startUpstream(answerWith(529, 'overloaded')), second]);
    const timers = holdTimers((delay) => delay > 500_000);
    try {
      let controller: { readonly phase?: string } = {};
      const ended = send(world.group, { timeouts: { headersMs: 550_000 } }, (given) => { controller = given as typeof controller; });
      await vi.waitFor(() => { expect([second.arrivals.length, controller.phase, timers.held.length]).toEqual([1, 'receiving', 1]); }, { timeout: 30_000 });
      timers.held[0]?.();
      finish();
      expect(await ended).toMatchObject({ status: 200, body: 'begun ended', code: undefined });
    } finally {
      timers.restore();
    }
  });
});

it('abort() ends the current try in every phase, and the handler hears of it once', async () => {
  const first = await startUpstream(answerWith(529, 'overloaded'));
  const second = await startUpstream(() => undefined);
  await using world = startGroup([first, second]);
  let controller: { abort(reason: Error): void } | undefined;
  const ended = send(world.group, {}, (given) => { controller = given; });
  await vi.waitFor(() => { expect(second.arrivals.length).toBe(1); }, { timeout: 30_000 });
  controller?.abort(new Error('gone'));
  expect(await ended).toMatchObject({ code: 'gone', endings: 1 });
  await vi.waitFor(() => { expect(world.clients.map((client) => client.stats().active)).toEqual([0, 0]); }, { timeout: 30_000 });
});

it('an exception in a callback decides about no request', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const first = await startUpstream(answerWith(529, 'overloaded'));
  const second = await startUpstream(ok);
  await using world = startGroup([first, second]);
  expect((await send(world.group, { route: { failedOver: () => { throw new Error('mine'); } } })).status).toBe(200);
  expect(warned).toHaveBeenCalledOnce();
  warned.mockRestore();
});

it.each([
  [{ members: [] }, 'members'], [{ spillAt: 0 }, 'spillAt'], [{ quotaFloor: 1 }, 'quotaFloor'], [{ coolDownMs: [5, 1] as const }, 'coolDownMs[1]'],
  [{ failOverOn: [200] }, 'failOverOn'], [{ slotWaitMs: 0 }, 'slotWaitMs'], [{ headersMs: -1 }, 'headersMs'],
])('refuses %j by the name of the option', (options, named) => {
  const members = [{ name: 'a', client: { dispatch: () => true, load: () => 0 } }];
  expect(() => createUpstreamGroup({ members, ...options })).toThrow(expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(named) }));
  expect(() => createUpstreamGroup({ members: [...members, ...members] })).toThrow(/different names/);
});
