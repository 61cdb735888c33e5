import { acceptClient, ANONYMOUS_CLIENT, refuse, type Authentication } from './authentication.ts';
import { CLIENT_KEY_PREFIX } from './client-key.ts';
import type { ClientRules } from './client-rules.ts';
import { findClient, hasExpired, isKnown, type ClientEntries } from './find-client.ts';
import { credentialSource, type PresentedCredentials } from './read-credentials.ts';

const GATEWAY_KEY_INSIDE = new RegExp(`(?<![\\w-])${CLIENT_KEY_PREFIX}`);

/**
 * The gateway's key where nothing of the client's crosses. `x-penstock-key`, which exists for nothing else, decides alone; else the one
 * known key among the fields admits, whatever stands beside it: SDKs send a dummy key, shells an old one.
 */
export function authenticateKey(presented: PresentedCredentials, entries: ClientEntries): Authentication {
  if (presented.gatewayKeys.length > 0) return authenticateGatewayKey(presented.gatewayKeys, entries);
  const keys = [...presented.apiKeys, ...presented.bearers];
  let rules: ClientRules | undefined;
  for (const key of keys) {
    const known = findClient(key, entries);
    if (known === undefined) continue;
    if (rules !== undefined && known !== rules) return refuse('unequal_credentials');
    rules = known;
  }
  if (rules !== undefined) return acceptClient(rules, credentialSource(presented));
  if (presented.hasOtherScheme) return refuse('malformed_credential');
  return keys.length === 0 ? refuse('no_credential') : refuseKeys(keys, entries);
}

function authenticateGatewayKey([key = '', ...others]: readonly string[], entries: ClientEntries): Authentication {
  if (others.some((other) => other !== key)) return refuse('unequal_credentials');
  const rules = findClient(key, entries);
  if (rules === undefined) return refuseKeys([key], entries);
  return acceptClient(rules, 'x-penstock-key');
}

/** Only the holder of an expired key reads that there was one. */
function refuseKeys(keys: readonly string[], entries: ClientEntries): Authentication {
  return refuse(keys.some((key) => hasExpired(key, entries)) ? 'key_expired' : 'unknown_key');
}

/** The client's own Anthropic credential, and with clients the gateway's key beside it. */
export function authenticateForward(presented: PresentedCredentials, entries: ClientEntries, requiresKey: boolean): Authentication {
  const own = [...presented.apiKeys, ...presented.bearers];
  if (own.some((credential) => holdsGatewayKey(credential, entries))) return refuse('gateway_key_misplaced');
  if (presented.hasOtherScheme) return refuse('malformed_credential');
  if (new Set(own).size > 1) return refuse('unequal_credentials');
  let rules: ClientRules | undefined;
  if (requiresKey) {
    if (presented.gatewayKeys.length === 0) return refuse('no_gateway_key');
    const gateway = authenticateGatewayKey(presented.gatewayKeys, entries);
    if (gateway.kind === 'refused') return gateway;
    rules = gateway.client;
  }
  if (own.length === 0) return refuse('no_upstream_credential');
  const via = credentialSource(presented);
  return rules === undefined
    ? { kind: 'client', name: ANONYMOUS_CLIENT, counterKey: ANONYMOUS_CLIENT, via: credentialSource({ ...presented, gatewayKeys: [] }), forwardCredentials: true }
    : { ...acceptClient(rules, via), forwardCredentials: true };
}

/**
 * Whether a field that crosses would send a key of ours to Anthropic, also one that was withdrawn long ago, or one that was put into
 * `x-api-key` together with its scheme. Keys of Anthropic's are one word, so a boundary before the prefix separates them.
 */
function holdsGatewayKey(credential: string, entries: ClientEntries): boolean {
  return GATEWAY_KEY_INSIDE.test(credential) || isKnown(credential.replace(/^bearer\s+/i, ''), entries);
}
