import type { IncomingHttpHeaders } from 'node:http';
import type { ResolvedLimits } from '../options.ts';

/** Longer reason phrases have no use and are a sign of garbage. */
const MAX_REASON_LENGTH = 512;

/**
 * Says why a final response head must not be relayed, or `undefined` when it may be.
 *
 * Refused: a status outside 200-599, every redirect (the client would follow it past us), a transfer coding other than
 * exactly `chunked` (RFC 9112 section 6.1: we could not tell where the body ends), and heads beyond the limits.
 */
export function lintResponseHead(
  status: number, headers: IncomingHttpHeaders, rawHeaders: unknown, statusMessage: string | undefined, limits: ResolvedLimits,
): string | undefined {
  if (status < 200 || status > 599) return `status ${status}`;
  if (status >= 300 && status < 400 && status !== 304) return `redirect ${status}`;
  const coding: unknown = isTextList(rawHeaders) ? readTransferCoding(rawHeaders) : headers['transfer-encoding'];
  if (coding !== undefined && (typeof coding !== 'string' || coding.toLowerCase() !== 'chunked')) return 'transfer-encoding is not exactly chunked';
  if (Array.isArray(rawHeaders) && rawHeaders.length / 2 > limits.maxHeaders) return `more than ${limits.maxHeaders} header fields`;
  if (statusMessage !== undefined && statusMessage.length > MAX_REASON_LENGTH) return 'reason phrase too long';
  return undefined;
}

/** Decoded fields, which undici did not make an object of. */
function isTextList(rawHeaders: unknown): rawHeaders is readonly string[] {
  return Array.isArray(rawHeaders) && typeof rawHeaders[0] === 'string';
}

/** `undefined` without one; several are joined (RFC 9110 section 5.3). */
function readTransferCoding(fields: readonly string[]): string | undefined {
  let coding: string | undefined;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    if (name.length !== 17 || name.toLowerCase() !== 'transfer-encoding') continue;
    const value = fields[index + 1] as string;
    coding = coding === undefined ? value : `${coding}, ${value}`;
  }
  return coding;
}
