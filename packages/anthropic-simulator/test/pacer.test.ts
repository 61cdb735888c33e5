import { describe, expect, it } from 'vitest';
import { createFixedPacer, createPacer } from '../src/http/pacer.ts';

interface TestClock {
  now(): number;
  wait(delayMs: number): Promise<void>;
  pass(ms: number): void;
  readonly waits: readonly number[];
}

function createTestClock(lateMs = 0): TestClock {
  let time = 0;
  const waits: number[] = [];
  return {
    now: () => time,
    wait: (delayMs) => { waits.push(delayMs); time += delayMs + lateMs; return Promise.resolve(); },
    pass: (ms) => { time += ms; },
    waits,
  };
}

const { signal } = new AbortController();

describe('a pacer', () => {
  it('collects fractions until they make a millisecond', async () => {
    const clock = createTestClock();
    const pacer = createPacer(clock, signal);
    for (let part = 0; part < 8; part += 1) await pacer.before(0.25);
    expect(clock.waits).toEqual([1, 1]);
  });

  it('makes up for waits that came out too long and for a client that did not read', async () => {
    const late = createTestClock(4);
    const pacer = createPacer(late, signal);
    for (let part = 0; part < 5; part += 1) await pacer.before(2);
    expect(late.now()).toBeLessThanOrEqual(5 * 2 + 4);
    late.pass(1_000);
    const before = late.waits.length;
    for (let part = 0; part < 100; part += 1) await pacer.before(2);
    expect(late.waits.length).toBe(before);
  });

  it('a pacer of fixed gaps: never catches up', async () => {
    const clock = createTestClock(4);
    const pacer = createFixedPacer(50, clock, signal);
    clock.pass(1_000);
    for (let part = 0; part < 3; part += 1) await pacer.before(0);
    expect(clock.waits).toEqual([50, 50, 50]);
  });
});
