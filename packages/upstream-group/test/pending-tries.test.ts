import { expect, it, vi } from 'vitest';
import { ReplayableBody, type TryRequest } from '../src/index.ts';
import { answerWith, holdTimers, send, startGroup, startUpstream } from './start-group.ts';

const GENEROUS = { timeout: 30_000 };

/** A `requestFor` whose promises a test settles. */
function makeLater(): { readonly requestFor: (member: string) => Promise<TryRequest>; readonly asked: string[]; settle(index: number, made: TryRequest | Error): void } {
  const pending: PromiseWithResolvers<TryRequest>[] = [];
  const asked: string[] = [];
  return {
    asked,
    requestFor: (member) => {
      const one = Promise.withResolvers<TryRequest>();
      asked.push(member);
      pending.push(one);
      return one.promise;
    },
    settle: (index, made) => { if (made instanceof Error) pending[index]?.reject(made); else pending[index]?.resolve(made); },
  };
}

it('a request that is made later holds no connection until then, and is sent as it was made', async () => {
  const first = await startUpstream(answerWith(200, 'served'));
  await using world = startGroup([first]);
  const later = makeLater();
  const ended = send(world.group, { route: { requestFor: later.requestFor } });
  expect(later.asked).toEqual(['a']);
  expect(world.clients[0]?.stats()).toMatchObject({ open: 0, active: 0, connecting: 0, waiting: 0 });
  later.settle(0, { path: '/signed', headers: ['authorization', 'signature'] });
  expect(await ended).toMatchObject({ status: 200, endings: 1 });
  expect(first.arrivals.map(({ url, headers, body }) => [url, headers.authorization, body.toString()])).toEqual([['/signed', 'signature', 'the body']]);
});

it('a request that cannot be made for a member, as its promise rejects, was not sent there: its cause is reported, and the next member gets it', async () => {
  const second = await startUpstream(answerWith(200, 'served'));
  await using world = startGroup([await startUpstream(answerWith(200, 'of the first')), second]);
  const seen: unknown[] = [];
  const requestFor = (member: string): Promise<TryRequest> => (member === 'a' ? Promise.reject(new Error('no token')) : Promise.resolve({}));
  const result = await send(world.group, { route: { requestFor, failedOver: ({ from, to, reason, error }) => { seen.push([from, to, reason, error?.cause]); } } });
  expect(result).toMatchObject({ status: 200, body: 'served', endings: 1 });
  expect(seen).toEqual([['a', 'b', 'not_sent', new Error('no token')]]);
  expect(world.group.members().map(({ state, reason }) => [state, reason])).toEqual([['cooling', 'try_refused'], ['well', undefined]]);
});

it('a request that no member can be sent ends with the error whose cause is the rejection', async () => {
  await using world = startGroup([await startUpstream(answerWith(200, 'served'))]);
  expect(await send(world.group, { route: { requestFor: () => Promise.reject(new Error('no token')) } })).toMatchObject({ code: 'try_refused', endings: 1 });
});

it('abort() while a request is being made ends it once; what is made after it is dropped, whether it resolves or rejects', async () => {
  const first = await startUpstream(answerWith(200, 'served'));
  await using world = startGroup([first]);
  for (const outcome of [{}, new Error('too late')]) {
    const later = makeLater();
    let controller: { abort(reason: Error): void; readonly phase?: string } | undefined;
    const ended = send(world.group, { route: { requestFor: later.requestFor } }, (given) => { controller = given; });
    expect(controller?.phase).toBe('waiting');
    controller?.abort(new Error('gone'));
    expect(await ended).toMatchObject({ code: 'gone', endings: 1 });
    later.settle(0, outcome);
    await new Promise((resolve) => { setImmediate(resolve); });
    expect((await ended).endings).toBe(1);
    expect(world.clients[0]?.stats()).toMatchObject({ open: 0, active: 0, connecting: 0, waiting: 0 });
  }
  expect(first.arrivals.length).toBe(0);
  expect(world.group.members()[0]?.state).toBe('well');
});

it('abort() while a probe is being made leaves the member to the next probe', async () => {
  const first = await startUpstream(answerWith(529, 'overloaded'));
  const second = await startUpstream(answerWith(200, 'of the second'));
  await using world = startGroup([first, second], { coolDownMs: [1, 1] });
  expect((await send(world.group)).body).toBe('of the second');
  await vi.waitFor(() => { expect(world.group.members()[0]?.state).toBe('half_open'); }, GENEROUS);
  const later = makeLater();
  let controller: { abort(reason: Error): void } | undefined;
  const ended = send(world.group, { route: { requestFor: later.requestFor } }, (given) => { controller = given; });
  expect(later.asked).toEqual(['a']);
  // While it is probed, others go to the second.
  expect((await send(world.group)).body).toBe('of the second');
  controller?.abort(new Error('gone'));
  await ended;
  first.answer = answerWith(200, 'of the first');
  expect((await send(world.group)).body).toBe('of the first');
});

