import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLimiter } from '../../src/limits/limiter.ts';
import { HAS_REDIS, REDIS_SUITE, startRedis } from './redis-server.ts';
import type { Lease } from '../../src/limits/lease-book.ts';
import type { Limiter, LimiterOptions, LimiterTiming } from '../../src/limits/limiter.ts';
import type { ClientLimits } from '../../src/config/sections/clients-section.ts';
import type { RedisServer } from './redis-server.ts';

let server: RedisServer;
let redis: Redis;
const PLACES = 'penstock:native:a:concurrent_requests';
const open: Limiter[] = [];

/** A limiter as one replica has it, connected. */
async function replica(limits: ClientLimits, options: Partial<LimiterOptions> = {}, timing: Partial<LimiterTiming> = {}): Promise<Limiter> {
  const limiter = createLimiter({ clients: [{ name: 'a', limits }], store: server.url, scope: 'native', timing: { storeTimeoutMs: 2_000, ...timing }, ...options });
  open.push(limiter);
  expect(await limiter.ready()).toBe(true);
  return limiter;
}

async function admitted(limiter: Limiter): Promise<Lease> {
  const admission = await limiter.admit('a');
  if (!admission.ok) throw new Error(`refused: ${admission.limit}`);
  return admission.lease;
}

describe.skipIf(!HAS_REDIS)(REDIS_SUITE, () => {
  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
    redis.on('error', () => {});
  });
  afterAll(async () => {
    redis.disconnect();
    await server.kill();
  });
  afterEach(async () => {
    for (const limiter of open.splice(0)) limiter.close();
    await redis.flushall();
  });

  it('counts places, requests and tokens for all replicas together', async () => {
    const [first, second] = [await replica({ concurrent_requests: 3, requests_per_minute: 5, output_tokens_per_minute: 100 }), await replica({ concurrent_requests: 3, requests_per_minute: 5, output_tokens_per_minute: 100 })];
    const leases = [await admitted(first), await admitted(second), await admitted(first)];
    expect(await second.admit('a')).toEqual({ ok: false, limit: 'concurrent_requests', retryAfterSeconds: 1 });
    for (const lease of leases) lease.release();
    await vi.waitFor(async () => (await admitted(second)).release());
    const last = await admitted(first);
    expect(await second.admit('a')).toMatchObject({ limit: 'requests_per_minute', retryAfterSeconds: 60 });
    last.charge({ inputTokens: 5, outputTokens: 100 });
    await vi.waitFor(async () => expect(await second.admit('a')).toMatchObject({ limit: 'output_tokens_per_minute' }));
  });

  it('counts the native side and the front door separately', async () => {
    const native = await replica({ requests_per_minute: 1 });
    const frontDoor = await replica({ requests_per_minute: 1 }, { scope: 'front_door' });
    await admitted(native);
    await admitted(frontDoor);
    expect(await frontDoor.admit('a')).toMatchObject({ ok: false });
  });

  it('frees the places of a replica that crashed, and keeps those of one that lives', async () => {
    const timing = { leaseTtlMs: 600 };
    const crashing = await replica({ concurrent_requests: 2 }, {}, timing);
    const living = await replica({ concurrent_requests: 2 }, {}, timing);
    await admitted(crashing);
    await admitted(living);
    expect(await living.admit('a')).toMatchObject({ ok: false });
    // Closing gives no place back, as a crash would not.
    crashing.close();
    const second = await vi.waitFor(async () => await admitted(living), { timeout: 5_000, interval: 50 });
    // Two lives later both are still held, by renewal alone.
    const twoLivesLater = Date.now() + 2 * 600;
    await vi.waitFor(async () => {
      expect(await redis.zcount(PLACES, twoLivesLater + 600, '+inf')).toBe(2);
    }, { timeout: 10_000 });
    expect(await living.admit('a')).toMatchObject({ ok: false });
    second.release();
    await vi.waitFor(async () => await admitted(living));
  });

  it('takes places again that Redis has lost (it restarted empty while requests ran)', async () => {
    const limiter = await replica({ concurrent_requests: 1 }, {}, { leaseTtlMs: 600 });
    await admitted(limiter);
    await server.kill();
    await server.restart();
    await vi.waitFor(async () => expect(await redis.zcard(PLACES)).toBe(1), { timeout: 10_000 });
    expect(await limiter.admit('a')).toMatchObject({ ok: false, limit: 'concurrent_requests' });
  });

  it('while it is away, open admits and closed refuses, both at once and both reported', async () => {
    const reports: string[] = [];
    const onStoreFailure: LimiterOptions['onStoreFailure'] = ({ operation }) => void reports.push(operation);
    const away = 'redis://127.0.0.1:1';
    // So long that only a decision which does not wait for a connection comes in time.
    const timing = { storeTimeoutMs: 60_000 };
    const openLimiter = createLimiter({ clients: [{ name: 'a', limits: { requests_per_minute: 1 } }], store: away, scope: 'native', failurePolicy: 'open', onStoreFailure, timing });
    const closedLimiter = createLimiter({ clients: [{ name: 'a', limits: { concurrent_requests: 1 } }], store: away, scope: 'native', failurePolicy: 'closed', onStoreFailure, timing });
    open.push(openLimiter, closedLimiter);
    expect(await openLimiter.ready()).toBe(false);
    const started = performance.now();
    for (let request = 0; request < 20; request += 1) (await admitted(openLimiter)).release();
    expect(await closedLimiter.admit('a')).toEqual({ ok: false, limit: 'store_unavailable', retryAfterSeconds: 1 });
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(reports.filter((operation) => operation === 'admit')).toHaveLength(21);
    expect(closedLimiter.held).toBe(0);
  });

  it('takes another policy for its failures while it runs', async () => {
    const clients = [{ name: 'a', limits: { requests_per_minute: 1 } }];
    const limiter = createLimiter({ clients, store: 'redis://127.0.0.1:1', scope: 'native', failurePolicy: 'open' });
    open.push(limiter);
    expect(await limiter.admit('a')).toMatchObject({ ok: true });
    limiter.update(clients, 'closed');
    expect(await limiter.admit('a')).toMatchObject({ ok: false, limit: 'store_unavailable' });
    limiter.update(clients);
    expect(await limiter.admit('a')).toMatchObject({ ok: false, limit: 'store_unavailable' });
  });

  it.each(['closed', 'open'] as const)('that hung while a place was taken has it back in the end (%s)', async (failurePolicy) => {
    const limiter = await replica({ concurrent_requests: 1 }, { failurePolicy }, { storeTimeoutMs: 200 });
    server.freeze();
    const admission = await limiter.admit('a');
    expect(admission).toMatchObject(failurePolicy === 'open' ? { ok: true } : { ok: false, limit: 'store_unavailable' });
    server.thaw();
    if (admission.ok) {
      // The place was taken after all, and belongs to the request that was let through.
      await vi.waitFor(async () => expect(await redis.zcard(PLACES)).toBe(1));
      admission.lease.release();
    }
    await vi.waitFor(async () => expect(await redis.zcard(PLACES)).toBe(0));
    expect(limiter.held).toBe(0);
    await vi.waitFor(async () => (await admitted(limiter)).release());
  });

  it('counts for all workers together, so that no worker has only a part', async () => {
    const limiter = await replica({ requests_per_minute: 8 }, { share: { index: 1, count: 4 } });
    for (let request = 0; request < 8; request += 1) (await admitted(limiter)).release();
    expect(await limiter.admit('a')).toMatchObject({ limit: 'requests_per_minute' });
  });

  it('what counts failures cannot make one by throwing', async () => {
    const limiter = createLimiter({
      clients: [{ name: 'a', limits: { requests_per_minute: 1 } }], store: 'redis://127.0.0.1:1', scope: 'native',
      onStoreFailure: () => { throw new Error('observer'); },
    });
    open.push(limiter);
    expect(await limiter.admit('a')).toMatchObject({ ok: true });
  });
});
