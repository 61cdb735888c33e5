import { readCredentials } from '../clients/read-credentials.ts';
import { digestOf } from '../clients/find-client.ts';
import type { BearerAuthority } from '../identity/bearer-authority.ts';
import { principalText } from '../identity/principal.ts';
import type { AdminConfig } from '../../config/sections/admin-section.ts';
import { AdminError } from './admin-exchange.ts';
import { createAdminKeys, type Administrator } from './admin-keys.ts';

/** Recognises administrators by one configuration. */
export interface AdminAccess {
  /** Whether there can be any; otherwise the paths do not exist. */
  readonly isOpen: boolean;
  /** Who asks. Rejects with an `AdminError`: 401 without a good credential, 403 where the credential may only read. */
  admit(rawHeaders: readonly string[], needs: Administrator['right']): Promise<Administrator>;
}

const NEEDS_KEY = 'The administration of this gateway needs one of its keys, or the token of a person who may administer it.';

/** Makes the access of a configuration. There is no exception for requests of this machine. */
export function createAdminAccess(config: AdminConfig, authority: BearerAuthority | undefined): AdminAccess {
  const keys = createAdminKeys(config);
  const groups = new Set(config.groups);

  async function identify(rawHeaders: readonly string[]): Promise<Administrator | undefined> {
    const { apiKeys, bearers } = readCredentials(rawHeaders);
    const [key, ...otherKeys] = apiKeys;
    if (key !== undefined) return otherKeys.length > 0 ? undefined : keys.judge(key);
    const [bearer, ...others] = bearers;
    if (bearer === undefined || others.length > 0 || authority === undefined || groups.size === 0) return undefined;
    const identified = await authority.identify(bearer, digestOf(bearer));
    if (identified.kind !== 'person' || !identified.access.person.groups.some((group) => groups.has(group))) return undefined;
    return { right: 'write', actor: `oidc:${principalText(identified.access.person)}` };
  }

  return {
    isOpen: keys.size > 0 || groups.size > 0,
    async admit(rawHeaders, needs) {
      const administrator = await identify(rawHeaders);
      if (administrator === undefined) throw new AdminError(401, NEEDS_KEY);
      if (needs === 'write' && administrator.right === 'read') throw new AdminError(403, 'This key may only read.');
      return administrator;
    },
  };
}
