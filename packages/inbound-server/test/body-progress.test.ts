import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BodyProgress } from '../src/body-progress.ts';

const STEP_MS = 1_000;
const STEP_BYTES = 100;
let progress: BodyProgress;
let stalls = 0;

beforeEach(() => {
  vi.useFakeTimers();
  stalls = 0;
  progress = new BodyProgress({ bodyStepTimeoutMs: STEP_MS, bodyStepBytes: STEP_BYTES }, () => { stalls += 1; });
});
afterEach(() => {
  vi.useRealTimers();
});

function stallsAfter(milliseconds: number): number {
  vi.advanceTimersByTime(milliseconds);
  return stalls;
}

describe('a body', () => {
  test('a body that moves by a step in time: gets the same time for the next step', () => {
    for (let step = 0; step < 5; step += 1) {
      expect(stallsAfter(STEP_MS - 1)).toBe(0);
      progress.add(STEP_BYTES);
    }
    expect(stallsAfter(STEP_MS)).toBe(1);
  });

  test('a body that trickles after a step: is too slow (each step begins with no bytes)', () => {
    progress.add(STEP_BYTES);
    for (let byte = 1; byte < 10; byte += 1) {
      expect(stallsAfter(STEP_MS / 10)).toBe(0);
      progress.add(1);
    }
    expect(stallsAfter(STEP_MS / 10)).toBe(1);
    expect(stallsAfter(10 * STEP_MS)).toBe(1);
  });
});

describe('while we are the ones not reading', () => {
  test('the clock stands still, and goes on with the time that was left', () => {
    vi.advanceTimersByTime(STEP_MS - 400);
    progress.pause();
    expect(stallsAfter(10 * STEP_MS)).toBe(0);
    progress.resume();
    expect(stallsAfter(399)).toBe(0);
    expect(stallsAfter(1)).toBe(1);
  });

  test('a clock that stops in the turn in which it began never runs (most bodies are here before that turn ends)', () => {
    progress.pause();
    expect(stallsAfter(10 * STEP_MS)).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    progress.resume();
    progress.pause();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('many short pauses give a client that trickles no more time', () => {
    for (let pause = 1; pause < 10; pause += 1) {
      expect(stallsAfter(STEP_MS / 10)).toBe(0);
      progress.pause();
      progress.resume();
    }
    expect(stallsAfter(STEP_MS / 10)).toBe(1);
  });

  test('bytes that end a step do not start the clock, which then has the whole next step', () => {
    vi.advanceTimersByTime(STEP_MS - 1);
    progress.pause();
    progress.add(STEP_BYTES);
    expect(stallsAfter(10 * STEP_MS)).toBe(0);
    progress.resume();
    expect(stallsAfter(STEP_MS - 1)).toBe(0);
    expect(stallsAfter(1)).toBe(1);
  });
});
