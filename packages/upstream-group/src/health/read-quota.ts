import { MAX_RETRY_AFTER_MS } from './retry-after.ts';

/** What is left of the quota that is nearest to its end. */
export interface Quota {
  /** Of the limit, from 0 to 1. */
  readonly share: number;
  /** When it is full again, in Unix milliseconds. */
  readonly resetsAt: number;
}

/** Reads what a response names of its upstream's quota; `undefined` where it names none. */
export type ReadQuota = (rawHeaders: readonly string[], now: number) => Quota | undefined;

const PREFIX = 'anthropic-ratelimit-';
const KINDS: readonly string[] = ['requests', 'tokens', 'input-tokens', 'output-tokens'];
/** Where no reset is named: the limits are by the minute. */
const DEFAULT_RESET_MS = 60_000;

/**
 * Reads the fields `anthropic-ratelimit-*` of the Anthropic API: of requests, tokens, input and output tokens the one of which the smallest share is
 * left. https://docs.anthropic.com/en/api/rate-limits#response-headers
 */
export function readAnthropicQuota(rawHeaders: readonly string[], now: number): Quota | undefined {
  let values: Map<string, string> | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length <= PREFIX.length || name.slice(0, PREFIX.length).toLowerCase() !== PREFIX) continue;
    values ??= new Map();
    values.set(name.slice(PREFIX.length).toLowerCase(), rawHeaders[index + 1] as string);
  }
  if (values === undefined) return undefined;
  let least: Quota | undefined;
  for (const kind of KINDS) {
    const quota = quotaOf(values, kind, now);
    if (quota !== undefined && (least === undefined || quota.share < least.share)) least = quota;
  }
  return least;
}

function quotaOf(values: ReadonlyMap<string, string>, kind: string, now: number): Quota | undefined {
  const limit = numberOf(values.get(`${kind}-limit`));
  const remaining = numberOf(values.get(`${kind}-remaining`));
  if (limit === undefined || limit <= 0 || remaining === undefined) return undefined;
  const reset = Date.parse(values.get(`${kind}-reset`) ?? '');
  const resetsAt = Number.isFinite(reset) && reset > now ? Math.min(reset, now + MAX_RETRY_AFTER_MS) : now + DEFAULT_RESET_MS;
  return { share: Math.min(remaining / limit, 1), resetsAt };
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined;
}
