import { headerTimestamp, type Clock } from '../clock.ts';
import type { HeaderField } from './answer.ts';

/** The limits of one minute that the rate-limit headers count down from. */
export interface RateLimitOptions {
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What is left of the current minute. */
export interface RateLimits {
  /** Takes one request and its tokens from the window; false when a limit was already spent. */
  take(inputTokens: number, outputTokens: number): boolean;
  /** The `anthropic-ratelimit-*` fields as they stand. */
  headers(): HeaderField[];
  /** Whole seconds until the window starts again, at least 1. */
  retryAfterSeconds(): number;
}

const WINDOW_MS = 60_000;

/** Creates a fixed one-minute window that starts with the first request. */
export function createRateLimits(limits: RateLimitOptions, clock: Clock): RateLimits {
  let windowEnd = 0;
  let used = { requests: 0, inputTokens: 0, outputTokens: 0 };
  const renew = (): void => {
    if (clock.now() < windowEnd) return;
    windowEnd = clock.now() + WINDOW_MS;
    used = { requests: 0, inputTokens: 0, outputTokens: 0 };
  };
  const family = (name: string, limit: number, remaining: number): HeaderField[] => [
    [`anthropic-ratelimit-${name}-limit`, String(limit)],
    [`anthropic-ratelimit-${name}-remaining`, String(remaining)],
    [`anthropic-ratelimit-${name}-reset`, headerTimestamp(windowEnd)],
  ];
  return {
    take: (inputTokens, outputTokens) => {
      renew();
      if (used.requests >= limits.requests || used.inputTokens >= limits.inputTokens || used.outputTokens >= limits.outputTokens) return false;
      used = { requests: used.requests + 1, inputTokens: used.inputTokens + inputTokens, outputTokens: used.outputTokens + outputTokens };
      return true;
    },
    headers: () => {
      renew();
      const input = whatIsLeft(limits.inputTokens, used.inputTokens);
      const output = whatIsLeft(limits.outputTokens, used.outputTokens);
      return [
        ...family('input-tokens', limits.inputTokens, wholeThousands(input)),
        ...family('output-tokens', limits.outputTokens, wholeThousands(output)),
        ...family('requests', limits.requests, whatIsLeft(limits.requests, used.requests)),
        ...family('tokens', limits.inputTokens + limits.outputTokens, wholeThousands(input + output)),
      ];
    },
    retryAfterSeconds: () => { renew(); return Math.max(1, Math.ceil((windowEnd - clock.now()) / 1000)); },
  };
}

function whatIsLeft(limit: number, taken: number): number {
  return Math.max(0, limit - taken);
}

/** The API rounds what is left of a token limit. */
function wholeThousands(tokens: number): number {
  return Math.floor(tokens / 1_000) * 1_000;
}
