import { performance } from 'node:perf_hooks';
import type { TokenCounters } from './counter-store.ts';
import { limitWithoutRoom, NO_TOKENS, type TokenAmounts, type TokenReading } from './token-limits.ts';

interface ClientTokens {
  /** On the monotonic clock; a window that has ended counts nothing. */
  windowEndsAt: number;
  used: TokenAmounts;
  reserved: TokenAmounts;
  readonly leases: Map<string, TokenAmounts>;
}

function plus(left: TokenAmounts, right: TokenAmounts, sign: 1 | -1 = 1): TokenAmounts {
  return {
    input_tokens_per_minute: left.input_tokens_per_minute + sign * right.input_tokens_per_minute,
    output_tokens_per_minute: left.output_tokens_per_minute + sign * right.output_tokens_per_minute,
  };
}

/** How many old entries are looked at when one is added: what counts nothing any more goes, and no sweep is needed. */
const SWEPT_EACH_TIME = 2;

/** Token counters of this process. A reservation of this process cannot outlive it, so none expires. */
export function createMemoryTokens(windowSeconds: number): TokenCounters & { readonly size: number } {
  const clients = new Map<string, ClientTokens>();

  function open(key: string): ClientTokens {
    let tokens = clients.get(key);
    if (tokens === undefined) {
      sweep();
      tokens = { windowEndsAt: 0, used: NO_TOKENS, reserved: NO_TOKENS, leases: new Map() };
      clients.set(key, tokens);
    }
    return tokens;
  }

  /** Persons are many, and a subject of a workload may never call again. What is still in use goes to the end, behind what was not looked at. */
  function sweep(): void {
    let looked = 0;
    for (const [key, tokens] of clients) {
      if (looked >= SWEPT_EACH_TIME) break;
      looked += 1;
      clients.delete(key);
      if (tokens.leases.size > 0 || tokens.windowEndsAt > performance.now()) clients.set(key, tokens);
    }
  }

  function read(tokens: ClientTokens): TokenReading {
    const resetsInMs = Math.max(0, tokens.windowEndsAt - performance.now());
    return { used: resetsInMs > 0 ? tokens.used : NO_TOKENS, reserved: tokens.reserved, resetsInMs };
  }

  return {
    async readTokens(key) {
      const tokens = clients.get(key);
      return tokens === undefined ? undefined : read(tokens);
    },
    async reserveTokens(key, { leaseId, tokens: wanted }, limits) {
      const tokens = open(key);
      const reading = read(tokens);
      if (limitWithoutRoom(reading, wanted, limits) !== undefined) return reading;
      tokens.leases.set(leaseId, wanted);
      tokens.reserved = plus(tokens.reserved, wanted);
      return undefined;
    },
    async settleTokens(key, { leaseId, used, isRetry }) {
      const tokens = open(key);
      const held = tokens.leases.get(leaseId);
      if (held === undefined && isRetry) return;
      if (held !== undefined && tokens.leases.delete(leaseId)) tokens.reserved = plus(tokens.reserved, held, -1);
      const now = performance.now();
      if (tokens.windowEndsAt <= now) {
        // What never was used leaves nothing behind: neither a window that began nor an entry.
        if (used.input_tokens_per_minute === 0 && used.output_tokens_per_minute === 0) {
          if (tokens.leases.size === 0) clients.delete(key);
          return;
        }
        tokens.windowEndsAt = now + windowSeconds * 1000;
        tokens.used = NO_TOKENS;
      }
      tokens.used = plus(tokens.used, used);
    },
    async renewTokens() {},
    get size() {
      return clients.size;
    },
  };
}
