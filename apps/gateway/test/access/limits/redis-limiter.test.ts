import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLimiter } from '../../../src/access/limits/create-limiter.ts';
import { SETTLE_TOKENS } from '../../../src/access/limits/token-scripts.ts';
import { startCuttableWire } from './cuttable-wire.ts';
import { HAS_REDIS, REDIS_SUITE, startRedis } from './redis-server.ts';
import type { Lease, Limiter, LimiterOptions, LimiterTiming } from '../../../src/access/limits/limiter.ts';
import type { ClientLimits } from '../../../src/config/sections/clients-section.ts';
import type { TokenAmounts } from '../../../src/access/limits/token-limits.ts';
import type { RedisServer } from './redis-server.ts';

let server: RedisServer;
let redis: Redis;
const PLACES = 'penstock:native:a:concurrent_requests';
const TOKENS = 'penstock:native:{a:tokens}';
const open: Limiter[] = [];
/** What comes by itself comes late on a busy machine. */
const WAIT = { timeout: 60_000, interval: 50 };
/** No answer that comes is late: a busy machine must not have a command sent once more. */
const PATIENT_MS = 10_000;

/** A limiter as one replica has it, connected. */
async function replica(limits: ClientLimits, options: Partial<LimiterOptions> = {}, timing: Partial<LimiterTiming> = {}): Promise<Limiter> {
  const limiter = createLimiter({ clients: [{ name: 'a', limits }], store: server.url, scope: 'native', timing: { storeTimeoutMs: PATIENT_MS, ...timing }, ...options });
  open.push(limiter);
  expect(await limiter.ready()).toBe(true);
  return limiter;
}

async function admitted(limiter: Limiter): Promise<Lease> {
  const admission = await limiter.admit('a');
  if (!admission.ok) throw new Error(`refused: ${admission.limit}`);
  return admission.lease;
}

function tokens(input: number, output: number): TokenAmounts {
  return { input_tokens_per_minute: input, output_tokens_per_minute: output };
}

/** A process that stands still for a whole life of its leases loses them until it renews them: what it may not take is refused again then. */
async function refusesPlace(limiter: Limiter): Promise<void> {
  await vi.waitFor(async () => {
    const admission = await limiter.admit('a');
    if (admission.ok) admission.lease.release();
    expect(admission).toMatchObject({ ok: false, limit: 'concurrent_requests' });
  }, WAIT);
}

