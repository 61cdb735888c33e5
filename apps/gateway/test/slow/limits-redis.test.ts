import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLimiter } from '../../src/access/limits/create-limiter.ts';
import { HAS_REDIS, REDIS_SUITE, startRedis } from '../access/limits/redis-server.ts';
import type { Limiter, LimiterOptions } from '../../src/access/limits/limiter.ts';
import type { RedisServer } from '../access/limits/redis-server.ts';

const REPLICAS = 3;
const WINDOW_SECONDS = 5;
/** So few that a machine which is busy with others admits them all in time. */
const LIMIT = 120;

let server: RedisServer;
let open: Limiter[] = [];

/** Longer than a busy machine makes a decision wait: what is tested is a store that is gone, not a slow one. */
const PATIENT_MS = 60_000;
const CALLERS_A_REPLICA = 4;

async function startReplicas(options: Partial<LimiterOptions> = {}): Promise<Limiter[]> {
  open = Array.from({ length: REPLICAS }, () => createLimiter({
    clients: [{ name: 'a', limits: { requests_per_minute: LIMIT, concurrent_requests: 50 } }], store: server.url, scope: 'native',
    timing: { windowSeconds: WINDOW_SECONDS, storeTimeoutMs: PATIENT_MS }, ...options,
  }));
  expect(await Promise.all(open.map((limiter) => limiter.ready()))).toEqual(open.map(() => true));
  return open;
}

interface Load {
  admitted: number;
  /** Refusals without the store, by caller. */
  readonly refusedByStore: number[];
  slowestMs: number;
}

/** Asks every replica again and again until told to stop, far more often than the limit allows. */
async function offer(limiters: readonly Limiter[], until: () => boolean, load: Load): Promise<void> {
  await Promise.all(limiters.flatMap((limiter, replica) => Array.from({ length: CALLERS_A_REPLICA }, async (_, index) => {
    const caller = replica * CALLERS_A_REPLICA + index;
    while (!until()) {
      const started = performance.now();
      const admission = await limiter.admit('a');
      load.slowestMs = Math.max(load.slowestMs, performance.now() - started);
      if (admission.ok) {
        load.admitted += 1;
        admission.lease.release();
      } else {
        if (admission.limit === 'store_unavailable') load.refusedByStore[caller] = (load.refusedByStore[caller] ?? 0) + 1;
      }
      // An impatient client comes back at once; decisions made without the store must not starve the event loop of this test.
      await new Promise((resolve) => { setTimeout(resolve, admission.ok ? 0 : 2); });
    }
  })));
}

const emptyLoad = (): Load => ({ admitted: 0, refusedByStore: Array.from({ length: REPLICAS * CALLERS_A_REPLICA }, () => 0), slowestMs: 0 });

describe.skipIf(!HAS_REDIS)(REDIS_SUITE, () => {
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(async () => await server.kill());
  afterEach(() => {
    for (const limiter of open) limiter.close();
  });

  it('three replicas under load hold the configured rate within 2 % over several windows', async () => {
    const limiters = await startReplicas();
    const windows = 6;
    const load = emptyLoad();
    const started = performance.now();
    await offer(limiters, () => performance.now() - started > windows * WINDOW_SECONDS * 1_000 - 500, load);
    console.log(`admitted ${load.admitted} of ${windows * LIMIT} allowed in ${windows} windows; slowest decision ${load.slowestMs.toFixed(1)} ms`);
    expect(Math.abs(load.admitted - windows * LIMIT) / (windows * LIMIT)).toBeLessThanOrEqual(0.02);
  });

  it('a Redis killed under load: open admits, nothing hangs, and the limit holds again when it is back', async () => {
    const failures = { count: 0 };
    const limiters = await startReplicas({ failurePolicy: 'open', onStoreFailure: () => { failures.count += 1; } });
    const load = emptyLoad();
    let stopped = false;
    const running = offer(limiters, () => stopped, load);
    await vi.waitFor(() => expect(load.admitted).toBeGreaterThanOrEqual(LIMIT), { timeout: 60_000 });
    await server.kill();
    await vi.waitFor(() => expect(load.admitted).toBeGreaterThan(LIMIT * 3), { timeout: 60_000 });
    expect(failures.count).toBeGreaterThan(0);
    await server.restart();
    const restarted = performance.now();
    await vi.waitFor(async () => expect(await limiters[0]?.admit('a')).toMatchObject({ ok: false, limit: 'requests_per_minute' }), { timeout: 60_000, interval: 20 });
    console.log(`limited again ${(performance.now() - restarted).toFixed(0)} ms after the restart; slowest decision ${load.slowestMs.toFixed(1)} ms`);
    stopped = true;
    await running;
    // None waited for the store until its time was over.
    expect(load.slowestMs).toBeLessThan(PATIENT_MS / 2);
  });

  it('a Redis that hangs under load: closed refuses, and each decision ends in bounded time', async () => {
    const limiters = await startReplicas({ failurePolicy: 'closed', timing: { windowSeconds: WINDOW_SECONDS } });
    const load = emptyLoad();
    let stopped = false;
    const running = offer(limiters, () => stopped, load);
    await vi.waitFor(() => expect(load.admitted).toBeGreaterThan(0), { timeout: 60_000 });
    server.freeze();
    const admittedBefore = load.admitted;
    // Every caller has its refusals, again and again, while the store hangs: no decision waits for it.
    await vi.waitFor(() => expect(Math.min(...load.refusedByStore)).toBeGreaterThan(100), { timeout: 120_000 });
    // What Redis had decided before it froze may still have been on its way.
    expect(load.admitted - admittedBefore).toBeLessThanOrEqual(REPLICAS * CALLERS_A_REPLICA);
    server.thaw();
    await vi.waitFor(() => expect(load.admitted).toBeGreaterThan(admittedBefore + REPLICAS * CALLERS_A_REPLICA), { timeout: 60_000 });
    stopped = true;
    await running;
    console.log(`slowest decision ${load.slowestMs.toFixed(1)} ms with a store timeout of 250 ms`);
    for (const limiter of limiters) expect(limiter.held).toBe(0);
  });
});
