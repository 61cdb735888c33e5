import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DeadlineClock, type Timed } from '../src/exchange/deadline-clock.ts';

class Member implements Timed {
  deadline = Number.POSITIVE_INFINITY;
  isTimed = false;
  previousTimed: Timed | undefined = undefined;
  nextTimed: Timed | undefined = undefined;
  firedAt: number | undefined;
  readonly act: (member: Member) => void;
  constructor(act: (member: Member) => void = () => undefined) {
    this.act = act;
  }
  onDeadline(): void {
    this.firedAt = performance.now();
    this.deadline = Number.POSITIVE_INFINITY;
    this.act(this);
  }
}

describe('the deadline clock', () => {
  beforeEach(() => { vi.useFakeTimers(); });
  afterEach(() => { vi.useRealTimers(); });

  function added(clock: DeadlineClock, spanMs: number, act?: (member: Member) => void): Member {
    const member = new Member(act);
    clock.add(member);
    clock.set(member, performance.now(), spanMs);
    return member;
  }

  it('calls each member once its deadline has passed, never early, and within a tick', () => {
    const clock = new DeadlineClock();
    const start = performance.now();
    const spans = [1, 40, 999, 1_000, 1_001, 5_000, 61_234];
    const members = spans.map((span) => added(clock, span));
    vi.advanceTimersByTime(70_000);
    for (const [index, span] of spans.entries()) {
      const late = (members[index]?.firedAt ?? Number.NaN) - start - span;
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThan(5);
    }
  });

  it('lets a deadline move later without a timer of its own', () => {
    const clock = new DeadlineClock();
    const member = added(clock, 2_000);
    for (let moved = 0; moved < 20; moved += 1) {
      vi.advanceTimersByTime(500);
      clock.set(member, performance.now(), 2_000);
      expect(vi.getTimerCount()).toBe(1);
    }
    expect(member.firedAt).toBeUndefined();
    vi.advanceTimersByTime(2_005);
    expect(member.firedAt).toBeDefined();
  });

  it('forgets a member, wherever it stands, and rests when none is left', () => {
    const clock = new DeadlineClock();
    const members = [added(clock, 100), added(clock, 100), added(clock, 100)];
    const [first, middle, last] = members;
    if (first === undefined || middle === undefined || last === undefined) throw new Error('three were added');
    clock.delete(middle);
    clock.delete(middle);
    clock.delete(first);
    vi.advanceTimersByTime(150);
    expect(members.map(({ firedAt }) => firedAt === undefined)).toEqual([true, true, false]);
    clock.delete(last);
    vi.advanceTimersByTime(2_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('takes members that come, go and move while it calls', () => {
    const clock = new DeadlineClock();
    const other = new Member();
    const late: Member[] = [];
    clock.add(other);
    added(clock, 100, (member) => { clock.delete(member); clock.delete(other); late.push(added(clock, 50)); });
    clock.set(other, performance.now(), 100);
    vi.advanceTimersByTime(105);
    // Members are looked at newest first, so the other one was deleted before its turn.
    expect(other.firedAt).toBeUndefined();
    vi.advanceTimersByTime(60);
    expect(late[0]?.firedAt).toBeDefined();
  });
});
