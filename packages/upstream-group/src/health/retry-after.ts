/** The longest `retry-after` that is believed, in milliseconds: an hour. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * The span that `retry-after` names, in milliseconds from `now` (Unix milliseconds): seconds or a date (RFC 9110, section 10.2.3). 0 where it names none
 * that lies ahead; never more than `MAX_RETRY_AFTER_MS`.
 */
export function readRetryAfter(rawHeaders: readonly string[], now: number): number {
  const text = fieldOf(rawHeaders, 'retry-after')?.trim();
  if (text === undefined) return 0;
  // `Date.parse` takes numbers and fragments for dates, too; a date of HTTP begins with the name of a day.
  const span = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1_000 : (/^[A-Za-z]{3}/.test(text) ? Date.parse(text) - now : 0);
  return Number.isFinite(span) ? Math.min(Math.max(span, 0), MAX_RETRY_AFTER_MS) : 0;
}

/** The first value of a field; `name` in lower case. */
export function fieldOf(rawHeaders: readonly string[], name: string): string | undefined {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const field = rawHeaders[index] as string;
    if (field.length === name.length && field.toLowerCase() === name) return rawHeaders[index + 1];
  }
  return undefined;
}
