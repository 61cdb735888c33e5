/** A field of one quota: of a key, as `anthropic-ratelimit-requests-reset`, or of a window of a subscription, as `anthropic-ratelimit-unified-5h-reset`. */
const FIELD = /^anthropic-((?:ratelimit|priority|fast)-[a-z0-9_-]{1,40})-(remaining|reset|status|utilization)$/;

/** What a response named of one quota. */
interface NamedQuota {
  isSpent: boolean;
  resetsAt: number | undefined;
}

/**
 * When the quotas that a 429 names as spent are full again: the latest of their resets, or the end of `retry-after` (RFC 9110, section 10.2.3) where it
 * names no such reset. Times are Unix milliseconds; `undefined` where nothing is named that lies ahead.
 *
 * https://docs.anthropic.com/en/api/rate-limits#response-headers
 */
export function readQuotaReset(rawHeaders: readonly string[], now: number): number | undefined {
  const quotas = new Map<string, NamedQuota>();
  let retryAt: number | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const text = (rawHeaders[index + 1] ?? '').trim();
    if (name === 'retry-after') retryAt = readRetryAfter(text, now);
    const [, quota, kind] = FIELD.exec(name) ?? [];
    if (quota === undefined) continue;
    const named = quotas.get(quota) ?? { isSpent: false, resetsAt: undefined };
    quotas.set(quota, named);
    if (kind === 'reset') named.resetsAt = readTime(text);
    else if (isSpentBy(kind, text)) named.isSpent = true;
  }
  const resets = [...quotas.values()].flatMap(({ isSpent, resetsAt }) => (isSpent && resetsAt !== undefined && resetsAt > now ? [resetsAt] : []));
  if (resets.length > 0) return Math.max(...resets);
  return retryAt !== undefined && retryAt > now ? retryAt : undefined;
}

function isSpentBy(kind: string | undefined, text: string): boolean {
  if (kind === 'status') return text === 'rejected';
  if (text === '') return false;
  return kind === 'remaining' ? Number(text) <= 0 : Number(text) >= 1;
}

/** RFC 3339 (quotas of a key) or Unix seconds (windows of a subscription). */
function readTime(text: string): number | undefined {
  return finite(/^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text));
}

/** Seconds, or a date of HTTP. */
function readRetryAfter(text: string, now: number): number | undefined {
  return finite(/^\d+(?:\.\d+)?$/.test(text) ? now + Number(text) * 1_000 : Date.parse(text));
}

function finite(time: number): number | undefined {
  return Number.isFinite(time) ? time : undefined;
}
