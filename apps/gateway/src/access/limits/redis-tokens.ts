import type { Redis } from 'ioredis';
import type { TokenCounters } from './counter-store.ts';
import { TOKEN_LIMIT_NAMES, type TokenAmounts, type TokenReading } from './token-limits.ts';
import { READ_TOKENS, RENEW_TOKENS, RESERVE_TOKENS, SETTLE_TOKENS } from './token-scripts.ts';

/** How token counters are kept in Redis. */
export interface RedisTokensOptions {
  readonly keyPrefix: string;
  readonly windowMs: number;
  /** After this long without renewal a reservation is free again: its replica has crashed. */
  readonly leaseTtlMs: number;
}

const KEYS = 2;
/** Leases renewed in one script: it holds Redis while it runs. */
const RENEW_BATCH = 500;

/** A list in pieces that one script may take. */
export function batchesOf<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / RENEW_BATCH) }, (_, batch) => items.slice(batch * RENEW_BATCH, (batch + 1) * RENEW_BATCH));
}

function amountsOf(tokens: TokenAmounts): readonly number[] {
  return TOKEN_LIMIT_NAMES.map((name) => tokens[name]);
}

/** The reply of `READ_TOKENS`: ms to the end of the window, then used and reserved of each limit. */
function toReading(reply: unknown): TokenReading {
  const numbers = Array.isArray(reply) ? reply.map(Number) : [];
  if (numbers.length !== 1 + 2 * TOKEN_LIMIT_NAMES.length || !numbers.every(Number.isFinite)) throw new Error('the store of the limits gave a reply that cannot be read');
  const every = (at: number): TokenAmounts =>
    Object.fromEntries(TOKEN_LIMIT_NAMES.map((name, index) => [name, numbers[1 + 2 * index + at] ?? 0])) as TokenAmounts;
  return { resetsInMs: numbers[0] ?? 0, used: every(0), reserved: every(1) };
}

/** Token counters in a Redis that replicas share. */
export function createRedisTokens(redis: Redis, { keyPrefix, windowMs, leaseTtlMs }: RedisTokensOptions): TokenCounters {
  const keysOf = (key: string): [string, string] => [`${keyPrefix}:{${key}}`, `${keyPrefix}:{${key}}:leases`];
  return {
    readTokens: async (key) => toReading(await redis.eval(READ_TOKENS, KEYS, ...keysOf(key))),
    async reserveTokens(key, { leaseId, tokens }, limits) {
      const wanted = TOKEN_LIMIT_NAMES.flatMap((name) => [tokens[name], limits[name] ?? -1]);
      const reply = await redis.eval(RESERVE_TOKENS, KEYS, ...keysOf(key), leaseTtlMs, leaseId, ...wanted);
      return Array.isArray(reply) && reply.length === 0 ? undefined : toReading(reply);
    },
    async settleTokens(key, { leaseId, used, isRetry }) {
      await redis.eval(SETTLE_TOKENS, KEYS, ...keysOf(key), windowMs, leaseId, isRetry ? 1 : 0, ...amountsOf(used));
    },
    async renewTokens(key, reservations) {
      await Promise.all(batchesOf(reservations).map((batch) =>
        redis.eval(RENEW_TOKENS, KEYS, ...keysOf(key), leaseTtlMs, ...batch.flatMap(({ leaseId, tokens }) => [leaseId, ...amountsOf(tokens)]))));
    },
  };
}
