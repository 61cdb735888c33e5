import { describe, expect, it } from 'vitest';
import { MAX_NOTED_MOVES, MOVE_IDLE_MS, MoveTable, NOTE_AGAIN_MS } from '../src/choice/move-table.ts';
import { PROBE_ALONE_MS } from '../src/health/cooling.ts';
import type { GroupNote, HealthNote, MoveNote } from '../src/health/group-note.ts';
import { MemberHealth } from '../src/health/member-health.ts';
import { answerWith, send, startGroup, startUpstream } from './start-group.ts';

const COOL_DOWN = { minMs: 1_000, maxMs: 60_000 };
const LOW = { floor: 0.1, beganAt: 0, now: 0, wallNow: 0 };

/** The health of one member in two processes whose clocks differ; `share` gives to the other one what was noted here. */
function twoProcesses(): { readonly here: MemberHealth; readonly there: MemberHealth; readonly share: (now: number) => readonly string[]; readonly thereNow: (now: number) => number } {
  const [here, there] = [new MemberHealth(), new MemberHealth()];
  const noted: HealthNote[] = [];
  here.onNote = (note) => { noted.push(note); };
  const thereNow = (now: number): number => now + 1_000_000;
  const share = (now: number): readonly string[] => noted.splice(0).map((note) => {
    there.take(structuredClone(note), thereNow(now));
    return note.kind;
  });
  return { here, there, share, thereNow };
}

const failure = (now: number, beganAt = now): Parameters<MemberHealth['failed']>[2] => ({ reason: 'status_529', beganAt, now, coolDown: COOL_DOWN, retryAfterMs: 0 });

describe('the health of a member in two processes', () => {
  it('what cools down in one cools down in the other, as long and for the same reason, although their clocks differ', () => {
    const { here, there, share, thereNow } = twoProcesses();
    here.failed('member', 'm', failure(100));
    share(100);
    here.failed('scope', 'other', failure(200));
    share(200);
    expect(there.view(thereNow(300))).toEqual(here.view(300));
    expect(there.view(thereNow(300))).toMatchObject({ state: 'cooling', failures: 1, reason: 'status_529', coolsForMs: 800, illForMs: 200, scopes: [{ scope: 'other', coolsForMs: 900 }] });
    here.failed('member', 'm', failure(2_000));
    share(2_000);
    expect(there.view(thereNow(2_000))).toMatchObject({ failures: 2, coolsForMs: 2_000, illForMs: 1_900 });
  });

  it('is well in both after one success, of the member and of the model', () => {
    const { here, there, share, thereNow } = twoProcesses();
    here.failed('member', 'm', failure(0));
    here.failed('scope', 'm', failure(1));
    share(1);
    here.succeeded('m', 1_500, 1_600);
    share(1_600);
    expect([here.isWell('m'), there.isWell('m')]).toEqual([true, true]);
    expect(there.view(thereNow(1_600))).toEqual(here.view(1_600));
  });

  it('one failure of both at the same moment is not two (the cool-down does not double)', () => {
    const [one, other] = [new MemberHealth(), new MemberHealth()];
    const notes: HealthNote[][] = [[], []];
    one.onNote = (note) => { notes[0]?.push(note); };
    other.onNote = (note) => { notes[1]?.push(note); };
    one.failed('member', 'm', failure(100, 0));
    other.failed('member', 'm', failure(101, 0));
    for (const note of notes[1] ?? []) one.take(note, 102);
    for (const note of notes[0] ?? []) other.take(note, 102);
    expect([one, other].map((health) => health.view(102).failures)).toEqual([1, 1]);
  });

  it('while one process probes the other does not, for a bounded time', () => {
    const { here, there, share, thereNow } = twoProcesses();
    here.failed('member', 'm', failure(0));
    share(0);
    expect(there.isUsable('m', thereNow(1_000))).toBe(true);
    here.beginProbe('m', 1_000);
    share(1_000);
    expect([here.isUsable('m', 1_001), there.isUsable('m', thereNow(1_001)), there.isUsable('m', thereNow(1_000 + PROBE_ALONE_MS))]).toEqual([false, false, true]);
    here.failed('member', 'm', failure(1_100, 1_000));
    share(1_100);
    expect([there.isUsable('m', thereNow(3_099)), there.isUsable('m', thereNow(3_100))]).toEqual([false, true]);
  });

  it('a quota that is low in one is low in the other, and noted once', () => {
    const { here, there, share, thereNow } = twoProcesses();
    for (let now = 0; now < 5; now += 1) here.quotaSeen('m', { share: 0.01, resetsAt: 60_000 }, { ...LOW, now, wallNow: now });
    expect(share(0)).toEqual(['low']);
    expect([there.isLow('m', thereNow(59_000)), there.isLow('m', thereNow(60_001))]).toEqual([true, false]);
    for (let now = 10; now < 15; now += 1) here.quotaSeen('m', { share: 0.5, resetsAt: 60_000 }, { ...LOW, now, wallNow: now });
    expect(share(15)).toEqual(['low']);
    expect(there.isLow('m', thereNow(20))).toBe(false);
  });

  it('requests that show nothing new note nothing, and what is taken is not noted again', () => {
    const { here, there, share } = twoProcesses();
    there.onNote = () => { throw new Error('noted again'); };
    for (let now = 0; now < 100; now += 1) here.succeeded('m', now, now);
    here.failed('member', 'm', failure(200, 100));
    for (let now = 201; now < 300; now += 1) here.failed('member', 'm', failure(now, 150));
    here.succeeded('m', 300, 301);
    expect(share(301)).toEqual(['ill', 'well']);
  });

  it('a failure of the credential that was replaced here is not taken from a process that was not reloaded yet', () => {
    const { here, there, share, thereNow } = twoProcesses();
    there.reset(thereNow(500));
    here.failed('member', 'm', failure(600, 400));
    share(600);
    expect(there.isWell('m')).toBe(true);
    here.failed('member', 'm', failure(5_000, 4_900));
    share(5_000);
    expect(there.isWell('m')).toBe(false);
  });

  it('a new process sees by all notes what the old one sees', () => {
    const [old, fresh] = [new MemberHealth(), new MemberHealth()];
    old.failed('member', 'm', failure(0));
    old.failed('member', 'm', failure(1_500));
    old.failed('scope', 'other', failure(1_600));
    old.quotaSeen('low', { share: 0, resetsAt: 60_000 }, { ...LOW, now: 1_700, wallNow: 0 });
    for (const note of old.notes(2_000)) fresh.take(note, 2_000);
    expect(fresh.view(2_000)).toEqual(old.view(2_000));
    expect(fresh.isLow('low', 61_000)).toBe(true);
  });
});

