import { createRequire } from 'node:module';
import type { Redis } from 'ioredis';
import { RENEW_PLACES, TAKE_PLACE } from './lease-scripts.ts';
import { batchesOf, createRedisTokens } from './redis-tokens.ts';
import type { CounterStore } from './counter-store.ts';

/** How a shared store is reached. */
export interface RedisStoreOptions {
  /** A redis:// or rediss:// URL. */
  readonly url: string;
  readonly keyPrefix: string;
  readonly windowSeconds: number;
  /** Longest wait for one command. */
  readonly commandTimeoutMs: number;
  /** After this long without renewal a place is free again: its replica has crashed. */
  readonly leaseTtlMs: number;
}

const MAX_RECONNECT_DELAY_MS = 2_000;
const MAX_CONNECT_MS = 1_000;
const DISCONNECT_MS = 250;
const COMMAND_TIMEOUT_FACTOR = 4;

/** Counters in a Redis that replicas share. It connects on its own, again and again; while it cannot, every method rejects at once. */
export function createRedisStore({ url, keyPrefix, windowSeconds, commandTimeoutMs, leaseTtlMs }: RedisStoreOptions): CounterStore {
  // Loaded only where limits are shared: it costs every other gateway 6 MB.
  const require = createRequire(import.meta.url);
  const ioredis = require('ioredis') as typeof import('ioredis');
  const { RateLimiterRedis } = require('rate-limiter-flexible') as typeof import('rate-limiter-flexible');
  const redis = new ioredis.Redis(url, {
    // The guard decides when a step took too long; this is only so that no command is remembered for ever.
    commandTimeout: commandTimeoutMs * COMMAND_TIMEOUT_FACTOR,
    connectTimeout: MAX_CONNECT_MS,
    // Explicit, because NODE_TLS_REJECT_UNAUTHORIZED may have switched verification off; and for any case of the scheme.
    ...(new URL(url).protocol === 'rediss:' ? { tls: { rejectUnauthorized: true } } : {}),
    // It keeps a process that ends, also where the connection is gone already.
    disconnectTimeout: DISCONNECT_MS,
    // A request must not wait for a connection, nor be counted twice by a command that is sent again.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: true,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS),
    // After a failover the old primary answers READONLY; a new connection finds the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  // Failures are reported by the commands that meet them; without a listener ioredis would write them to the console. A connection
  // whose replies cannot be read is cut: ioredis would only close its side, read on for two seconds, and take every further piece
  // for a new failure with a timer and a listener of its own.
  redis.on('error', () => redis.stream?.destroy());
  const windows = new RateLimiterRedis({ storeClient: redis, keyPrefix, points: Number.MAX_SAFE_INTEGER, duration: windowSeconds });
  const nameOf = (key: string): string => `${keyPrefix}:${key}`;

  return {
    ...createRedisTokens(redis, { keyPrefix, windowMs: windowSeconds * 1000, leaseTtlMs }),
    async add(key, amount) {
      const { consumedPoints, msBeforeNext } = await windows.penalty(key, amount);
      return { consumed: consumedPoints, resetsInMs: msBeforeNext };
    },
    async take(key, limit, leaseId) {
      return await redis.eval(TAKE_PLACE, 1, nameOf(key), limit, leaseTtlMs, leaseId) === 1;
    },
    async giveBack(key, leaseId) {
      await redis.zrem(nameOf(key), leaseId);
    },
    async renew(key, leaseIds) {
      // All batches leave at once: one sent later could take again what has been given back in between.
      await Promise.all(batchesOf(leaseIds).map((batch) => redis.eval(RENEW_PLACES, 1, nameOf(key), leaseTtlMs, ...batch)));
    },
    ready: async () => await waitUntilReady(redis),
    close: () => redis.disconnect(),
  };
}

async function waitUntilReady(redis: Redis): Promise<boolean> {
  if (redis.status === 'ready') return true;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const onReady = (): void => resolve(true);
  const timer = setTimeout(() => resolve(false), MAX_CONNECT_MS);
  redis.once('ready', onReady);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    redis.off('ready', onReady);
  }
}
