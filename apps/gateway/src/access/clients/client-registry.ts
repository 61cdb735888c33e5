import { Buffer } from 'node:buffer';
import { hash, timingSafeEqual } from 'node:crypto';
import { CLIENT_KEY_PREFIX } from './client-key.ts';
import { createClientRules } from './client-rules.ts';
import { credentialSource, readCredentials } from './read-credentials.ts';
import { REFUSAL_MESSAGES } from './refusal.ts';
import type { ClientRules } from './client-rules.ts';
import type { CredentialSource, PresentedCredentials } from './read-credentials.ts';
import type { RefusalReason } from './refusal.ts';
import type { GatewayConfig } from '../../config/gateway-config.ts';
import type { Side } from '../../request/request-record.ts';

/** Name of callers while there are no clients. */
export const ANONYMOUS_CLIENT = 'anonymous';

/** Who is calling, or why that is refused. */
export type Authentication =
  | {
    readonly kind: 'client';
    /** The configured name, or `anonymous`. */
    readonly name: string;
    /** Absent for anonymous callers, which may use every route that is served. */
    readonly client?: ClientRules;
    readonly via: CredentialSource;
    /** Whether the client's own `x-api-key` and `authorization` lines go upstream. Otherwise neither does. */
    readonly forwardCredentials: boolean;
  }
  | {
    readonly kind: 'refused';
    readonly reason: RefusalReason;
    /** The message for the client. */
    readonly message: string;
  };

/** Knows the clients of one configuration; immutable, a reload makes a new one. */
export interface ClientRegistry {
  /** Whether callers need a key of the gateway's. */
  readonly requiresKey: boolean;
  /** Rules by client name. */
  readonly clients: ReadonlyMap<string, ClientRules>;
  /** Identifies the client by flat raw headers. The front door never forwards a client's credential. */
  authenticate(rawHeaders: readonly string[], side?: Side): Authentication;
}

const GATEWAY_KEY_INSIDE = new RegExp(`(?<![\\w-])${CLIENT_KEY_PREFIX}`);

interface Entry {
  readonly digest: Buffer;
  readonly rules: ClientRules;
}

/** Makes the registry of a configuration's clients. */
export function createClientRegistry(config: Pick<GatewayConfig, 'clients'> & { readonly anthropic_native: Pick<GatewayConfig['anthropic_native'], 'credentials'> }): ClientRegistry {
  const entries = new Map<string, Entry>(config.clients.map((client) => {
    const hexDigest = client.key_sha256.toLowerCase();
    return [hexDigest, { digest: Buffer.from(hexDigest, 'hex'), rules: createClientRules(client, config.clients.length) }];
  }));
  const requiresKey = config.clients.length > 0;

  function authenticate(rawHeaders: readonly string[], side: Side = 'native'): Authentication {
    if (side === 'native' && config.anthropic_native.credentials === 'forward') return authenticateForward(readCredentials(rawHeaders), entries, requiresKey);
    if (!requiresKey) return { kind: 'client', name: ANONYMOUS_CLIENT, via: 'none', forwardCredentials: false };
    return authenticateKey(readCredentials(rawHeaders), entries);
  }

  return { requiresKey, clients: new Map([...entries.values()].map(({ rules }) => [rules.name, rules])), authenticate };
}

/**
 * The gateway's key where nothing of the client's crosses. `x-penstock-key`, which exists for nothing else, decides alone; else the one
 * known key among the fields admits, whatever stands beside it: SDKs send a dummy key, shells an old one.
 */
function authenticateKey(presented: PresentedCredentials, entries: ReadonlyMap<string, Entry>): Authentication {
  if (presented.gatewayKeys.length > 0) return authenticateGatewayKey(presented.gatewayKeys, entries);
  const keys = [...presented.apiKeys, ...presented.bearers];
  let rules: ClientRules | undefined;
  for (const key of keys) {
    const known = findClient(key, entries);
    if (known === undefined) continue;
    if (rules !== undefined && known !== rules) return refuse('unequal_credentials');
    rules = known;
  }
  if (rules !== undefined) return { kind: 'client', name: rules.name, client: rules, via: credentialSource(presented), forwardCredentials: false };
  if (presented.hasOtherScheme) return refuse('malformed_credential');
  return refuse(keys.length === 0 ? 'no_credential' : 'unknown_key');
}

function authenticateGatewayKey([key = '', ...others]: readonly string[], entries: ReadonlyMap<string, Entry>): Authentication {
  if (others.some((other) => other !== key)) return refuse('unequal_credentials');
  const rules = findClient(key, entries);
  if (rules === undefined) return refuse('unknown_key');
  return { kind: 'client', name: rules.name, client: rules, via: 'x-penstock-key', forwardCredentials: false };
}

/** The client's own Anthropic credential, and with clients the gateway's key beside it. */
function authenticateForward(presented: PresentedCredentials, entries: ReadonlyMap<string, Entry>, requiresKey: boolean): Authentication {
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
    ? { kind: 'client', name: ANONYMOUS_CLIENT, via: credentialSource({ ...presented, gatewayKeys: [] }), forwardCredentials: true }
    : { kind: 'client', name: rules.name, client: rules, via, forwardCredentials: true };
}

/**
 * Whether a field that crosses would send a key of ours to Anthropic, also one that was withdrawn long ago, or one that was put into
 * `x-api-key` together with its scheme. Keys of Anthropic's are one word, so a boundary before the prefix separates them.
 */
function holdsGatewayKey(credential: string, entries: ReadonlyMap<string, Entry>): boolean {
  return GATEWAY_KEY_INSIDE.test(credential) || findClient(credential.replace(/^bearer\s+/i, ''), entries) !== undefined;
}

/**
 * Looks a key up by its SHA-256. How long the map takes may depend on the digest, but never on the key: to learn anything from it one
 * must choose digests, and a key whose digest starts with n wanted bits costs 2^n hashes, while the digest itself does not open
 * anything. The last comparison is over all 32 bytes in constant time.
 */
function findClient(key: string, entries: ReadonlyMap<string, Entry>): ClientRules | undefined {
  const digest = hash('sha256', Buffer.from(key, 'latin1'), 'buffer');
  const entry = entries.get(digest.toString('hex'));
  return entry !== undefined && timingSafeEqual(entry.digest, digest) ? entry.rules : undefined;
}

function refuse(reason: RefusalReason): Authentication {
  return { kind: 'refused', reason, message: REFUSAL_MESSAGES[reason] };
}
