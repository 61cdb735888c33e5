import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { JsonObject } from '../json.ts';
import { countInputTokens, promptSegments, type PromptSegment } from './count-tokens.ts';
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
  const visit = (prefix: string, lifetimeMs: number): boolean => {
    const isKnown = (expiries.get(prefix) ?? 0) > clock.now();
    expiries.delete(prefix);
    expiries.set(prefix, clock.now() + lifetimeMs);
    const [oldest] = expiries.keys();
    if (expiries.size > MAX_PREFIXES && oldest !== undefined) expiries.delete(oldest);
    return isKnown;
  };
  return {
    account: (model, request) => {
      const segments = promptSegments(request);
      if (segments.some((segment) => segment.breakpoint !== undefined)) return accountPrefixes(model, segments, visit);
      return { inputTokens: countInputTokens(request), cacheReadTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 };
    },
  };
}

/** Everything up to the last known breakpoint is read, what lies between that and the last one is written, the rest is neither. */
function accountPrefixes(model: string, segments: readonly PromptSegment[], visit: (prefix: string, lifetimeMs: number) => boolean): InputUsage {
  const hash = createHash('sha256').update(model);
  let tokens = TOKENS_OF_FRAME;
  let readTokens = 0;
  let markedTokens = 0;
  let written = { '5m': 0, '1h': 0 };
  for (const segment of segments) {
    tokens += segment.tokens;
    hash.update('\0').update(segment.text);
    if (segment.breakpoint === undefined) continue;
    if (visit(hash.copy().digest('base64'), LIFETIME_MS[segment.breakpoint])) {
      readTokens = tokens;
      written = { '5m': 0, '1h': 0 };
    } else {
      written[segment.breakpoint] += tokens - markedTokens;
    }
    markedTokens = tokens;
  }
  return {
    inputTokens: tokens - readTokens - written['5m'] - written['1h'],
    cacheReadTokens: readTokens, cacheWrite5mTokens: written['5m'], cacheWrite1hTokens: written['1h'],
  };
}
