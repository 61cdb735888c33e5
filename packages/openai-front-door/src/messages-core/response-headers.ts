import { headerValue, type RawHeaders } from '../backend.ts';

const CARRIED: ReadonlySet<string> = new Set(['retry-after', 'retry-after-ms', 'x-should-retry', 'request-id']);
const RATE_LIMIT = /^anthropic-ratelimit-(requests|tokens)-(limit|remaining|reset)$/;

/** Whether a field of the upstream's answer is handed on by a translated one, under its name; compared in small letters. */
export function isTranslatedResponseField(name: string): boolean {
  return CARRIED.has(name) || name.startsWith('anthropic-ratelimit-');
}

/**
 * The header fields of a translated answer: the upstream's retry hints and ids, its rate limits under their own names and
 * under OpenAI's (`x-ratelimit-remaining-tokens`; the reset stays the RFC 3339 date it is), as flat name, value, ….
 * OpenAI's clients read the id of a request from `x-request-id`: where the upstream gave none it is `ownId`.
 */
export function translateResponseHeaders(rawHeaders: RawHeaders, ownId: string | undefined): string[] {
  const headers: string[] = [];
  if (ownId !== undefined && headerValue(rawHeaders, 'request-id') === undefined) headers.push('x-request-id', ownId);
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    const value = rawHeaders[index + 1] ?? '';
    if (isTranslatedResponseField(name)) headers.push(name, value);
    if (name === 'request-id') headers.push('x-request-id', value);
    const limit = RATE_LIMIT.exec(name);
    if (limit !== null) headers.push(`x-ratelimit-${limit[2]}-${limit[1]}`, value);
  }
  return headers;
}

const MAX_REPORTED = 40;
const LONGEST_NAME = 64;

/** The value of `x-penstock-ignored-params`: names only, made safe for a header field and bounded. */
export function ignoredParamsHeader(params: readonly string[]): string {
  const names = params.slice(0, MAX_REPORTED).map((param) => param.slice(0, LONGEST_NAME).replaceAll(/[^A-Za-z0-9_.[\]-]/g, '_'));
  return (params.length > MAX_REPORTED ? [...names, `and_${params.length - MAX_REPORTED}_more`] : names).join(', ');
}