it('the deadline of the head is over a request that is being made, and its first try then has its own clock', async () => {
  const first = await startUpstream(answerWith(200, 'served'));
  const timers = holdTimers((span) => span > 40_000 && span <= 90_000);
  try {
    await using world = startGroup([first, await startUpstream(answerWith(200, 'served'))], { headersMs: 90_000, coolDownMs: [1, 1] });
    const never = makeLater();
    const late = send(world.group, { route: { requestFor: never.requestFor } });
    expect(timers.held.length).toBe(1);
    timers.held[0]?.();
    expect(await late).toMatchObject({ code: 'headers_timeout', endings: 1 });
    never.settle(0, {});
    // A request whose first try is made later, and refused: its deadline over all tries begins when the first one was sent.
    first.answer = answerWith(529, 'overloaded');
    const made = makeLater();
    const served = send(world.group, { route: { requestFor: made.requestFor } });
    made.settle(0, {});
    await vi.waitFor(() => { expect(made.asked).toEqual(['a', 'b']); }, GENEROUS);
    made.settle(1, {});
    expect((await served).status).toBe(200);
    // One of the request that was late, and two of this one: while its first try was made, and with its second.
    expect(timers.held.length).toBe(3);
    expect(first.arrivals.length).toBe(1);
  } finally {
    timers.restore();
  }
});

it('the refusal of an earlier member is the answer where the deadline comes while the next try is being made', async () => {
  const timers = holdTimers((span) => span > 40_000 && span <= 90_000);
  try {
    await using world = startGroup([await startUpstream(answerWith(429, 'slow down')), await startUpstream(answerWith(200, 'served'))], { headersMs: 90_000 });
    const later = makeLater();
    const requestFor = (member: string): TryRequest | Promise<TryRequest> => (member === 'a' ? {} : later.requestFor(member));
    const ended = send(world.group, { route: { requestFor } });
    await vi.waitFor(() => { expect(later.asked).toEqual(['b']); }, GENEROUS);
    timers.held.at(-1)?.();
    expect(await ended).toMatchObject({ status: 429, body: 'slow down', endings: 1 });
    later.settle(0, {});
  } finally {
    timers.restore();
  }
});

it('a gathered body is whole and unread while a request is being made, also for the last member, and is released when it ends', async () => {
  const chunks = [Buffer.alloc(65_536, 1), Buffer.alloc(65_536, 2)];
  const expected = Buffer.concat(chunks);
  const second = await startUpstream(answerWith(200, 'served'));
  await using world = startGroup([await startUpstream(answerWith(529, 'overloaded')), second]);
  let freed = 0;
  const body = new ReplayableBody(chunks, (chunk) => { freed += chunk.length; chunk.fill(0xee); });
  const later = makeLater();
  const ended = send(world.group, { body, headers: ['content-length', String(expected.length)], route: { requestFor: later.requestFor } });
  later.settle(0, {});
  await vi.waitFor(() => { expect(later.asked).toEqual(['a', 'b']); }, GENEROUS);
  expect([freed, Buffer.concat(body.chunks()).equals(expected)]).toEqual([0, true]);
  later.settle(1, {});
  expect((await ended).status).toBe(200);
  expect([second.arrivals[0]?.body.equals(expected), body.heldBytes, freed]).toEqual([true, 0, expected.length]);
});

it.each([
  ['throws', () => { throw new Error('cannot be signed'); }], ['rejects with', () => Promise.reject(new Error('cannot be signed'))],
])('an error about the request that requestFor %s is its end as it is: no member is ill, and no other one is tried', async (_how, requestFor: () => Promise<TryRequest>) => {
  const upstreams = [await startUpstream(answerWith(200, 'served')), await startUpstream(answerWith(200, 'served'))];
  await using world = startGroup(upstreams);
  const seen: unknown[] = [];
  const route = { requestFor, endsRequest: (error: unknown) => { seen.push(error); return true; }, failedOver: (failover: unknown) => { seen.push(failover); } };
  expect(await send(world.group, { route })).toMatchObject({ code: 'cannot be signed', endings: 1 });
  expect(seen).toEqual([new Error('cannot be signed')]);
  expect(world.group.members().map(({ state }) => state)).toEqual(['well', 'well']);
  expect(upstreams.map(({ arrivals }) => arrivals.length)).toEqual([0, 0]);
  // Another request is served by the same member.
  expect(await send(world.group)).toMatchObject({ status: 200, body: 'served' });
});
