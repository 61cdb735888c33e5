import { z } from 'zod';
import { isClientName } from './clients-section.ts';
import { checkedText, count, list, pem, proxyUrl, RELOADABLE, secondsOrNone, text } from './field-kinds.ts';
import { claimName, globOfClaim, issuerUrl } from './identity-kinds.ts';
import { signInSection, type SignInConfig } from './sign-in-section.ts';

/** The signature algorithms that tokens of issuers may have (RFC 7518 section 3.1, RFC 8037): asymmetric ones only, for the key that verifies is public. */
export const TOKEN_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const;

/** One of `TOKEN_ALGORITHMS`. */
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

/** Which claims of an issuer's tokens are the person's. */
export interface IssuerClaims {
  readonly subject: string;
  /** Absent: the e-mail that a token names is not believed. */
  readonly email?: string | undefined;
  /** Absent: the groups that a token names are not believed. */
  readonly groups?: string | undefined;
}

/** An issuer whose tokens are accepted as bearers: an OpenID provider, or the machine that runs a workload. */
export interface IssuerConfig {
  readonly name: string;
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly algorithms: readonly TokenAlgorithm[];
  readonly require: Readonly<Record<string, readonly string[]>>;
  readonly claims: IssuerClaims;
  readonly trust_unverified_email: boolean;
  readonly clock_skew: number;
  readonly max_age: number;
  readonly jwks_uri?: string | undefined;
  readonly ca?: string | undefined;
  readonly proxy?: string | undefined;
}

/** Who may call beside the clients that have keys. */
export interface IdentityConfig {
  readonly issuers: readonly IssuerConfig[];
  readonly sign_in?: SignInConfig | undefined;
}

/** The issuer's name of persons who signed in at the gateway itself. */
export const SIGN_IN_ISSUER = 'sign_in';

const ISSUER_NAME_EXPECTED = 'a name of 1 to 64 letters, digits, dots, dashes or underscores, other than sign_in, client, anonymous and unauthenticated';
const MOST_CLOCK_SKEW_SECONDS = 600;
const LONGEST_MAX_AGE_SECONDS = 86_400 * 366;
/** `sign_in` and `client` begin the texts of other principals. */
const RESERVED_ISSUERS: ReadonlySet<string> = new Set([SIGN_IN_ISSUER, 'client']);

const claimsOfIssuer: z.ZodType<IssuerClaims> = z.strictObject({
  subject: claimName().default('sub').describe('The claim that names the caller, unchangeable and never given to another one.'),
  email: claimName().optional().describe('The claim with the e-mail address. Absent: no token of this issuer has one, whatever it asserts.'),
  groups: claimName().optional().describe('The claim with the groups, a list of strings. A path such as `realm_access.roles` is followed where no claim has this very name. Absent: no token of this issuer has groups.'),
}, 'an object');

const requirements = z.record(claimName(), list(globOfClaim()).min(1, 'at least one pattern'), 'an object of claims and their patterns')
  .refine((claims) => Object.keys(claims).length > 0, { error: 'at least one claim that tokens must have' });

const issuerSection: z.ZodType<IssuerConfig> = z.strictObject({
  name: checkedText(ISSUER_NAME_EXPECTED, (name) => isClientName(name) && !RESERVED_ISSUERS.has(name)).describe('Begins the text of its callers, `NAME:SUBJECT`; policies name it.'),
  issuer: issuerUrl().describe('The exact `iss` of its tokens. Its keys are found at `/.well-known/openid-configuration` below it.'),
  audience: list(text('an audience').max(512, 'an audience of at most 512 characters')).min(1, 'at least one audience').describe('A token must be meant for one of these (`aud`).'),
  algorithms: list(z.enum(TOKEN_ALGORITHMS, `one of ${TOKEN_ALGORITHMS.join(', ')}`)).min(1, 'at least one algorithm').default(['RS256', 'ES256']).describe('Signature algorithms that tokens may have.'),
  require: requirements.describe('Claims that a token must have, each with patterns of which one must cover it; `*` stands for any characters. Not empty: an issuer of many organizations signs for all of them.'),
  claims: claimsOfIssuer.prefault({}).describe('Which claims are the caller\'s.'),
  trust_unverified_email: z.boolean('true or false').default(false).describe('Whether an e-mail counts without `email_verified`. With `email_verified: false` it never does.'),
  clock_skew: secondsOrNone().max(MOST_CLOCK_SKEW_SECONDS, `a number of seconds from 0 to ${MOST_CLOCK_SKEW_SECONDS}`).default(60).describe('How far its clock and ours may differ.'),
  max_age: count(1, LONGEST_MAX_AGE_SECONDS).default(86_400).describe('Longest time since a token was issued (`iat`), however long it is valid.'),
  jwks_uri: issuerUrl().optional().describe('Where its keys are, for an issuer without a discovery document.'),
  ca: pem('certificates of a private authority for its keys').optional().describe('PEM text or file: authorities to trust beside the usual ones.'),
  proxy: proxyUrl().optional().describe('Egress proxy for its keys. Absent: `HTTPS_PROXY`, else `ALL_PROXY`, unless `NO_PROXY` excludes the host. Credentials in it are secret.'),
}, 'an object with name, issuer, audience and require');

/** The schema of `identity`. */
export const identitySection: z.ZodType<IdentityConfig> = z.strictObject({
  issuers: list(issuerSection).max(50, 'a list of at most 50 issuers').default([]).describe('Issuers whose signed tokens (JWT) are accepted as bearer tokens.').meta(RELOADABLE),
  sign_in: signInSection.optional().describe('People sign in to Claude Code with the company\'s identity provider.'),
}, 'an object');

/** Whether callers may be persons: then none is anonymous. */
export function hasIdentity({ identity }: { readonly identity: IdentityConfig }): boolean {
  return identity.issuers.length > 0 || identity.sign_in !== undefined;
}

