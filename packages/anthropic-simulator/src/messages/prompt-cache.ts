import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { JsonObject } from '../json.ts';
import { countInputTokens, promptSegments } from './count-tokens.ts';
import type { InputUsage } from './message-plan.ts';

/** Remembers the prefixes that were marked with `cache_control`, as the API's prompt cache does. */
export interface PromptCache {
  /** The input tokens of a request, split into read, written and neither; writes the marked prefixes. */
  account(model: string, request: JsonObject): InputUsage;
}

const LIFETIME_MS = { '5m': 300_000, '1h': 3_600_000 } as const;
const MAX_PREFIXES = 10_000;
const TOKENS_OF_FRAME = 3;

/** Creates an empty cache; a request without `cache_control` neither reads nor writes it. */
export function createPromptCache(clock: Clock): PromptCache {
  const expiries = new Map<string, number>();
  const remember = (key: string, lifetimeMs: number): void => {
    expiries.delete(key);
    expiries.set(key, clock.now() + lifetimeMs);
    const oldest = expiries.keys().next().value;
    if (expiries.size > MAX_PREFIXES && oldest !== undefined) expiries.delete(oldest);
  };
  return {
    account: (model, request) => {
      const segments = promptSegments(request);
      if (!segments.some((segment) => segment.breakpoint !== undefined)) {
        return { inputTokens: countInputTokens(request), cacheReadTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 };
      }
      const hash = createHash('sha256').update(model);
      let tokens = TOKENS_OF_FRAME;
      let readTokens = 0;
      let writtenUpTo = 0;
      const written = { '5m': 0, '1h': 0 };
      for (const segment of segments) {
        tokens += segment.tokens;
        hash.update('\0').update(segment.text);
        if (segment.breakpoint === undefined) continue;
        const key = hash.copy().digest('base64');
        const isKnown = (expiries.get(key) ?? 0) > clock.now();
        if (isKnown) {
          readTokens = tokens;
          written['5m'] = 0;
          written['1h'] = 0;
        } else {
          written[segment.breakpoint] += tokens - Math.max(writtenUpTo, readTokens);
        }
        writtenUpTo = tokens;
        remember(key, LIFETIME_MS[segment.breakpoint]);
      }
      return {
        inputTokens: tokens - readTokens - written['5m'] - written['1h'],
        cacheReadTokens: readTokens, cacheWrite5mTokens: written['5m'], cacheWrite1hTokens: written['1h'],
      };
    },
  };
}
