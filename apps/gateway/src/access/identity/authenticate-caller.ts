import { acceptClient, refuse, type Authentication, type Refused } from '../clients/authentication.ts';
import { authenticateKey } from '../clients/authenticate-key.ts';
import { CLIENT_KEY_PREFIX } from '../clients/client-key.ts';
import { digestOf, findByDigest, type ClientEntries } from '../clients/find-client.ts';
import type { PresentedCredentials } from '../clients/read-credentials.ts';
import type { RefusalReason } from '../clients/refusal.ts';
import type { BearerAuthority, Identified } from './bearer-authority.ts';
import type { Person } from './principal.ts';

/** Identifies a caller where a bearer may be a client's key or a person's token. One token can be judged; a request with two has no caller that is beyond doubt. */
export function authenticateCaller(presented: PresentedCredentials, entries: ClientEntries, authority: BearerAuthority): Authentication | Promise<Authentication> {
  const { bearers, gatewayKeys } = presented;
  const [bearer] = bearers;
  if (bearer === undefined || gatewayKeys.length > 0) return authenticateKey(presented, entries);
  if (bearers.length > 1 && bearers.some((other) => other !== bearer)) return refuse('unequal_credentials');
  const digest = digestOf(bearer);
  // The key of a client, alone: a digest takes longer than all else of this, and is made once.
  const rules = presented.apiKeys.length === 0 ? findByDigest(digest, entries) : undefined;
  if (rules !== undefined) return acceptClient(rules, 'authorization');
  if (bearer.startsWith(CLIENT_KEY_PREFIX) || entries.has(digest)) return authenticateKey(presented, entries);
  const identified = authority.identify(bearer, digest);
  return identified instanceof Promise ? identified.then((later) => admitBearer(later, presented, entries)) : admitBearer(identified, presented, entries);
}

/** Decides between a bearer that is no client's key, and the keys beside it. */
function admitBearer(identified: Identified, presented: PresentedCredentials, entries: ClientEntries): Authentication {
  const keyed = presented.apiKeys.length === 0 && identified.kind !== 'foreign' ? undefined : authenticateKey(presented, entries);
  if (keyed?.kind === 'refused' && keyed.reason === 'unequal_credentials') return keyed;
  switch (identified.kind) {
    case 'foreign': return keyed ?? refuse('unknown_key');
    // Whether there are two callers cannot be known, so neither is admitted.
    case 'refused': return keyed?.kind === 'client' && identified.reason !== 'unavailable' ? keyed : refusePerson(identified.reason, identified.person);
    default: {
      const { person, rules, counterKey } = identified.access;
      if (keyed?.kind === 'client') return refuse('unequal_credentials');
      if (rules === undefined) return refusePerson('no_policy', person);
      return { kind: 'client', name: rules.name, counterKey, client: rules, person, via: 'authorization', forwardCredentials: false };
    }
  }
}

/** Refuses a caller whom a token may have proved. */
function refusePerson(reason: RefusalReason, person: Person | undefined): Refused {
  return person === undefined ? refuse(reason) : { ...refuse(reason), person };
}
