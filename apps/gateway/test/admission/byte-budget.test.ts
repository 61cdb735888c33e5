import { assert, array, constantFrom, integer, oneof, property, record, constant } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createByteBudget, type ByteLease } from '../../src/body/byte-budget.ts';

const MIB = 1024 * 1024;

describe('a byte budget', () => {
  test('takes nothing for a lease that covers nothing (an announced length reserves nothing)', () => {
    const budget = createByteBudget(MIB);
    for (let index = 0; index < 1_000; index += 1) budget.lease('a');
    expect(budget.taken()).toBe(0);
  });

  test('grows by 64 KiB, above 1 MiB by 1 MiB', () => {
    const budget = createByteBudget(256 * MIB);
    const lease = budget.lease('a');
    for (const [bytes, taken] of [[1, 65_536], [65_536, 65_536], [65_537, 131_072], [MIB, MIB], [MIB + 1, 2 * MIB]] as const) {
      expect(lease.cover(bytes)).toBe(true);
      expect(budget.taken()).toBe(taken);
    }
    lease.release();
    lease.release();
    expect(budget.taken()).toBe(0);
    expect(lease.cover(1)).toBe(false);
  });

  test('one client gets a quarter, and the others still find room', () => {
    const budget = createByteBudget(4 * MIB);
    expect(budget.lease('a').cover(MIB)).toBe(true);
    expect(budget.lease('a').cover(1)).toBe(false);
    expect(budget.lease('b').cover(MIB)).toBe(true);
  });

  test('callers are forgotten once they hold nothing, but for a thousand names', () => {
    const budget = createByteBudget(256 * MIB);
    for (let index = 0; index < 10_000; index += 1) {
      const lease = budget.lease(`person:${index}`);
      lease.cover(1);
      lease.release();
    }
    expect(budget.callers()).toBeLessThanOrEqual(1_001);
    expect(budget.taken()).toBe(0);
  });

  test('a small budget still takes one body of the guaranteed size (a quarter of a worker\'s part would refuse it for ever)', () => {
    const budget = createByteBudget(32 * MIB, 32 * MIB);
    const lease = budget.lease('a');
    expect(lease.cover(32 * MIB)).toBe(true);
    expect(budget.lease('b').cover(1)).toBe(false);
    lease.release();
    expect(budget.lease('b').cover(1)).toBe(true);
  });

  test('whatever is leased, covered, released and resized, it is never negative, never over, and never more than a quarter per client', () => {
    const step = oneof(
      record({ kind: constant('lease'), client: constantFrom('a', 'b', 'c', 'd', 'e'), size: integer({ min: 0, max: 3 * MIB }) }),
      record({ kind: constant('cover'), at: integer({ min: 0, max: 40 }), size: integer({ min: 0, max: 9 * MIB }) }),
      record({ kind: constant('release'), at: integer({ min: 0, max: 40 }) }),
    );
    assert(property(integer({ min: MIB, max: 32 * MIB }), array(step, { maxLength: 80 }), (limit, steps) => {
      const budget = createByteBudget(limit);
      const leases: Array<{ client: string; lease: ByteLease; covered: number }> = [];
      for (const one of steps) {
        if (one.kind === 'lease') leases.push({ client: one.client, lease: budget.lease(one.client), covered: 0 });
        const held = 'at' in one ? leases[one.at] : leases.at(-1);
        if (held !== undefined && one.kind === 'release') {
          held.lease.release();
          held.covered = 0;
        } else if (held !== undefined && 'size' in one && held.lease.cover(one.size)) held.covered = Math.max(held.covered, one.size);
        const sum = (client?: string): number => leases.filter((other) => client === undefined || other.client === client).reduce((total, { covered }) => total + covered, 0);
        expect(budget.taken()).toBeGreaterThanOrEqual(sum());
        expect(budget.taken()).toBeLessThanOrEqual(limit);
        for (const client of ['a', 'b', 'c', 'd', 'e']) expect(sum(client)).toBeLessThanOrEqual(limit / 4);
      }
      for (const { lease } of leases) lease.release();
      expect(budget.taken()).toBe(0);
    }), { numRuns: 300 });
  });
});
