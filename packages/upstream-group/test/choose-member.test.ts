import { assert, constantFrom, integer, property, string } from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { chooseMember, type ChoiceRequest } from '../src/choice/choose-member.ts';
import { MoveTable } from '../src/choice/move-table.ts';
import { digestOf, rankOf } from '../src/choice/rank-members.ts';
import { StickyKeys } from '../src/choice/sticky-keys.ts';
import type { GroupMember } from '../src/group-options.ts';
import { resolveSettings, type Member } from '../src/resolve-settings.ts';

const COOL_DOWN = { minMs: 1_000, maxMs: 60_000 };

function membersOf(...list: (Partial<GroupMember> & { readonly name: string; readonly used?: () => number })[]): readonly Member[] {
  return resolveSettings({
    members: list.map(({ used = () => 0, ...member }) => ({ client: { dispatch: () => true, load: used }, ...member })),
  }).members;
}

function requestFor(candidates: readonly Member[], key: string | undefined, tried: readonly Member[] = []): ChoiceRequest {
  return { digest: digestOf('owner', key ?? 'chance'), key, owner: 'owner', scope: 'model', candidates, tried };
}

function fail(member: Member | undefined, now: number, scope: 'member' | 'scope' = 'member'): void {
  member?.health.failed(scope, 'model', { reason: 'status_529', beganAt: now, now, coolDown: COOL_DOWN, retryAfterMs: 0 });
}

const SETTINGS = { spillAt: 1 };

describe('rankOf', () => {
  it('gives each member its part of the keys by weight, and one that is added takes keys from all and moves no other', () => {
    const members = membersOf({ name: 'a', weight: 1 }, { name: 'b', weight: 3 });
    const more = membersOf({ name: 'a', weight: 1 }, { name: 'b', weight: 3 }, { name: 'c', weight: 1 });
    const top = (list: readonly Member[], key: string): string | undefined => list.toSorted((one, other) => rankOf(digestOf(key), other.digest, other.weight) - rankOf(digestOf(key), one.digest, one.weight))[0]?.name;
    const keys = Array.from({ length: 8_000 }, (_, index) => `session-${index}`);
    const ofB = keys.filter((key) => top(members, key) === 'b').length / keys.length;
    expect(ofB).toBeGreaterThan(0.72);
    expect(ofB).toBeLessThan(0.78);
    for (const key of keys) expect([top(members, key), 'c']).toContain(top(more, key));
  });

  it('is one for one key and member, a number above 0, for any text', () => {
    assert(property(string(), string(), integer({ min: 1, max: 100 }), (key, name, weight) => {
      const rank = rankOf(digestOf(key), digestOf(name), weight);
      expect(rank).toBe(rankOf(digestOf(key), digestOf(name), weight));
      expect(rank).toBeGreaterThan(0);
      expect(Number.isFinite(rank)).toBe(true);
    }));
  });

  it('tells lists of texts apart that join to the same text', () => {
    expect(digestOf('ab', 'c')).not.toEqual(digestOf('a', 'bc'));
  });
});

