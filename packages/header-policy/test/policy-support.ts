import { expect } from 'vitest';
import type { DroppedHeader, ForwardedRequestHeaders, HeaderViolation } from '../src/index.ts';

/** The forwarded half of a result; fails the test when the request was refused. */
export function forwarded(result: ForwardedRequestHeaders): { readonly headers: string[]; readonly dropped: readonly DroppedHeader[] } {
  if (!result.ok) expect.fail(`refused: ${result.violation.code} ${result.violation.message}`);
  return result;
}

/** The violation of a result; fails the test when the request was forwarded. */
export function refused(result: ForwardedRequestHeaders): HeaderViolation {
  if (result.ok) expect.fail(`forwarded: ${JSON.stringify(result.headers)}`);
  return result.violation;
}

/** Dropped fields as an object from name to reason. */
export function reasonsOf(dropped: readonly DroppedHeader[]): Record<string, string> {
  return Object.fromEntries(dropped.map(({ name, reason }) => [name, reason]));
}

/** The lowercase names of a flat array, in order. */
export function namesOf(headers: readonly string[]): string[] {
  return headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
}

/** The fields of one connection, written out again: a table tested against itself would not miss a row that it lost. */
export const HOP_BY_HOP_NAMES: readonly string[] = [
  'connection', 'close', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings', 'alpn', 'max-forwards',
  'proxy-authenticate', 'proxy-authentication-info',
];
