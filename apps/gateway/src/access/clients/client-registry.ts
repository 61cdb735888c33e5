import { Buffer } from 'node:buffer';
import { hash, timingSafeEqual } from 'node:crypto';
import { CLIENT_KEY_PREFIX } from './client-key.ts';
import { createClientRules } from './client-rules.ts';
import { credentialSource, readCredentials } from './read-credentials.ts';
import { REFUSALS } from './refusal.ts';
import type { ClientRules } from './client-rules.ts';
import type { CredentialSource, PresentedCredentials } from './read-credentials.ts';
import type { RefusalAnswer, RefusalReason } from './refusal.ts';
import type { BearerAuthority, Identified } from '../identity/bearer-authority.ts';
import type { Person } from '../identity/principal.ts';
import { createPolicyBook } from '../policies/policy-book.ts';
import type { GatewayConfig } from '../../config/gateway-config.ts';
import type { Side } from '../../request/request-record.ts';

/** Name of callers while there are no clients. */
export const ANONYMOUS_CLIENT = 'anonymous';

/** Who is calling, or why that is refused. */
export type Authentication =
  | {
    readonly kind: 'client';
    /** The configured name, or `anonymous`; of a person the policy's: the label in metrics, and whose limits hold. */
    readonly name: string;
    /** What the limits are counted by: the name, or a key of the person. */
    readonly counterKey: string;
    /** Absent for clients. */
    readonly person?: Person;
    /** Absent for anonymous callers, which may use every route that is served. */
    readonly client?: ClientRules;
    readonly via: CredentialSource;
    /** Whether the client's own `x-api-key` and `authorization` lines go upstream. Otherwise neither does. */
    readonly forwardCredentials: boolean;
  }
  | {
    readonly kind: 'refused';
    readonly reason: RefusalReason;
    readonly answer: RefusalAnswer;
    /** Who was refused, where a token proved it. */
    readonly person?: Person;
  };

type Refused = Extract<Authentication, { kind: 'refused' }>;

/** Knows the callers of one configuration; immutable, a reload makes a new one. */
export interface ClientRegistry {
  /** Whether callers need a key of the gateway's. */
  readonly requiresKey: boolean;
  /** Rules by client name. */
  readonly clients: ReadonlyMap<string, ClientRules>;
  /** Identifies the caller by flat raw headers; later for a token that must be verified first. The front door never forwards a client's credential. */
  authenticate(rawHeaders: readonly string[], side?: Side): Authentication | Promise<Authentication>;
}

const GATEWAY_KEY_INSIDE = new RegExp(`(?<![\\w-])${CLIENT_KEY_PREFIX}`);

interface Entry {
  readonly digest: Buffer;
  readonly rules: ClientRules;
}

type Entries = ReadonlyMap<string, Entry>;

/** The part of a configuration that says who may call. */
export interface RegistryConfig extends Pick<GatewayConfig, 'clients' | 'policies'> {
  readonly anthropic_native: Pick<GatewayConfig['anthropic_native'], 'credentials'>;
}

/** Makes the registry of a configuration's clients. With an authority their bearers may be persons' tokens as well, and no caller is anonymous. */
export function createClientRegistry(config: RegistryConfig, authority?: BearerAuthority): ClientRegistry {
  const policies = createPolicyBook(config.policies);
  // Persons share the workspace with the clients, and no configuration counts them.
  const callers = authority === undefined ? config.clients.length : Number.POSITIVE_INFINITY;
  const entries = new Map<string, Entry>(config.clients.map((client) => {
    const hexDigest = client.key_sha256.toLowerCase();
    return [hexDigest, { digest: Buffer.from(hexDigest, 'hex'), rules: createClientRules(policies.forClient(client), callers) }];
  }));
  const requiresKey = config.clients.length > 0 || authority !== undefined;

  function authenticate(rawHeaders: readonly string[], side: Side = 'native'): Authentication | Promise<Authentication> {
    if (side === 'native' && config.anthropic_native.credentials === 'forward') return authenticateForward(readCredentials(rawHeaders), entries, requiresKey);
    if (!requiresKey) return { kind: 'client', name: ANONYMOUS_CLIENT, counterKey: ANONYMOUS_CLIENT, via: 'none', forwardCredentials: false };
    return authority === undefined ? authenticateKey(readCredentials(rawHeaders), entries) : authenticateCaller(readCredentials(rawHeaders), entries, authority);
  }

  return { requiresKey, clients: new Map([...entries.values()].map(({ rules }) => [rules.name, rules])), authenticate };
}