describe('chooseMember', () => {
  it('remembers with a key where it puts its requests, for one list of members', () => {
    const members = membersOf(...['a', 'b', 'c', 'd'].map((name) => ({ name })));
    const lists = [members, members.toReversed(), members.slice(0, 2), membersOf({ name: 'a' }), members];
    const keys = new StickyKeys();
    for (const key of Array.from({ length: 50 }, (_, index) => `s${index}`)) {
      const remembered = keys.find('owner', key);
      for (const list of lists) {
        const expected = chooseMember(requestFor(list, key), SETTINGS, new MoveTable(), 0)?.member;
        for (let turn = 0; turn < 2; turn += 1) expect(chooseMember({ ...requestFor(list, key), remembered }, SETTINGS, new MoveTable(), 0)?.member).toBe(expected);
        expect(remembered.home).toEqual({ among: list, member: expected });
      }
    }
  });

  it('looks at no other member for the first try of a session whose member is well and has room', () => {
    const members = membersOf(...['a', 'b', 'c', 'd'].map((name) => ({ name })));
    const looks = new Map(members.map((member) => [member, vi.spyOn(member.health, 'isUsable')]));
    const looked = (): readonly Member[] => members.filter((member) => (looks.get(member)?.mock.calls.length ?? 0) > 0);
    const served = chooseMember(requestFor(members, 's1'), SETTINGS, new MoveTable(), 0)?.member;
    expect(looked()).toEqual([served]);
    const ranked = members.toSorted((one, other) => rankOf(digestOf('owner', 's1'), other.digest, 1) - rankOf(digestOf('owner', 's1'), one.digest, 1));
    expect(served).toBe(ranked[0]);
    // A session that was moved is served by the member that it was moved to in the same way.
    const moves = new MoveTable();
    moves.moved('s1', 'owner', ranked[3]?.name ?? '', 0);
    for (const look of looks.values()) look.mockClear();
    expect(chooseMember(requestFor(members, 's1'), SETTINGS, moves, 0)).toEqual({ member: ranked[3], movedFrom: undefined });
    expect(looked()).toEqual([ranked[3]]);
  });

  it('keeps a session at its member, and moves it once when that is ill: it stays when the first one is well again', () => {
    const members = membersOf({ name: 'a' }, { name: 'b' });
    const moves = new MoveTable();
    const first = chooseMember(requestFor(members, 's1'), SETTINGS, moves, 0)?.member;
    for (let now = 0; now < 20; now += 1) expect(chooseMember(requestFor(members, 's1'), SETTINGS, moves, now)).toEqual({ member: first, movedFrom: undefined });
    fail(first, 20);
    const moved = chooseMember(requestFor(members, 's1'), SETTINGS, moves, 21);
    expect(moved?.movedFrom).toBe(first);
    expect(moved?.member).not.toBe(first);
    moves.remember('s1', 'owner', moved?.member.name ?? '', 21);
    first?.health.succeeded('model', 30, 31);
    for (const now of [40, 2_000, 100_000]) expect(chooseMember(requestFor(members, 's1'), SETTINGS, moves, now)).toEqual({ member: moved?.member, movedFrom: undefined });
  });

  it('asks a higher tier only while the lower ones are ill', () => {
    const members = membersOf({ name: 'a', tier: 0 }, { name: 'b', tier: 1, weight: 1_000 });
    const choose = (now: number): string | undefined => chooseMember(requestFor(members, undefined), SETTINGS, new MoveTable(), now)?.member.name;
    expect(choose(0)).toBe('a');
    fail(members[0], 0);
    expect(choose(1)).toBe('b');
    expect(choose(1_001)).toBe('a');
  });

  it('sends one request at a time to a half-open member, and the others elsewhere', () => {
    const members = membersOf({ name: 'a', tier: 0 }, { name: 'b', tier: 1 });
    fail(members[0], 0);
    const endProbe = members[0]?.health.beginProbe('model', 1_001);
    expect(chooseMember(requestFor(members, undefined), SETTINGS, new MoveTable(), 1_002)?.member.name).toBe('b');
    endProbe?.();
    expect(chooseMember(requestFor(members, undefined), SETTINGS, new MoveTable(), 1_003)?.member.name).toBe('a');
  });

  it('always chooses, where all candidates cool down the one that is over it first', () => {
    const members = membersOf({ name: 'a' }, { name: 'b' });
    for (const now of [0, 1_100, 3_200]) fail(members[0], now);
    fail(members[1], 3_300);
    for (const key of ['s1', 's2', 's3', 's4']) {
      expect(chooseMember(requestFor(members, key), SETTINGS, new MoveTable(), 3_400)).toEqual({ member: members[1], movedFrom: undefined });
    }
  });

  it('spills a request from a full pool without moving its session', () => {
    let used = 1;
    const members = membersOf({ name: 'a', used: () => used }, { name: 'b', tier: 1 });
    const moves = new MoveTable();
    expect(chooseMember(requestFor(members, 's1'), SETTINGS, moves, 0)).toEqual({ member: members[1], movedFrom: undefined });
    used = 0.9;
    expect(chooseMember(requestFor(members, 's1'), SETTINGS, moves, 0)?.member.name).toBe('a');
    const full = membersOf({ name: 'a', used: () => 1 }, { name: 'b', used: () => 2 });
    expect(chooseMember(requestFor(full.slice(0, 1), 's1'), SETTINGS, moves, 0)?.member.name).toBe('a');
  });

  it('moves sessions from a member whose quota is low, for the model that is low', () => {
    const members = membersOf({ name: 'a' }, { name: 'b', tier: 1 });
    members[0]?.health.quotaSeen('model', { share: 0.01, resetsAt: 5_000 }, { floor: 0.02, beganAt: 0, now: 0, wallNow: 0 });
    expect(chooseMember(requestFor(members, 's1'), SETTINGS, new MoveTable(), 1)).toEqual({ member: members[1], movedFrom: members[0], movedKey: expect.any(String) });
    expect(chooseMember({ ...requestFor(members, 's1'), scope: 'other' }, SETTINGS, new MoveTable(), 1)?.member).toBe(members[0]);
    expect(chooseMember(requestFor(members, 's1'), SETTINGS, new MoveTable(), 5_001)?.member).toBe(members[0]);
  });

  it('cools one model down for a 429, and leaves the others', () => {
    const members = membersOf({ name: 'a' }, { name: 'b', tier: 1 });
    fail(members[0], 0, 'scope');
    expect(chooseMember(requestFor(members, 's1'), SETTINGS, new MoveTable(), 1)?.member).toBe(members[1]);
    expect(chooseMember({ ...requestFor(members, 's1'), scope: 'other' }, SETTINGS, new MoveTable(), 1)?.member).toBe(members[0]);
  });

  it('never chooses a member twice for one request, and none where all were tried', () => {
    const members = membersOf({ name: 'a' }, { name: 'b' }, { name: 'c' });
    assert(property(constantFrom('s1', 's2', 's3', undefined), (key) => {
      const tried: Member[] = [];
      for (let choice = chooseMember(requestFor(members, key, tried), SETTINGS, new MoveTable(), 0); choice !== undefined; choice = chooseMember(requestFor(members, key, tried), SETTINGS, new MoveTable(), 0)) {
        expect(tried).not.toContain(choice.member);
        tried.push(choice.member);
      }
      expect(tried.length).toBe(3);
    }));
  });
});
