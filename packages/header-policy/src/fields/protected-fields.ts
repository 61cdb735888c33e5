import { compileFieldPatterns, type FieldPatterns } from '../rules/field-pattern.ts';
import type { DropReason } from '../messages/dropped-header.ts';
import { HOP_BY_HOP_FIELDS } from './hop-by-hop-fields.ts';

/** The credentials that `forwardCredentials` lets through under the name they came with. */
export const FORWARDABLE_CREDENTIALS: readonly string[] = ['authorization', 'x-api-key'];

/** Fields of which two lines mean two different requests to two readers, whatever the rules say. */
export const SINGLETON_FIELDS: readonly string[] = ['authorization', 'content-length', 'content-type', 'host', 'x-api-key'];

/**
 * Fields that a client may not have removed by nominating them in `Connection`: framing, meaning of the body, authentication,
 * and `via`, without which a loop would go unseen. A sender must not nominate them (RFC 9110 §7.6.1).
 */
export const RELIED_ON_FIELDS: readonly string[] = [
  'authorization', 'cache-control', 'content-encoding', 'content-length', 'content-type', 'host', 'transfer-encoding', 'via', 'x-api-key',
];

// Keys of other services that turn up in custom headers; with an allow-list of "*" they would reach an origin they were not issued for.
const CREDENTIALS = compileFieldPatterns('credentials', [
  ...FORWARDABLE_CREDENTIALS, 'api-key', 'x-goog-api-key', 'x-auth-token', 'x-access-token', 'x-amz-security-token',
  // Belongs to the hop in a proxy chain too (RFC 9110 §11.7.2), but what matters about its loss is that it is a secret.
  'proxy-authorization',
]);

const COOKIES = compileFieldPatterns('cookies', ['cookie', 'cookie2', 'set-cookie', 'set-cookie2']);

// Where a request came from: private to the client's side, and forgeable. `x-original-*` and `x-rewrite-url` override the path on some origins.
const FORWARDING = compileFieldPatterns('forwarding', [
  'forwarded', 'x-forwarded', 'x-forwarded-*', 'x-forwarder-for', 'x-real-ip', 'x-client-ip', 'client-ip', 'x-cluster-client-ip', 'x-remote-ip',
  'x-remote-addr', 'true-client-ip', 'fastly-client-ip', 'fly-client-ip', 'x-azure-clientip', 'x-azure-socketip', 'x-envoy-external-address',
  'x-original-*', 'x-rewrite-url', 'x-host', 'cf-*', 'cdn-loop',
]);

// Names this hop's target or describes how its message is sent. `expect` is answered here (RFC 9110 §10.1.1); undici refuses to send it.
const REQUEST_FRAMING: ReadonlySet<string> = new Set(['host', 'content-length', 'expect']);

// A response that has it makes node:http flush its head at once, as UTF-8, so that every 8-bit character would be changed (measured on 26.10).
const RESPONSE_FRAMING: ReadonlySet<string> = new Set(['expect']);

/** Which way a message goes: some fields are private in one direction and harmless in the other. */
export type Direction = 'request' | 'response';

/** The reason no rule may let a field cross, or `undefined` where the rules decide. */
export function protectedReason(name: string, direction: Direction, internal: FieldPatterns): DropReason | undefined {
  // Some servers read `x_api_key` as `x-api-key` (CGI, RFC 3875 §4.1.18), so both spellings are protected alike.
  const canonical = name.includes('_') ? name.replaceAll('_', '-') : name;
  if (HOP_BY_HOP_FIELDS.has(canonical)) return 'hop_by_hop';
  if (internal.matches(canonical)) return 'internal';
  if (CREDENTIALS.matches(canonical)) return 'credential';
  if (COOKIES.matches(canonical)) return 'cookie';
  // The true length has its own spelling, and is written anew.
  if (direction === 'response') return RESPONSE_FRAMING.has(canonical) || (canonical === 'content-length' && canonical !== name) ? 'framing' : undefined;
  if (FORWARDING.matches(canonical)) return 'forwarding';
  return REQUEST_FRAMING.has(canonical) ? 'framing' : undefined;
}