/**
 * The gateway's key where nothing of the client's crosses. `x-penstock-key`, which exists for nothing else, decides alone; else the one
 * known key among the fields admits, whatever stands beside it: SDKs send a dummy key, shells an old one.
 */
function authenticateKey(presented: PresentedCredentials, entries: Entries): Authentication {
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
  return refuse(keys.length === 0 ? 'no_credential' : 'unknown_key');
}

/** The same where a bearer may also be a person's token. One token can be judged; a request with two has no caller that is beyond doubt. */
function authenticateCaller(presented: PresentedCredentials, entries: Entries, authority: BearerAuthority): Authentication | Promise<Authentication> {
  const bearers = new Set(presented.bearers);
  const [bearer] = bearers;
  if (bearer === undefined || presented.gatewayKeys.length > 0) return authenticateKey(presented, entries);
  if (bearers.size > 1) return refuse('unequal_credentials');
  const digest = digestOf(bearer);
  if (bearer.startsWith(CLIENT_KEY_PREFIX) || findByDigest(digest, entries) !== undefined) return authenticateKey(presented, entries);
  const identified = authority.identify(bearer, digest.toString('hex'));
  return identified instanceof Promise ? identified.then((later) => admitBearer(later, presented, entries)) : admitBearer(identified, presented, entries);
}

/** Decides between a bearer that is no client's key, and the keys beside it. */
function admitBearer(identified: Identified, presented: PresentedCredentials, entries: Entries): Authentication {
  const keyed = presented.apiKeys.length === 0 && identified.kind !== 'foreign' ? undefined : authenticateKey(presented, entries);
  if (keyed?.kind === 'refused' && keyed.reason === 'unequal_credentials') return keyed;
  switch (identified.kind) {
    case 'foreign': return keyed ?? refuse('unknown_key');
    // Whether there are two callers cannot be known, so neither is admitted.
    case 'refused': return keyed?.kind === 'client' && identified.reason !== 'unavailable' ? keyed : refuse(identified.reason);
    default: {
      const { person, rules, counterKey } = identified.access;
      if (keyed?.kind === 'client') return refuse('unequal_credentials');
      if (rules === undefined) return { ...refuse('no_policy'), person };
      return { kind: 'client', name: rules.name, counterKey, client: rules, person, via: 'authorization', forwardCredentials: false };
    }
  }
}

function acceptClient(rules: ClientRules, via: CredentialSource): Authentication & { readonly kind: 'client' } {
  return { kind: 'client', name: rules.name, counterKey: rules.name, client: rules, via, forwardCredentials: false };
}

function authenticateGatewayKey([key = '', ...others]: readonly string[], entries: Entries): Authentication {
  if (others.some((other) => other !== key)) return refuse('unequal_credentials');
  const rules = findClient(key, entries);
  if (rules === undefined) return refuse('unknown_key');
  return acceptClient(rules, 'x-penstock-key');
}

/** The client's own Anthropic credential, and with clients the gateway's key beside it. */
function authenticateForward(presented: PresentedCredentials, entries: Entries, requiresKey: boolean): Authentication {
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
function holdsGatewayKey(credential: string, entries: Entries): boolean {
  return GATEWAY_KEY_INSIDE.test(credential) || findClient(credential.replace(/^bearer\s+/i, ''), entries) !== undefined;
}

/**
 * Looks a key up by its SHA-256. How long the map takes may depend on the digest, but never on the key: to learn anything from it one
 * must choose digests, and a key whose digest starts with n wanted bits costs 2^n hashes, while the digest itself does not open
 * anything. The last comparison is over all 32 bytes in constant time.
 */
function findClient(key: string, entries: Entries): ClientRules | undefined {
  return findByDigest(digestOf(key), entries);
}

function digestOf(key: string): Buffer {
  return hash('sha256', Buffer.from(key, 'latin1'), 'buffer');
}

function findByDigest(digest: Buffer, entries: Entries): ClientRules | undefined {
  const entry = entries.get(digest.toString('hex'));
  return entry !== undefined && timingSafeEqual(entry.digest, digest) ? entry.rules : undefined;
}

function refuse(reason: RefusalReason): Refused {
  return { kind: 'refused', reason, answer: REFUSALS[reason] };
}
