import { access } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createStoreGuard, isStorePaused } from '../../../src/access/limits/store-guard.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const never = (): Promise<never> => new Promise(() => {});

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(() => expect.unreachable(), (error: unknown) => error);
}

describe('createStoreGuard', () => {
  it('store guard: ends a step that hangs at its deadline, and marks it as abandoned', async () => {
    const guard = createStoreGuard(250);
    let wasAbandoned: (() => boolean) | undefined;
    const failure = failureOf(guard.run((isAbandoned) => {
      wasAbandoned = isAbandoned;
      return never();
    }));
    expect(wasAbandoned?.()).toBe(false);
    await vi.advanceTimersByTimeAsync(250);
    expect(await failure).toMatchObject({ code: 'timeout' });
    expect(wasAbandoned?.()).toBe(true);
  });

  it('leaves the store alone for a second after three failures in a row, so that a hanging store costs one request a second', async () => {
    const guard = createStoreGuard(250, () => Date.now());
    const hang = async (): Promise<unknown> => {
      const failure = failureOf(guard.run(never));
      await vi.advanceTimersByTimeAsync(250);
      return await failure;
    };
    for (let attempt = 0; attempt < 3; attempt += 1) expect(isStorePaused(await hang())).toBe(false);
    expect(isStorePaused(await failureOf(guard.run(async () => 1)))).toBe(true);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(isStorePaused(await hang())).toBe(false);
    expect(isStorePaused(await failureOf(guard.run(async () => 1)))).toBe(true);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await guard.run(async () => 1)).toBe(1);
    expect(isStorePaused(await hang())).toBe(false);
  });

  it('counts failures in a row only: an answer in between begins anew', async () => {
    const guard = createStoreGuard(250, () => Date.now());
    const fail = (): Promise<unknown> => failureOf(guard.run(async () => { throw new Error('away'); }));
    for (let round = 0; round < 3; round += 1) {
      expect([isStorePaused(await fail()), isStorePaused(await fail())]).toEqual([false, false]);
      expect(await guard.run(async () => 1)).toBe(1);
    }
  });

  it('knows since when the store fails: from the first failure that no answer followed, pauses included', async () => {
    const guard = createStoreGuard(250, () => Date.now());
    const fail = (): Promise<unknown> => failureOf(guard.run(async () => { throw new Error('away'); }));
    expect(guard.failingSince).toBeUndefined();
    const first = Date.now();
    await fail();
    for (let attempt = 0; attempt < 4; attempt += 1) {
      await vi.advanceTimersByTimeAsync(100);
      await fail();
    }
    expect(guard.failingSince).toBe(first);
    await vi.advanceTimersByTimeAsync(1_000);
    await guard.run(async () => 1);
    expect(guard.failingSince).toBeUndefined();
    await fail();
    expect(guard.failingSince).toBe(Date.now());
  });

  it('takes an answer that came in time although this process stood still (one pause must not open the limits)', async () => {
    vi.useRealTimers();
    const guard = createStoreGuard(50);
    const answer = guard.run(async () => {
      // One operation of the thread pool: it is done long before this thread looks at a timer or a result again.
      await access(import.meta.filename);
      return 'answered';
    });
    const until = performance.now() + 200;
    while (performance.now() < until) Math.sqrt(until);
    expect(await answer).toBe('answered');
  });
});
