import { valueProblem } from '../config-error.ts';
import { isLoopbackHost } from '../loopback.ts';
import { nameReceived } from '../problems/secret-fields.ts';
import { hasIdentity, SIGN_IN_ISSUER, type IssuerConfig } from '../sections/identity-section.ts';
import type { ConfigProblem } from '../config-error.ts';
import type { CrossFieldRule } from './cross-field-rule.ts';

/** The path under `public_url` at which tokens of our own are issued; with it, their `iss`. */
export const SIGN_IN_PATH = '/anthropic';

/** Providers at which every stranger gets an account: their signature alone proves no more than that. */
const OPEN_PROVIDERS = /^https:\/\/(?:accounts\.google\.com|login\.microsoftonline\.com\/(?:common|organizations|consumers|9188040d-6c67-4c5b-b112-36a304b66dad)(?:\/|$)|appleid\.apple\.com|gitlab\.com|login\.salesforce\.com)/i;
/** Discovery documents whose tokens name the tenant's own issuer instead. */
const TEMPLATED_ISSUER = /[{}]|^https:\/\/login\.microsoftonline\.com\/(?:common|organizations|consumers)(?:\/|$)/i;

function showText(text: string): string {
  return nameReceived(text, false);
}

const forwardKnowsNoPersons: CrossFieldRule = {
  reads: ['anthropic_native.credentials', 'identity.issuers', 'identity.sign_in'],
  check: (config) => (config.anthropic_native.credentials === 'forward' && hasIdentity(config)
    ? [valueProblem('anthropic_native.credentials', '"inject" with identity', '"forward"', 'a bearer is either the caller\'s token for this gateway or an Anthropic credential that crosses it')]
    : []),
};

/** Tokens of one issuer are told apart by their audience, so that exactly one entry takes a token. */
function overlaps(entry: IssuerConfig, other: IssuerConfig): boolean {
  return entry.issuer === other.issuer && entry.audience.some((audience) => other.audience.includes(audience));
}

const issuersAreDistinct: CrossFieldRule = {
  reads: ['identity.issuers'],
  check: ({ identity: { issuers } }) => issuers.flatMap((entry, index): ConfigProblem[] => {
    const before = issuers.slice(0, index);
    const same = before.findIndex(({ name }) => name === entry.name);
    const near = before.findIndex((other) => overlaps(entry, other));
    return [
      ...(same === -1 ? [] : [valueProblem(`identity.issuers[${index}].name`, `other than identity.issuers[${same}].name`, showText(entry.name))]),
      ...(near === -1 ? [] : [valueProblem(`identity.issuers[${index}].audience`, `none of identity.issuers[${near}], which has the same issuer`, 'a shared one')]),
    ];
  }),
};

const issuersAreOthers: CrossFieldRule = {
  reads: ['identity.issuers', 'identity.sign_in'],
  check: ({ identity: { issuers, sign_in: signIn } }) => issuers.flatMap(({ issuer }, index): ConfigProblem[] => {
    const at = `identity.issuers[${index}].issuer`;
    const isOwn = signIn !== undefined && (issuer === signIn.public_url || issuer.replace(/\/+$/, '') === signIn.public_url + SIGN_IN_PATH);
    if (isOwn) return [valueProblem(at, 'another issuer than this gateway', showText(issuer), 'tokens of its own are accepted anyway')];
    if (TEMPLATED_ISSUER.test(issuer)) return [valueProblem(at, 'the issuer that stands in the tokens', showText(issuer), 'tokens of Entra name the tenant: https://login.microsoftonline.com/TENANT_ID/v2.0')];
    return [];
  }),
};

const keysComeFromNoOtherMachineInClear: CrossFieldRule = {
  reads: ['identity.issuers'],
  check: ({ identity: { issuers } }) => issuers.flatMap(({ issuer, jwks_uri: keys }, index): ConfigProblem[] => {
    if (keys === undefined || !isLoopbackHost(new URL(keys).hostname) || isLoopbackHost(new URL(issuer).hostname)) return [];
    return [valueProblem(`identity.issuers[${index}].jwks_uri`, 'a URL of this machine only for an issuer of this machine', showText(keys))];
  }),
};

const openProvidersAreNarrowed: CrossFieldRule = {
  reads: ['identity.sign_in'],
  check: ({ identity: { sign_in: signIn } }) => {
    if (signIn === undefined) return [];
    const { issuer, allowed_email_domains: domains, allowed_groups: groups } = signIn.oidc;
    if (!OPEN_PROVIDERS.test(issuer) || domains.length > 0 || groups.length > 0) return [];
    return [valueProblem('identity.sign_in.oidc.allowed_email_domains', 'given, or allowed_groups, for a provider that is open to the whole world', 'an empty list')];
  },
};

const refreshTokensOutliveAccessTokens: CrossFieldRule = {
  reads: ['identity.sign_in'],
  check: ({ identity: { sign_in: signIn } }) => {
    if (signIn === undefined || signIn.refresh_ttl >= signIn.session_ttl) return [];
    return [valueProblem('identity.sign_in.refresh_ttl', `at least identity.sign_in.session_ttl (${signIn.session_ttl})`, String(signIn.refresh_ttl), 'raise it, or lower session_ttl, for an access token must not outlive the session that can end it')];
  },
};

const policiesAreDistinct: CrossFieldRule = {
  reads: ['policies', 'clients'],
  check: ({ policies, clients }) => policies.flatMap(({ name, match }, index): ConfigProblem[] => {
    const same = policies.findIndex((other) => other.name === name);
    const client = clients.findIndex((other) => other.name === name);
    const base = Object.keys(match).length > 0 ? -1 : policies.findIndex((other) => Object.keys(other.match).length === 0);
    return [
      ...(same === index ? [] : [valueProblem(`policies[${index}].name`, `other than policies[${same}].name`, showText(name))]),
      ...(client === -1 ? [] : [valueProblem(`policies[${index}].name`, `other than clients[${client}].name`, showText(name))]),
      ...(base === -1 || base === index ? [] : [valueProblem(`policies[${index}].match`, `not empty: policies[${base}] is the base already`, 'an empty object')]),
    ];
  }),
};

const policiesNameWhatExists: CrossFieldRule = {
  reads: ['policies', 'clients', 'identity.issuers'],
  check: ({ policies, clients, identity: { issuers } }) => {
    const issuerNames = [SIGN_IN_ISSUER, ...issuers.map(({ name }) => name)];
    const policyNames = policies.map(({ name }) => name);
    return [
      ...policies.flatMap(({ match: { issuer } }, index) => (issuer === undefined || issuerNames.includes(issuer)
        ? [] : [valueProblem(`policies[${index}].match.issuer`, `one of ${issuerNames.join(', ')}`, showText(issuer))])),
      ...clients.flatMap(({ policy }, index) => (policy === undefined || policyNames.includes(policy)
        ? [] : [valueProblem(`clients[${index}].policy`, policyNames.length === 0 ? 'the name of a policy' : `one of ${policyNames.join(', ')}`, showText(policy))])),
    ];
  },
};

/** Whose tokens are accepted, and what policies refer to. */
export const identityRules: readonly CrossFieldRule[] = [
  forwardKnowsNoPersons, issuersAreDistinct, issuersAreOthers, keysComeFromNoOtherMachineInClear, openProvidersAreNarrowed, refreshTokensOutliveAccessTokens, policiesAreDistinct, policiesNameWhatExists,
];
