import { Dispatcher as UndiciDispatcher } from 'undici';
import { expect, it } from 'vitest';
import { Dispatcher } from '../src/undici-dispatcher.ts';
import { answerWith, send, startGroup, startUpstream } from './start-group.ts';

const ok = answerWith(200, 'served');
const SAME_TIER = [{ tier: 0 }, { tier: 0 }];

it('100 sessions of 20 turns keep their member, move once when it dies, and do not return when it is well again', async () => {
  const upstreams = [await startUpstream(ok), await startUpstream(ok)];
  await using world = startGroup(upstreams, { members: SAME_TIER, client: { pool: { maxConnections: 200 } } });
  const sessions = Array.from({ length: 100 }, (_, index) => `session-${index}`);
  const servedBy = new Map<string, string[]>(sessions.map((session) => [session, []]));
  const turn = async (session: string): Promise<void> => {
    let last = '';
    const { status } = await send(world.group, { route: { stickyKey: session, owner: 'caller', tried: (member) => { last = member; } } });
    expect(status).toBe(200);
    servedBy.get(session)?.push(last);
  };
  const turns = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) await Promise.all(sessions.map(turn));
  };
  await turns(20);
  for (const members of servedBy.values()) expect(new Set(members).size).toBe(1);
  expect(world.moves).toEqual([]);
  const ofA = [...servedBy.values()].filter(([member]) => member === 'a').length;
  expect(ofA).toBeGreaterThan(25);
  expect(ofA).toBeLessThan(75);

  if (upstreams[0] !== undefined) upstreams[0].answer = answerWith(529, 'overloaded');
  await turns(5);
  if (upstreams[0] !== undefined) upstreams[0].answer = ok;
  expect((await send(world.group, { route: { only: 'a' } })).status).toBe(200);
  expect(world.group.members()[0]?.state).toBe('well');
  await turns(20);
  for (const members of servedBy.values()) expect(members.slice(20)).toEqual(Array.from({ length: 25 }, () => 'b'));
  expect(world.moves.length).toBe(ofA);
  expect(world.group.movedSessions()).toBe(ofA);
});

it('update() adds, removes and re-weights members while requests are under way', async () => {
  const upstreams = [await startUpstream(ok), await startUpstream(ok), await startUpstream(ok)];
  await using world = startGroup(upstreams.slice(0, 2), { members: SAME_TIER });
  const [clientA, clientB] = world.clients;
  if (clientA === undefined || clientB === undefined) throw new Error('two clients');
  let release = (): void => undefined;
  if (upstreams[0] !== undefined) upstreams[0].answer = (_arrival, response) => { response.write('begun'); release = () => { response.end(' ended'); }; };
  const open = send(world.group, { route: { only: 'a' } });
  await expect.poll(() => upstreams[0]?.arrivals.length).toBe(1);
  world.group.update({ members: [{ name: 'b', client: clientB, weight: 5 }] });
  expect(world.group.members().map(({ name, weight }) => [name, weight])).toEqual([['b', 5]]);
  expect((await send(world.group, { route: { stickyKey: 'any' } })).status).toBe(200);
  expect((await send(world.group, { route: { only: 'a' } })).code).toBe('no_member');
  release();
  expect(await open).toMatchObject({ status: 200, body: 'begun ended', code: undefined });
  await clientA.destroy();
  expect(() => { world.group.update({ members: [] }); }).toThrow(/at least one member/);
  expect(world.group.members().length).toBe(1);
});

it('a member keeps its health over an update, unless its client is another one', async () => {
  const upstreams = [await startUpstream(answerWith(529, 'overloaded')), await startUpstream(ok)];
  await using world = startGroup(upstreams);
  const members = world.clients.map((client, index) => ({ name: ['a', 'b'][index] ?? '', client }));
  await send(world.group);
  world.group.update({ members });
  expect(world.group.members()[0]?.state).toBe('cooling');
  world.group.forgetHealth('a');
  expect(world.group.members()[0]?.state).toBe('well');
});

it('a quota below the floor moves a session before it is spent', async () => {
  const low = { 'anthropic-ratelimit-tokens-limit': '1000', 'anthropic-ratelimit-tokens-remaining': '10', 'anthropic-ratelimit-tokens-reset': new Date(Date.now() + 60_000).toISOString() };
  const upstreams = [await startUpstream(answerWith(200, 'served', low)), await startUpstream(ok)];
  await using world = startGroup(upstreams);
  const route = { stickyKey: 's', scope: 'model' };
  await send(world.group, { route });
  await send(world.group, { route });
  expect([upstreams.map(({ arrivals }) => arrivals.length), world.moves, world.failovers]).toEqual([[1, 1], ['a>b'], []]);
});

it('is an undici dispatcher: it composes, and its class is the one that undici exports', async () => {
  expect(Dispatcher).toBe(UndiciDispatcher);
  const upstreams = [await startUpstream(answerWith(529, 'overloaded')), await startUpstream(ok)];
  await using world = startGroup(upstreams);
  const composed = world.group.compose((dispatch) => (options, handler) => dispatch({ ...options, path: '/composed' }, handler));
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  composed.dispatch({ path: '/', method: 'GET' }, { onResponseStart: (_controller, status) => { resolve(status); }, onResponseError: (_controller, error) => { reject(error); } });
  expect(await promise).toBe(200);
  expect(upstreams.map(({ arrivals }) => arrivals.map(({ url }) => url))).toEqual([['/composed'], ['/composed']]);
});

it('a quota that is above the floor again, before its reset, brings requests back to its member', async () => {
  const quota = (remaining: string): Readonly<Record<string, string>> => ({
    'anthropic-ratelimit-tokens-limit': '1000', 'anthropic-ratelimit-tokens-remaining': remaining, 'anthropic-ratelimit-tokens-reset': new Date(Date.now() + 600_000).toISOString(),
  });
  const first = await startUpstream(answerWith(200, 'a', quota('10')));
  const second = await startUpstream(answerWith(200, 'b', quota('900')));
  await using world = startGroup([first, second]);
  const served = async (route: { readonly only?: string } = {}): Promise<string> => (await send(world.group, { route: { scope: 'm', ...route } })).body;
  expect([await served(), await served()]).toEqual(['a', 'b']);
  first.answer = answerWith(200, 'a', quota('800'));
  expect(await served({ only: 'a' })).toBe('a');
  expect(await served()).toBe('a');
});
