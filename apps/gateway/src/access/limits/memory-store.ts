import { createRequire } from 'node:module';
import type { RateLimiterMemory } from 'rate-limiter-flexible';
import type { CounterStore } from './counter-store.ts';
import { createMemoryTokens } from './memory-tokens.ts';

/** Counters of this process alone. */
export function createMemoryStore(windowSeconds: number): CounterStore {
  // The limits live with the clients and may change while a window runs; the library only keeps the windows.
  let opened: RateLimiterMemory | undefined;
  const windows = (): RateLimiterMemory => (opened ??= openWindows(windowSeconds));
  // The library reads the wall clock: when that was set back, a window seems to last longer than it does.
  const bounded = (milliseconds: number): number => Math.min(milliseconds, windowSeconds * 1000);
  const holders = new Map<string, Set<string>>();
  return {
    ...createMemoryTokens(windowSeconds),
    async add(key, amount) {
      const { consumedPoints, msBeforeNext } = await windows().penalty(key, amount);
      return { consumed: consumedPoints, resetsInMs: bounded(msBeforeNext) };
    },
    async take(key, limit, leaseId) {
      const held = holders.get(key) ?? new Set();
      if (held.size >= limit) return false;
      holders.set(key, held.add(leaseId));
      return true;
    },
    async giveBack(key, leaseId) {
      const held = holders.get(key);
      held?.delete(leaseId);
      if (held?.size === 0) holders.delete(key);
    },
    // A lease of this process cannot outlive it, so there is nothing to renew.
    async renew() {},
    ready: async () => true,
    close: () => holders.clear(),
  };
}

/** Loaded only where a client has a limit a minute. */
function openWindows(windowSeconds: number): RateLimiterMemory {
  const library = createRequire(import.meta.url)('rate-limiter-flexible') as typeof import('rate-limiter-flexible');
  return new library.RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: windowSeconds });
}