describe('two groups of the same members', () => {
  it('a member that failed in one is not asked by the other, and a session that moved in one stays moved in the other', async () => {
    const upstreams = [await startUpstream(answerWith(529, 'overloaded')), await startUpstream(answerWith(200, 'served'))] as const;
    let other: { take(notes: readonly GroupNote[]): void } | undefined;
    await using world = startGroup(upstreams, { noted: (note) => { other?.take([structuredClone(note)]); }, coolDownMs: [600_000, 600_000] });
    await using second = startGroup(upstreams, { coolDownMs: [600_000, 600_000] });
    other = second.group;
    const ask = (group: typeof second.group, member?: string): Promise<{ readonly status: number | undefined }> => send(group, { route: { stickyKey: 's', owner: 'caller', only: member } });
    expect((await ask(world.group)).status).toBe(200);
    expect((await ask(second.group)).status).toBe(200);
    expect(upstreams.map(({ arrivals }) => arrivals.length)).toEqual([1, 2]);
    upstreams[0].answer = answerWith(200, 'served');
    // A success in the first group makes it well in both.
    expect((await ask(world.group, 'a')).status).toBe(200);
    expect([world, second].map(({ group }) => group.members()[0]?.state)).toEqual(['well', 'well']);
    expect((await ask(second.group)).status).toBe(200);
    expect(upstreams.map(({ arrivals }) => arrivals.length)).toEqual([2, 3]);
    expect([world.moves, second.moves, second.failovers]).toEqual([['a>b'], [], []]);
    const fresh = startGroup(upstreams);
    fresh.group.take(second.group.notes());
    expect((await ask(fresh.group)).status).toBe(200);
    expect(upstreams.map(({ arrivals }) => arrivals.length)).toEqual([2, 4]);
    await fresh.group.destroy();
  });
});

describe('moved sessions in two processes', () => {
  it('a session in use is noted again before others forget it; its move there is not noted', () => {
    const [one, other] = [new MoveTable(), new MoveTable()];
    const noted: MoveNote[] = [];
    one.onNote = (note) => { noted.push(note); };
    other.onNote = () => { throw new Error('noted again'); };
    one.moved('k', 'o', 'b', 0);
    for (let now = 0; now <= 2 * MOVE_IDLE_MS; now += 10_000) {
      one.find('k', now);
      for (const { key, owner, to } of noted.splice(0)) other.remember(key, owner, to, now);
    }
    expect(other.find('k', 2 * MOVE_IDLE_MS)).toBe('b');
    expect(NOTE_AGAIN_MS).toBeLessThan(MOVE_IDLE_MS);
  });

  it('a new process gets those that were used last, and no more than a bounded number', () => {
    const moves = new MoveTable();
    for (let index = 0; index < MAX_NOTED_MOVES + 5; index += 1) moves.remember(`k${index}`, `o${index}`, 'b', 0);
    moves.find('k0', 2_000);
    const keys = moves.notes(2_000).map(({ key }) => key);
    expect([keys.length, keys.includes('k0'), keys.includes('k1')]).toEqual([MAX_NOTED_MOVES, true, false]);
    expect(moves.notes(2 * MOVE_IDLE_MS)).toEqual([]);
  });
});
