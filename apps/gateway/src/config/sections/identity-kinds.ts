import type { z } from 'zod';
import { isForbiddenHost } from '../../access/identity/forbidden-address.ts';
import { isLoopbackHost, isPlainLoopbackHost } from '../loopback.ts';
import { checkedText } from './field-kinds.ts';

const ISSUER_EXPECTED = 'an https:// URL without credentials, query or fragment, or an http:// one of a loopback host';
const ADDRESS_EXPECTED = 'a URL of no link-local or metadata address, at which no issuer stands';
const PROVIDER_EXPECTED = 'an https:// URL, or an http:// one of localhost or of a loopback address';
const CLAIM_EXPECTED = 'the name of a claim, of at most 256 characters';
const GLOB_EXPECTED = 'a pattern of at most 1024 characters that holds another one than *';
const ORIGIN_EXPECTED = 'an https:// origin without a path, or an http:// one of a loopback host';

/** The URL of an issuer or of its keys: what it serves decides who may call, so it is encrypted unless it never leaves this machine. */
export function issuerUrl(): z.ZodString {
  return checkedText(ISSUER_EXPECTED, isIssuerUrl).refine((value) => !isIssuerUrl(value) || !isForbiddenHost(new URL(value).hostname), { error: ADDRESS_EXPECTED });
}

/** The URL of the provider that people sign in with: its package asks no other name of this machine unencrypted. */
export function providerUrl(): z.ZodString {
  return issuerUrl().refine((value) => !isIssuerUrl(value) || value.startsWith('https:') || isPlainLoopbackHost(new URL(value).hostname), { error: PROVIDER_EXPECTED });
}

function isIssuerUrl(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || url.username !== '' || url.password !== '' || /[?#\s\\]/.test(value)) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
}

/** The origin under which people reach this gateway. */
export function publicOrigin(): z.ZodString {
  return checkedText(ORIGIN_EXPECTED, (value) => isIssuerUrl(value) && URL.parse(value)?.origin === value);
}

/** The name of a claim, as it stands at the top of a token's payload. */
export function claimName(): z.ZodString {
  return checkedText(CLAIM_EXPECTED, (value) => value.length <= 256);
}

/** A pattern for the value of a claim. */
export function globOfClaim(): z.ZodString {
  return checkedText(GLOB_EXPECTED, (value) => value.length <= 1_024 && /[^*]/.test(value));
}
