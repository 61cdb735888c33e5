import type { GatewayConfig } from '../gateway-config.ts';
import { hasIdentity, SIGN_IN_ISSUER } from '../sections/identity-section.ts';
import type { PolicyConfig } from '../sections/policies-section.ts';

/** Policies that no person can meet, and persons for whom there is none. */
export function findIdentityWarnings(config: Pick<GatewayConfig, 'identity' | 'policies'>): string[] {
  const { policies } = config;
  if (!hasIdentity(config)) return [];
  if (policies.length === 0) return ['identity without policies: every person is refused; { "name": "everyone", "match": {} } lets them in'];
  return policies.flatMap((policy) => {
    const missing = findMissing(policy, config);
    return missing === undefined ? [] : [`policy ${policy.name} matches no one: ${missing}`];
  });
}

/** Why no person of the issuer that a policy names can meet its `match`. */
function findMissing({ match }: PolicyConfig, { identity }: Pick<GatewayConfig, 'identity'>): string | undefined {
  if (Object.keys(match).length === 0) return undefined;
  const { issuer = SIGN_IN_ISSUER, groups, email_domain: domain, users = [] } = match;
  if (issuer === SIGN_IN_ISSUER) {
    if (identity.sign_in !== undefined) return undefined;
    return 'identity.sign_in is absent, and its match names no other issuer';
  }
  const claims = identity.issuers.find(({ name }) => name === issuer)?.claims;
  if (groups !== undefined && claims?.groups === undefined) return `claims.groups of the issuer ${issuer} is absent, so that its callers have no groups`;
  const needsEmail = domain !== undefined || (users.length > 0 && users.every((user) => user.includes('@') && !user.includes(':')));
  if (needsEmail && claims?.email === undefined) return `claims.email of the issuer ${issuer} is absent, so that its callers have no e-mail`;
  return undefined;
}
