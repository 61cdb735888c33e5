import type { Identity } from '../identity.ts';
import type { IdentityRefusal } from './identity-provider.ts';

/** Which claims describe a person, and who may sign in. */
export interface ClaimRules {
  /** The claim that identifies the person. @defaultValue sub */
  readonly subject?: string;
  /** The claim with the e-mail; without it no e-mail counts. */
  readonly email?: string;
  /** The claim with the groups; without it no groups count. A path (`realm_access.roles`) is followed where no claim has this very name. */
  readonly groups?: string;
  /** Takes the e-mail of a provider that does not send `email_verified` at all. @defaultValue false */
  readonly trustUnverifiedEmail?: boolean;
  /** Empty: every domain. */
  readonly allowedEmailDomains?: readonly string[];
  /** Empty: every group. */
  readonly allowedGroups?: readonly string[];
}

/** The identity that claims describe, or why it may not sign in. */
export type ReadClaims = { readonly kind: 'identity'; readonly identity: Identity } | { readonly kind: 'refused'; readonly reason: IdentityRefusal };

type Claims = Readonly<Record<string, unknown>>;

const MOST_GROUPS = 2_000;

/** Reads who a person is from the claims of an ID token and userinfo. */
export function readClaims(claims: Claims, rules: ClaimRules): ReadClaims {
  const subject = claims[rules.subject ?? 'sub'];
  if (typeof subject !== 'string' || subject === '' || subject.length > 255) return { kind: 'refused', reason: 'no_subject' };
  const email = readEmail(claims, rules);
  if (email === null) return { kind: 'refused', reason: 'email_unverified' };
  const domains = rules.allowedEmailDomains ?? [];
  if (domains.length > 0 && !domains.some((domain) => domain.toLowerCase() === email?.slice(email.lastIndexOf('@') + 1).toLowerCase())) {
    return { kind: 'refused', reason: 'email_domain' };
  }
  const groups = readGroups(claims, rules.groups);
  if (groups === undefined) return { kind: 'refused', reason: 'group_overage' };
  const allowed = rules.allowedGroups ?? [];
  if (allowed.length > 0 && !groups.some((group) => allowed.includes(group))) return { kind: 'refused', reason: 'group' };
  const { name } = claims;
  return {
    kind: 'identity',
    identity: { subject, groups, ...(email === undefined ? {} : { email }), ...(typeof name === 'string' && name !== '' ? { name: name.slice(0, 200) } : {}) },
  };
}

/** Whether the claims say where the groups are instead of naming them (Microsoft Entra: more than 200 groups). */
export function hasGroupOverage(claims: Claims, claim: string | undefined): boolean {
  if (claim === undefined || claims[claim] !== undefined) return false;
  const names = claims['_claim_names'];
  return claims['hasgroups'] === true || claims['hasgroups'] === 'true' || (typeof names === 'object' && names !== null && Object.hasOwn(names, claim));
}

/** `null`: the provider says that the e-mail is not verified. `undefined`: there is none that counts. */
function readEmail(claims: Claims, { email: claim, trustUnverifiedEmail = false }: ClaimRules): string | null | undefined {
  const email = claim === undefined ? undefined : claims[claim];
  if (typeof email !== 'string' || !/^[^\s@]+@[^\s@]+$/.test(email) || email.length > 320) return undefined;
  const verified = claims['email_verified'];
  if (verified === undefined) return trustUnverifiedEmail ? email : undefined;
  return verified === true || verified === 'true' ? email : null;
}

/** `undefined`: the provider has groups and did not name them. */
function readGroups(claims: Claims, claim: string | undefined): readonly string[] | undefined {
  if (claim === undefined) return [];
  if (hasGroupOverage(claims, claim)) return undefined;
  const value = claims[claim] ?? claim.split('.').reduce<unknown>((from, member) => (typeof from === 'object' && from !== null ? (from as Claims)[member] : undefined), claims);
  const list: readonly unknown[] = Array.isArray(value) ? value : typeof value === 'string' ? [value] : [];
  const groups = list.filter((group): group is string => typeof group === 'string' && group !== '');
  return groups.length > MOST_GROUPS ? undefined : groups;
}
