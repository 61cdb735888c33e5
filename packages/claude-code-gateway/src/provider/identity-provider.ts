import type { Identity } from '../identity.ts';

/** Why a sign-in or refresh was refused for good. */
export type IdentityRefusal =
  /** The provider no longer takes the refresh token, or never took the code. */
  | 'invalid_grant'
  /** The person or the provider declined. */
  | 'access_denied'
  | 'email_unverified'
  | 'email_domain'
  | 'group'
  /** The provider left the groups out of the token because there are too many. */
  | 'group_overage'
  /** The groups that count do not fit a token. */
  | 'groups_too_large'
  | 'no_subject'
  /** A refresh named another person than the sign-in. */
  | 'subject_changed';

/** What the provider said. */
export type ProviderAnswer =
  | { readonly kind: 'identity'; readonly identity: Identity; readonly refreshToken: string | undefined }
  | { readonly kind: 'refused'; readonly reason: IdentityRefusal }
  /** It could not be asked, or its answer was of no use. A new refresh token in a useless answer is kept: the old one may be spent. */
  | { readonly kind: 'unavailable'; readonly reason: string; readonly refreshToken: string | undefined };

/** What binds the provider's answer to one browser. */
export interface AuthorizationChecks {
  readonly state: string;
  readonly nonce: string;
  /** RFC 7636. */
  readonly codeVerifier: string;
}

/** The company's identity provider, as sign-in uses it. Nothing here rejects: what fails is `unavailable`. */
export interface IdentityProvider {
  /** Where the browser signs in; `undefined` while the provider cannot be reached. */
  authorizationUrl(checks: AuthorizationChecks): Promise<URL | undefined>;
  /** Redeems the code of a callback; `query` is the callback's query string. */
  exchange(query: string, checks: AuthorizationChecks): Promise<ProviderAnswer>;
  /** Asks whether the person still exists, and as what. `known` is the identity so far. Settles within `leaseMs`, or a second process asks as well. */
  refresh(refreshToken: string, known: Identity): Promise<ProviderAnswer>;
  close(): Promise<void>;
}
