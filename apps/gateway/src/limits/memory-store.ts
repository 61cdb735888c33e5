import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { CounterStore } from './counter-store.ts';

/** Counters of this process alone. */
export function createMemoryStore(windowSeconds: number): CounterStore {
  // The limits live with the clients and may change while a window runs; the library only keeps the windows.
  const windows = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: windowSeconds });
  const holders = new Map<string, Set<string>>();
  return {
    async add(key, amount) {
      const { consumedPoints, msBeforeNext } = await windows.penalty(key, amount);
      return { consumed: consumedPoints, resetsInMs: msBeforeNext };
    },
    async read(key) {
      const window = await windows.get(key);
      return window === null || window.msBeforeNext <= 0 ? undefined : { consumed: window.consumedPoints, resetsInMs: window.msBeforeNext };
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
