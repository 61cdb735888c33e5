import { describe, expect, it, vi } from 'vitest';
import { MemberHealth } from '../src/health/member-health.ts';
import { PROBE_ALONE_MS } from '../src/health/cooling.ts';
import { answerWith, holdTimers, send, startGroup, startUpstream } from './start-group.ts';

const ok = answerWith(200, 'served');
const GENEROUS = { timeout: 30_000 };

describe('a reset', () => {
  it('of a connection that had served another request cools nothing', async () => {
    const first = await startUpstream(ok);
    await using world = startGroup([first, await startUpstream(ok)]);
    expect((await send(world.group)).status).toBe(200);
    first.answer = (_arrival, response) => { response.socket?.destroy(); };
    expect(await send(world.group)).toMatchObject({ code: 'reset', endings: 1 });
    expect(world.group.members()[0]).toMatchObject({ state: 'well', failures: 0 });
  });
});

describe('a probe', () => {
  it('keeps others away no longer than its limit, although its answer is still written', async () => {
    const first = await startUpstream(answerWith(529, 'overloaded'));
    const second = await startUpstream(ok);
    await using world = startGroup([first, second], { coolDownMs: [1, 1] });
    expect((await send(world.group)).status).toBe(200);
    await vi.waitFor(() => { expect(world.group.members()[0]?.state).toBe('half_open'); }, GENEROUS);
    first.answer = () => undefined;
    const timers = holdTimers((delay) => delay === PROBE_ALONE_MS);
    const probe = send(world.group);
    await vi.waitFor(() => { expect(first.arrivals.length).toBe(2); }, GENEROUS);
    expect((await send(world.group)).status).toBe(200);
    expect([first.arrivals.length, second.arrivals.length]).toEqual([2, 2]);
    timers.restore();
    expect(timers.held.length).toBe(1);
    timers.held[0]?.();
    const next = send(world.group);
    await vi.waitFor(() => { expect(first.arrivals.length).toBe(3); }, GENEROUS);
    await world.group.destroy();
    await Promise.all([probe, next]);
  });
});

describe('MemberHealth.reset', () => {
  it('takes no result of a request from before it', () => {
    const health = new MemberHealth();
    const late = { reason: 'status_401', beganAt: 5, now: 20, coolDown: { minMs: 1_000, maxMs: 60_000 }, retryAfterMs: 30_000 };
    health.failed('member', 'm', { ...late, now: 6 });
    health.reset(10);
    health.failed('member', 'm', late);
    health.quotaSeen('m', { share: 0, resetsAt: 90_000 }, { floor: 0.02, beganAt: 5, now: 20, wallNow: 0 });
    expect([health.view(20), health.isLow('m', 20), health.coolsUntil('m')]).toEqual([expect.objectContaining({ state: 'well', failures: 0 }), false, 0]);
    health.failed('member', 'm', { ...late, beganAt: 10 });
    expect(health.view(20).state).toBe('cooling');
  });

  it('is that of forgetHealth: a late 401 of the old key does not cool the new one', async () => {
    let refuse = (): void => undefined;
    const first = await startUpstream((_arrival, response) => { refuse = () => { response.writeHead(401).end('old key'); }; });
    await using world = startGroup([first, await startUpstream(ok)]);
    const ended = send(world.group);
    await vi.waitFor(() => { expect(first.arrivals.length).toBe(1); }, GENEROUS);
    world.group.forgetHealth('a');
    refuse();
    expect((await ended).status).toBe(200);
    expect(world.group.members()[0]).toMatchObject({ state: 'well', failures: 0 });
  });
});

describe('a session of several models', () => {
  it('moves the model only that is refused with a 429, and keeps the others where they are', async () => {
    const first = await startUpstream(ok);
    const second = await startUpstream(ok);
    await using world = startGroup([first, second]);
    const turn = async (scope: string): Promise<string> => {
      let last = '';
      await send(world.group, { route: { stickyKey: 's', scope, tried: (member) => { last = member; } } });
      return last;
    };
    expect([await turn('opus'), await turn('haiku')]).toEqual(['a', 'a']);
    first.answer = answerWith(429, 'slow down', { 'retry-after': '60' });
    expect(await turn('haiku')).toBe('b');
    first.answer = ok;
    expect([await turn('opus'), await turn('haiku'), await turn('opus')]).toEqual(['a', 'b', 'a']);
    expect(world.moves).toEqual(['a>b']);
  });

  it('moves as a whole where the member is ill, and a model that moved alone stays where that is', async () => {
    const first = await startUpstream(answerWith(429, 'slow down'));
    const upstreams = [first, await startUpstream(ok), await startUpstream(ok)];
    await using world = startGroup(upstreams);
    const turn = async (scope: string): Promise<string> => {
      let last = '';
      await send(world.group, { route: { stickyKey: 's', scope, tried: (member) => { last = member; } } });
      return last;
    };
    expect(await turn('haiku')).toBe('b');
    first.answer = answerWith(529, 'overloaded');
    expect([await turn('opus'), await turn('sonnet'), await turn('haiku')]).toEqual(['b', 'b', 'b']);
    expect(world.moves).toEqual(['a>b', 'a>b']);
  });
});