/** The seconds to the end of a window of a minute that began no earlier than `since` (of `performance.now()`): fewer by what has passed since. */
function restOfMinute(since: number): unknown {
  const passed = Math.ceil((performance.now() - since) / 1_000);
  return expect.toSatisfy((seconds: number) => seconds <= 60 && seconds >= 60 - passed, `60, or less by the ${passed} s that have passed`);
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
    const since = performance.now();
    const leases = [await admitted(first), await admitted(second), await admitted(first)];
    expect(await second.admit('a')).toEqual({ ok: false, limit: 'concurrent_requests', retryAfterSeconds: 1 });
    for (const lease of leases) lease.release();
    await vi.waitFor(async () => (await admitted(second)).release(), WAIT);
    const last = await admitted(first);
    const refused = await second.admit('a');
    expect(refused).toMatchObject({ limit: 'requests_per_minute', retryAfterSeconds: restOfMinute(since) });
    last.settle(tokens(5, 100));
    await vi.waitFor(async () => expect(await second.admit('a')).toMatchObject({ limit: 'output_tokens_per_minute' }), WAIT);
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
    await refusesPlace(living);
    // Closing gives no place back, as a crash would not.
    crashing.close();
    const second = await vi.waitFor(async () => await admitted(living), WAIT);
    // Two lives later both are still held, by renewal alone.
    const twoLivesLater = Date.now() + 2 * 600;
    await vi.waitFor(async () => {
      expect(await redis.zcount(PLACES, twoLivesLater + 600, '+inf')).toBe(2);
    }, WAIT);
    await refusesPlace(living);
    second.release();
    await vi.waitFor(async () => await admitted(living), WAIT);
  });

  it('takes places again that Redis has lost (it restarted empty while requests ran)', async () => {
    const limiter = await replica({ concurrent_requests: 1 }, {}, { leaseTtlMs: 600 });
    await admitted(limiter);
    await server.kill();
    await server.restart();
    await vi.waitFor(async () => expect(await redis.zcard(PLACES)).toBe(1), WAIT);
    await refusesPlace(limiter);
  });

  it('names a store that fails, since when and what becomes of requests, and finds without a request that it is back', async () => {
    const own = await startRedis();
    try {
      const limiter = await replica({ requests_per_minute: 100 }, { store: own.url, failurePolicy: 'open' }, { probeEveryMs: 20 });
      expect(limiter.failure()).toBeUndefined();
      const before = Date.now();
      await own.kill();
      (await admitted(limiter)).release();
      const failure = limiter.failure();
      expect(failure).toEqual({ since: expect.any(Number) as number, policy: 'open' });
      expect(failure?.since).toBeGreaterThanOrEqual(before);
      await own.restart();
      await expect.poll(() => limiter.failure(), { timeout: 30_000 }).toBeUndefined();
    } finally {
      await own.kill();
    }
  });

  it('while it is away, open admits and closed refuses, both at once and both reported', async () => {
    const reports: string[] = [];
    const onStoreFailure: LimiterOptions['onStoreFailure'] = ({ operation }) => void reports.push(operation);
    const away = 'redis://127.0.0.1:1';
    // So long that only a decision which does not wait for a connection comes in time.
    const timing = { storeTimeoutMs: 600_000 };
    const openLimiter = createLimiter({ clients: [{ name: 'a', limits: { requests_per_minute: 1 } }], store: away, scope: 'native', failurePolicy: 'open', onStoreFailure, timing });
    const closedLimiter = createLimiter({ clients: [{ name: 'a', limits: { concurrent_requests: 1 } }], store: away, scope: 'native', failurePolicy: 'closed', onStoreFailure, timing });
    open.push(openLimiter, closedLimiter);
    expect(await openLimiter.ready()).toBe(false);
    const started = performance.now();
    for (let request = 0; request < 20; request += 1) (await admitted(openLimiter)).release();
    expect(await closedLimiter.admit('a')).toEqual({ ok: false, limit: 'store_unavailable', retryAfterSeconds: 1 });
    expect(performance.now() - started).toBeLessThan(60_000);
    expect(reports.filter((operation) => operation === 'admit')).toHaveLength(21);
    expect(closedLimiter.held).toBe(0);
  });

  it('admits what fits into a token limit over all replicas, at once and to the token', async () => {
    const replicas = [await replica({ output_tokens_per_minute: 1000 }), await replica({ output_tokens_per_minute: 1000 })];
    const leases = await Promise.all(Array.from({ length: 60 }, (_, index) => admitted(replicas[index % 2] as Limiter)));
    const refusals = await Promise.all(leases.map(async (lease) => lease.reserve(tokens(0, 150))));
    const running = leases.filter((_, index) => refusals[index] === undefined);
    expect([running.length, replicas[0]?.reservations, replicas[1]?.reservations].reduce((sum, count) => (sum ?? 0) + (count ?? 0))).toBe(12);
    expect(refusals.find((refusal) => refusal !== undefined)).toEqual({ ok: false, limit: 'output_tokens_per_minute', retryAfterSeconds: 1 });
    const since = performance.now();
    for (const lease of running) lease.settle(tokens(0, 10));
    const after = await admitted(replicas[1] as Limiter);
    await vi.waitFor(async () => expect(await redis.hget(TOKENS, 'u2')).toBe('60'), WAIT);
    const refused = await after.reserve(tokens(0, 941));
    expect(refused).toMatchObject({ limit: 'output_tokens_per_minute', retryAfterSeconds: restOfMinute(since) });
    expect(await after.reserve(tokens(0, 940))).toBeUndefined();
    expect(await redis.hmget(TOKENS, 'r1', 'r2')).toEqual(['0', '940']);
  });

  it('forgets a window that has ended, and keeps what requests hold that have not', async () => {
    const timing = { windowSeconds: 1 };
    const limiter = await replica({ input_tokens_per_minute: 100, output_tokens_per_minute: 100 }, {}, timing);
    const long = await admitted(limiter);
    expect(await long.reserve(tokens(60, 0))).toBeUndefined();
    (await admitted(limiter)).settle(tokens(0, 100));
    await vi.waitFor(async () => expect(await limiter.admit('a')).toMatchObject({ limit: 'output_tokens_per_minute' }), WAIT);
    const next = await vi.waitFor(async () => await admitted(limiter), WAIT);
    expect(await next.reserve(tokens(41, 0))).toMatchObject({ limit: 'input_tokens_per_minute', retryAfterSeconds: 1 });
    expect(await next.reserve(tokens(40, 100))).toBeUndefined();
  });

  it('frees the tokens that a replica held which crashed, and keeps those of one that lives', async () => {
    const timing = { leaseTtlMs: 600 };
    const crashing = await replica({ output_tokens_per_minute: 100 }, {}, timing);
    const living = await replica({ output_tokens_per_minute: 100 }, {}, timing);
    expect(await (await admitted(crashing)).reserve(tokens(0, 60))).toBeUndefined();
    expect(await (await admitted(living)).reserve(tokens(0, 40))).toBeUndefined();
    crashing.close();
    await vi.waitFor(async () => expect(await (await admitted(living)).reserve(tokens(0, 60))).toBeUndefined(), WAIT);
    await vi.waitFor(async () => expect(await redis.hget(TOKENS, 'r2')).toBe('100'), WAIT);
    await vi.waitFor(async () => {
      const further = await admitted(living);
      const refusal = await further.reserve(tokens(0, 1));
      if (refusal === undefined) further.release();
      expect(refusal).toMatchObject({ ok: false });
    }, WAIT);
  });

  it('reserves tokens again that Redis has lost, and charges what they came to', async () => {
    const limiter = await replica({ output_tokens_per_minute: 100 }, {}, { leaseTtlMs: 600 });
    const lease = await admitted(limiter);
    await lease.reserve(tokens(0, 90));
    await server.kill();
    await server.restart();
    await vi.waitFor(async () => expect(await redis.hget(TOKENS, 'r2')).toBe('90'), WAIT);
    lease.settle(tokens(0, 95));
    await vi.waitFor(async () => expect(await redis.hmget(TOKENS, 'u2', 'r2')).toEqual(['95', '0']), WAIT);
  });

  it('settles a reservation once, though the answer to the first attempt never came', async () => {
    await using wire = await startCuttableWire(server.url);
    const limiter = await replica({ output_tokens_per_minute: 100 }, { store: wire.url }, { leaseTtlMs: 600, storeTimeoutMs: PATIENT_MS });
    const lease = await admitted(limiter);
    await lease.reserve(tokens(0, 90));
    wire.cutAtNextReply();
    lease.settle(tokens(0, 50));
    await wire.cut;
    expect(await redis.hmget(TOKENS, 'u2', 'r2')).toEqual(['50', '0']);
    await vi.waitFor(() => expect(wire.sent(SETTLE_TOKENS)).toBe(2), WAIT);
    await vi.waitFor(async () => expect(await (await admitted(limiter)).reserve(tokens(0, 50))).toBeUndefined(), WAIT);
    expect(await redis.hget(TOKENS, 'u2')).toBe('50');
  });

  it.each(['closed', 'open'] as const)('a hanging Redis: tokens reserved meanwhile are released in the end (%s)', async (failurePolicy) => {
    const limiter = await replica({ output_tokens_per_minute: 100 }, { failurePolicy }, { storeTimeoutMs: 200 });
    const lease = await admitted(limiter);
    server.freeze();
    const refusal = await lease.reserve(tokens(0, 100));
    if (failurePolicy === 'open') expect(refusal).toBeUndefined();
    else expect(refusal).toEqual({ ok: false, limit: 'store_unavailable', retryAfterSeconds: 1 });
    server.thaw();
    lease.release();
    await vi.waitFor(async () => expect(await (await admitted(limiter)).reserve(tokens(0, 100))).toBeUndefined(), WAIT);
    expect(limiter.reservations).toBe(1);
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

  it.each(['closed', 'open'] as const)('a hanging Redis: a place taken meanwhile is released in the end (%s)', async (failurePolicy) => {
    const limiter = await replica({ concurrent_requests: 1 }, { failurePolicy }, { storeTimeoutMs: 200 });
    server.freeze();
    const admission = await limiter.admit('a');
    expect(admission).toMatchObject(failurePolicy === 'open' ? { ok: true } : { ok: false, limit: 'store_unavailable' });
    server.thaw();
    if (admission.ok) {
      // The place was taken after all, and belongs to the request that was let through.
      await vi.waitFor(async () => expect(await redis.zcard(PLACES)).toBe(1), WAIT);
      admission.lease.release();
    }
    await vi.waitFor(async () => expect(await redis.zcard(PLACES)).toBe(0), WAIT);
    expect(limiter.held).toBe(0);
    await vi.waitFor(async () => (await admitted(limiter)).release(), WAIT);
  });

  it('counts for all workers together, so that no worker has only a part', async () => {
    const limiter = await replica({ requests_per_minute: 8 }, { share: { index: 1, count: 4 } });
    for (let request = 0; request < 8; request += 1) (await admitted(limiter)).release();
    expect(await limiter.admit('a')).toMatchObject({ limit: 'requests_per_minute' });
  });

  it('a failure observer that throws causes no further failure', async () => {
    const limiter = createLimiter({
      clients: [{ name: 'a', limits: { requests_per_minute: 1 } }], store: 'redis://127.0.0.1:1', scope: 'native',
      onStoreFailure: () => { throw new Error('observer'); },
    });
    open.push(limiter);
    expect(await limiter.admit('a')).toMatchObject({ ok: true });
  });
});
