import { Buffer } from 'node:buffer';
import { authenticateCaller } from '../identity/authenticate-caller.ts';
import type { BearerAuthority } from '../identity/bearer-authority.ts';
import { clientKeys } from '../../config/sections/client-keys.ts';
import { createPolicyBook } from '../policies/policy-book.ts';
import { ANONYMOUS_CLIENT, type Authentication } from './authentication.ts';
import { authenticateForward, authenticateKey } from './authenticate-key.ts';
import { createClientRules, type ClientRules } from './client-rules.ts';
import type { ClientEntry } from './find-client.ts';
import { readCredentials } from './read-credentials.ts';
import type { GatewayConfig } from '../../config/gateway-config.ts';
import type { Side } from '../../request/request-record.ts';

export type { Authentication } from './authentication.ts';

/** Knows the callers of one configuration; immutable, a reload makes a new one. */
export interface ClientRegistry {
  /** Whether callers need a key of the gateway's. */
  readonly requiresKey: boolean;
  /** Rules by client name. */
  readonly clients: ReadonlyMap<string, ClientRules>;
  /** Identifies the caller by flat raw headers; later for a token that must be verified first. The front door never forwards a client's credential. */
  authenticate(rawHeaders: readonly string[], side?: Side): Authentication | Promise<Authentication>;
}

/** The part of a configuration that says who may call. */
export interface RegistryConfig extends Pick<GatewayConfig, 'clients' | 'policies'> {
  readonly anthropic_native: Pick<GatewayConfig['anthropic_native'], 'credentials'>;
}

/** Makes the registry of a configuration's clients. With an authority their bearers may be persons' tokens as well, and no caller is anonymous. */
export function createClientRegistry(config: RegistryConfig, authority?: BearerAuthority): ClientRegistry {
  const policies = createPolicyBook(config.policies);
  // Persons share the workspace with the clients, and no configuration counts them.
  const callers = authority === undefined ? config.clients.length : Number.POSITIVE_INFINITY;
  const known = config.clients.map((client) => ({ keys: clientKeys(client), rules: createClientRules(policies.forClient(client), callers) }));
  const entries = new Map<string, ClientEntry>(known.flatMap(({ keys, rules }) =>
    keys.map(({ sha256, expiresAt }): [string, ClientEntry] => [sha256, { digest: Buffer.from(sha256, 'hex'), expiresAt, rules }])));
  const requiresKey = config.clients.length > 0 || authority !== undefined;

  function authenticate(rawHeaders: readonly string[], side: Side = 'native'): Authentication | Promise<Authentication> {
    if (side === 'native' && config.anthropic_native.credentials === 'forward') return authenticateForward(readCredentials(rawHeaders), entries, requiresKey);
    if (!requiresKey) return { kind: 'client', name: ANONYMOUS_CLIENT, counterKey: ANONYMOUS_CLIENT, via: 'none', forwardCredentials: false };
    return authority === undefined ? authenticateKey(readCredentials(rawHeaders), entries) : authenticateCaller(readCredentials(rawHeaders), entries, authority);
  }

  return { requiresKey, clients: new Map(known.map(({ rules }) => [rules.name, rules])), authenticate };
}
