import type { Identity } from './identity.ts';
import type { IdentityProvider } from './provider/identity-provider.ts';
import type { SessionKeys } from './session-keys.ts';
import type { AuditEvent } from './sign-in-audit.ts';
import type { SignInLimits } from './sign-in-limits.ts';
import type { SignInStore } from './store/sign-in-store.ts';
import type { AccessTokens } from './tokens/access-tokens.ts';
import type { Revocations } from './tokens/revocations.ts';
import type { UnsavedRefreshTokens } from './tokens/unsaved-refresh-tokens.ts';

/** The addresses of one gateway, all from its public URL and never from a request. */
export interface GatewayAddresses {
  /** Scheme, host and port. */
  readonly publicUrl: string;
  /** Where the protocol is mounted; empty or a path without a slash at its end. */
  readonly mount: string;
  /** `publicUrl` and `mount`: what the client calls the gateway's URL, and the issuer of the tokens. */
  readonly base: string;
}

/** What every part of sign-in works with. */
export interface SignInParts {
  readonly addresses: GatewayAddresses;
  readonly keys: SessionKeys;
  readonly store: SignInStore;
  readonly provider: IdentityProvider;
  readonly tokens: AccessTokens;
  readonly revocations: Revocations;
  readonly unsaved: UnsavedRefreshTokens;
  readonly limits: SignInLimits;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Takes one act; must not throw. */
  readonly audit: (event: AuditEvent) => void;
  /** What the code form may lead to beside this gateway, for `form-action`. */
  readonly formTargets: readonly string[];
  /** The groups that policies and budgets name; others are not kept. */
  readonly isKnownGroup: (group: string) => boolean;
}

/** The part of an audit event that says who. */
export function auditedPerson({ subject, email, groups }: Identity): Pick<AuditEvent, 'subject' | 'email' | 'groups'> {
  return { subject, groups, ...(email === undefined ? {} : { email }) };
}

/** The identity with the groups that count. `undefined` if they do not fit a token: leaving some out could open what they close. */
export function keepKnownGroups(identity: Identity, { isKnownGroup, limits }: Pick<SignInParts, 'isKnownGroup' | 'limits'>): Identity | undefined {
  const groups = identity.groups.filter(isKnownGroup);
  return JSON.stringify(groups).length > limits.maxGroupsBytes ? undefined : { ...identity, groups };
}
