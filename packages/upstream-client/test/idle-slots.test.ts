import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { IdleSlots } from '../src/pool/idle-slots.ts';
import { createSlot, type Slot } from '../src/pool/slot.ts';
import { RestRule } from '../src/pool/slot-rest.ts';
import { FakeHolder } from './slot-pool-reference.ts';

function idleSlot(): Slot {
  return Object.assign(createSlot(new FakeHolder(0, undefined, false)), { state: 'idle', socket: new Socket(), requestCount: 1 } satisfies Partial<Slot>);
}

/** Idle connections of an origin that answers in 10 ms: with the deviation that one answer has, 20 ms are enough of a rest. */
function startIdle(expired: Slot[] = []): { readonly idle: IdleSlots; readonly slots: Slot[] } {
  const rest = new RestRule();
  rest.isPossible(idleSlot(), 10);
  expect(rest.enoughMs).toBe(20);
  const idle = new IdleSlots(3_000, rest, (slot) => { expired.push(slot); });
  const slots = [100, 110, 120, 130].map((at) => {
    const slot = idleSlot();
    idle.push(slot, at);
    return slot;
  });
  return { idle, slots };
}

describe('of idle connections, the one that is used', () => {
  it('has rested enough and was used last (the others may expire)', () => {
    const { idle, slots } = startIdle();
    expect(idle.take(160)).toBe(slots[3]);
    expect(idle.take(135)).toBe(slots[1]);
    expect(idle.take(135)).toBe(slots[0]);
  });

  it('has rested longest where none has rested enough', () => {
    const { idle, slots } = startIdle();
    expect(idle.take(119)).toBe(slots[0]);
    expect(idle.take(119)).toBe(slots[1]);
  });

  it('is none that must rest on', () => {
    const { idle, slots } = startIdle();
    for (const slot of slots.slice(1)) slot.mustRest = true;
    expect(idle.take(119)).toBe(slots[0]);
    expect(idle.take(129)).toBeUndefined();
    expect(idle.length).toBe(3);
    expect(idle.take(150)).toBe(slots[3]);
    expect(slots[3]?.mustRest).toBe(false);
  });

  it('is none that expires or is gone', () => {
    const expired: Slot[] = [];
    const { idle, slots } = startIdle(expired);
    slots[3]?.socket?.destroy();
    expect(idle.take(2_119)).toBe(slots[2]);
    expect(expired).toEqual([slots[3]]);
    expect(idle.take(2_119)).toBeUndefined();
    expect(expired).toEqual([slots[3], slots[1], slots[0]]);
  });

  it('is one of so many as were needed within the keep-alive time (under load all are used in turn, and none is idle for long)', () => {
    const expired: Slot[] = [];
    const { idle, slots } = startIdle(expired);
    // Never more than two are taken at once; whichever rests longest is next.
    const useTwo = (now: number): void => { for (const slot of [idle.take(now), idle.take(now)]) idle.push(slot as Slot, now); };
    for (let now = 140; now <= 2_000; now += 10) useTwo(now);
    idle.sweep(2_001);
    for (let now = 2_010; now <= 4_000; now += 10) useTwo(now);
    idle.sweep(4_000);
    expect(idle.at(0)?.idleSince).toBeGreaterThan(3_900);
    expect(expired).toEqual([]);
    idle.sweep(4_001);
    expect(expired).toHaveLength(2);
    expect(idle.length).toBe(2);
    expect(slots).toEqual(expect.arrayContaining(expired));
    idle.trim(0);
  });

  it('is kept after a burst, also where all before it have expired', () => {
    const expired: Slot[] = [];
    const { idle } = startIdle(expired);
    idle.sweep(2_050);
    expect(idle.length).toBe(4);
    // All are due before the next window is over.
    idle.sweep(3_900);
    expect(expired).toHaveLength(4);
    const burst = Array.from({ length: 4 }, idleSlot);
    for (const slot of burst) idle.push(slot, 4_000);
    idle.sweep(4_100);
    expect(idle.length).toBe(4);
    expect(expired).toHaveLength(4);
    idle.trim(0);
  });
});
