import { readCredentials } from '../clients/read-credentials.ts';
import { digestOf } from '../clients/find-client.ts';
import type { BearerAuthority } from '../identity/bearer-authority.ts';
import { principalText, type Person } from '../identity/principal.ts';
import type { AdminConfig } from '../../config/sections/admin-section.ts';
import { AdminRefusal, type AdminRefusalReason } from './admin-exchange.ts';
import { createAdminKeys, type Administrator } from './admin-keys.ts';

/** Recognises administrators by one configuration. */
export interface AdminAccess {
  /** Whether there can be any; otherwise the paths do not exist. */
  readonly isOpen: boolean;
  /** Who asks. Rejects with an `AdminRefusal`: 401 without a good credential, 403 where the credential may only read. */
  admit(rawHeaders: readonly string[], needs: Administrator['right']): Promise<Administrator>;
}

const NEEDS_KEY = 'The administration of this gateway needs one of its keys, or the token of a person who may administer it.';

/** Makes the access of a configuration. There is no exception for requests of this machine. */
export function createAdminAccess(config: AdminConfig, authority: BearerAuthority | undefined): AdminAccess {
  const keys = createAdminKeys(config);
  const groups = new Set(config.groups);

  async function identify(rawHeaders: readonly string[]): Promise<Administrator> {
    const { apiKeys, bearers } = readCredentials(rawHeaders);
    const [key, ...otherKeys] = apiKeys;
    if (key !== undefined) {
      if (otherKeys.length > 0) throw refusal('unequal_credentials');
      const known = keys.judge(key);
      if (known === undefined) throw refusal('unknown_key');
      return known;
    }
    const [bearer, ...others] = bearers;
    if (bearer === undefined) throw refusal('no_credential');
    if (others.length > 0) throw refusal('unequal_credentials');
    if (authority === undefined || groups.size === 0) throw refusal('token');
    const identified = await authority.identify(bearer, digestOf(bearer));
    if (identified.kind !== 'person') throw refusal('token', identified.kind === 'refused' && identified.person !== undefined ? actorOf(identified.person) : undefined);
    const { person } = identified.access;
    if (!person.groups.some((group) => groups.has(group))) throw refusal('not_in_groups', actorOf(person));
    return { right: 'write', actor: actorOf(person) };
  }

  return {
    isOpen: keys.size > 0 || groups.size > 0,
    async admit(rawHeaders, needs) {
      const administrator = await identify(rawHeaders);
      if (needs === 'write' && administrator.right === 'read') throw new AdminRefusal(403, 'This key may only read.', 'read_only', administrator.actor);
      return administrator;
    },
  };
}

function actorOf(person: Person): string {
  return `oidc:${principalText(person)}`;
}

/** All are answered alike: what is wrong stands in the logs alone. */
function refusal(reason: AdminRefusalReason, actor?: string): AdminRefusal {
  return new AdminRefusal(401, NEEDS_KEY, reason, actor);
}
