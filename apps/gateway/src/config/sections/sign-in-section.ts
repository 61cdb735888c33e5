import { z } from 'zod';
import { checkedText, count, flag, list, pem, proxyUrl, RELOADABLE, secondsOrNone, text } from './field-kinds.ts';
import { claimName, providerUrl, publicOrigin } from './identity-kinds.ts';

/** Which claims of the provider's id_token are the person's. */
export interface SignInClaims {
  readonly subject: string;
  readonly email: string;
  readonly groups: string;
}

/** The identity provider that people sign in with. */
export interface OidcConfig {
  readonly issuer: string;
  readonly client_id: string;
  readonly client_secret?: string | undefined;
  readonly scopes: readonly string[];
  readonly claims: SignInClaims;
  readonly trust_unverified_email: boolean;
  readonly allowed_email_domains: readonly string[];
  readonly allowed_groups: readonly string[];
  readonly extra_auth_params: Readonly<Record<string, string>>;
  readonly clock_skew: number;
  readonly ca?: string | undefined;
  readonly proxy?: string | undefined;
}

/** How people sign in to Claude Code, and how long that lasts. Spans in seconds. */
export interface SignInConfig {
  readonly public_url: string;
  readonly session_keys: readonly string[];
  readonly session_ttl: number;
  readonly refresh_ttl: number;
  readonly refresh_grace: number;
  readonly oidc: OidcConfig;
}

const MOST_TTL_SECONDS = 86_400;
const MOST_REFRESH_TTL_SECONDS = 86_400 * 366;
const SHORTEST_SESSION_KEY = 32;
const SESSION_KEY_EXPECTED = `a secret of at least ${SHORTEST_SESSION_KEY} characters`;
const PARAMETER_NAME = 'a name of 1 to 128 characters';
const PARAMETER_VALUE = 'a string of at most 1024 characters';
const DOMAIN_EXPECTED = 'the domain of an e-mail address, without @';

/** The domain of e-mail addresses, such as `example.com`. */
export function emailDomain(): z.ZodString {
  return checkedText(DOMAIN_EXPECTED, (value) => /^[^@\s*]{1,253}$/.test(value));
}

/** The name of a group as the provider writes it; case counts. */
export function groupName(): z.ZodString {
  return text('the name of a group').max(256, 'the name of a group, of at most 256 characters');
}

const claimsOfSignIn: z.ZodType<SignInClaims> = z.strictObject({
  subject: claimName().default('sub').describe('The claim that names the person.'),
  email: claimName().default('email').describe('The claim with the e-mail address.'),
  groups: claimName().default('groups').describe('The claim with the groups. A path such as `realm_access.roles` is followed where no claim has this very name.'),
}, 'an object');

const oidcSection: z.ZodType<OidcConfig> = z.strictObject({
  issuer: providerUrl().describe('The provider\'s issuer; its discovery document lies below it.'),
  client_id: text('a client id').max(512, 'a client id of at most 512 characters').describe('Of this gateway, as registered at the provider.'),
  client_secret: text('a client secret').max(4_096, 'a client secret of at most 4096 characters').optional().describe('Secret. Absent for a public client.'),
  scopes: list(text('a scope').max(256, 'a scope of at most 256 characters')).min(1, 'at least one scope').default(['openid', 'profile', 'email', 'offline_access']).describe('What is asked of the provider.'),
  claims: claimsOfSignIn.prefault({}).describe('Which claims are the person\'s.'),
  trust_unverified_email: flag().default(false).describe('Whether an e-mail counts without `email_verified`. With `email_verified: false` it never does.'),
  allowed_email_domains: list(emailDomain()).default([]).describe('Only persons with a verified e-mail of these domains may sign in. Empty: all.'),
  allowed_groups: list(groupName()).default([]).describe('Only persons in one of these groups may sign in. Empty: all.'),
  extra_auth_params: z.record(z.string().min(1, PARAMETER_NAME).max(128, PARAMETER_NAME), z.string(PARAMETER_VALUE).max(1_024, PARAMETER_VALUE), 'an object of parameters').default({}).describe('Further parameters of the authorization request.'),
  clock_skew: secondsOrNone().max(600, 'a number of seconds from 0 to 600').default(300).describe('How far its clock and ours may differ.'),
  ca: pem('certificates of a private authority for the provider').optional().describe('PEM text or file: authorities to trust beside the usual ones.'),
  proxy: proxyUrl().optional().describe('Egress proxy to the provider. Absent: `HTTPS_PROXY`, else `ALL_PROXY`, unless `NO_PROXY` excludes the host. Credentials in it are secret.'),
}, 'an object with issuer and client_id');

/** The schema of `identity.sign_in`. */
export const signInSection: z.ZodType<SignInConfig> = z.strictObject({
  public_url: publicOrigin().describe('The origin under which people reach this gateway; every address that is shown comes from it.'),
  session_keys: list(checkedText(SESSION_KEY_EXPECTED, (value) => value.length >= SHORTEST_SESSION_KEY)).min(1, 'at least one secret').max(10, 'a list of at most 10 secrets')
    .describe('Secrets of at least 32 characters. The first one signs, all verify.').meta(RELOADABLE),
  session_ttl: count(60, MOST_TTL_SECONDS).default(3_600).describe('Life of an access token.'),
  refresh_ttl: count(60, MOST_REFRESH_TTL_SECONDS).default(1_209_600).describe('Life of a refresh token since it was last used. At least `session_ttl`.'),
  refresh_grace: count(0, 600).default(60).describe('How long the previous refresh token gets the same successor: for two processes that refresh at once.'),
  oidc: oidcSection.describe('The identity provider.'),
}, 'an object with public_url, session_keys and oidc');
