import { describe, expect, it } from 'vitest';
import { describeConfig } from '../../src/config/describe-config.ts';
import { allowedHostsOf } from '../../src/config/allowed-hosts.ts';
import { attemptLoad, problemsOf } from './config-folder.ts';

const SECRET = 'a-session-secret-of-more-than-32-characters';
const ISSUER = { name: 'ci', issuer: 'https://token.actions.githubusercontent.com', audience: ['penstock'], require: { repository_owner: ['acme'] } };
const SIGN_IN = { public_url: 'https://claude.example', session_keys: [SECRET], oidc: { issuer: 'https://idp.example', client_id: 'penstock', client_secret: 'hush-hush' } };
/** One address in several spellings, and others. */
const FORBIDDEN = [['https://169.254.169.254'], ['https://0xa9fea9fe'], ['https://[::ffff:169.254.169.254]'], ['https://[fe80::1]'], ['https://[fd00:ec2::254]'], ['https://168.63.129.16'], ['https://0.0.0.0']];
const EVERYONE = [{ name: 'everyone', match: {} }];

const problems = (identity: object, rest: object = {}): string[] => problemsOf({ file: { policies: EVERYONE, identity, ...rest } });
const issuer = (changes: object): object => ({ issuers: [{ ...ISSUER, ...changes }] });
const withOidc = (changes: object): object => ({ sign_in: { ...SIGN_IN, oidc: { ...SIGN_IN.oidc, ...changes } } });

describe('an issuer', () => {
  it('has the defaults that are documented', () => {
    expect(attemptLoad({ file: { policies: EVERYONE, identity: { issuers: [ISSUER], sign_in: SIGN_IN } } }).config.identity).toMatchObject({
      issuers: [{ algorithms: ['RS256', 'ES256'], claims: { subject: 'sub' }, clock_skew: 60, max_age: 86_400, trust_unverified_email: false }],
      sign_in: { session_ttl: 3_600, refresh_ttl: 1_209_600, refresh_grace: 60, oidc: { scopes: ['openid', 'profile', 'email', 'offline_access'], claims: { subject: 'sub', email: 'email', groups: 'groups' }, clock_skew: 300 } },
    });
  });

  it.each([
    ['name', 'sign_in'], ['name', 'client'], ['name', 'a:b'], ['name', 'anonymous'],
    ['issuer', 'http://idp.example'], ['issuer', 'https://user:pass@idp.example'], ['issuer', 'https://idp.example?x=1'], ['issuer', 'idp.example'], ['issuer', 'file:///etc/passwd'],
    ['jwks_uri', 'http://idp.example/jwks'], ['audience', []], ['audience', ['']],
    ['algorithms', ['HS256']], ['algorithms', ['none']], ['algorithms', []], ['require', {}], ['require', { sub: [] }], ['require', { sub: ['*'] }], ['require', { sub: ['**'] }], ['require', undefined],
    ['clock_skew', 601], ['max_age', 0],
  ])('is refused with %s %j', (key, value) => {
    expect(problems(issuer({ [key]: value }))[0]).toMatch(new RegExp(`^identity\\.issuers\\[0\\]\\.${key}`));
  });

  it.each([['http://127.0.0.1:9'], ['http://localhost:9/realms/a'], ['https://idp.example/realms/a']])('may be at %s', (url) => {
    expect(() => attemptLoad({ file: { policies: EVERYONE, identity: issuer({ issuer: url }) } })).not.toThrow();
  });

  it('has a name of its own, and an audience of its own beside one with the same issuer', () => {
    expect(problems({ issuers: [ISSUER, { ...ISSUER, audience: ['other'] }] })).toEqual(['identity.issuers[1].name must be other than identity.issuers[0].name, received "ci"']);
    expect(problems({ issuers: [ISSUER, { ...ISSUER, name: 'two', audience: ['other', 'penstock'] }] })).toEqual(['identity.issuers[1].audience must be none of identity.issuers[0], which has the same issuer, received a shared one']);
    expect(() => attemptLoad({ file: { policies: EVERYONE, identity: { issuers: [ISSUER, { ...ISSUER, name: 'two', audience: ['other'] }] } } })).not.toThrow();
  });

  it.each([['https://claude.example/anthropic'], ['https://claude.example'], ['https://claude.example/anthropic/']])('is never this gateway: %s', (own) => {
    expect(problems({ ...issuer({ issuer: own }), sign_in: SIGN_IN })[0]).toMatch(/^identity\.issuers\[0\]\.issuer must be another issuer than this gateway/);
  });

  it.each([['https://login.microsoftonline.com/common/v2.0'], ['https://login.microsoftonline.com/{tenantid}/v2.0'], ['https://login.microsoftonline.com/organizations/v2.0']])('is the one that stands in the tokens, no template of many tenants: %s', (template) => {
    expect(problems(issuer({ issuer: template }))[0]).toMatch(/must be the issuer that stands in the tokens.*TENANT_ID/);
  });

  it('has its keys on this machine only where it is on this machine itself', () => {
    expect(problems(issuer({ jwks_uri: 'http://127.0.0.1:9/jwks' }))).toHaveLength(1);
    expect(() => attemptLoad({ file: { policies: EVERYONE, identity: issuer({ issuer: 'http://localhost:8', jwks_uri: 'http://127.0.0.1:9/jwks' }) } })).not.toThrow();
  });

  it.each(FORBIDDEN)('is asked at no link-local or metadata address, and neither are its keys: %s', (url) => {
    expect(problems(issuer({ issuer: url }))[0]).toMatch(/^identity\.issuers\[0\]\.issuer must be a URL of no link-local or metadata address/);
    expect(problems(issuer({ jwks_uri: `${url}/jwks` }))[0]).toMatch(/^identity\.issuers\[0\]\.jwks_uri must be a URL of no link-local or metadata address/);
  });

  it('has authorities that are certificates', () => {
    expect(problems(issuer({ ca: '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----' }))[0]).toMatch(/^identity\.issuers\[0\]\.ca must be PEM/);
  });
});

describe('sign-in', () => {
  it.each([
    ['public_url', 'https://claude.example/gateway'], ['public_url', 'http://claude.example'], ['public_url', 'https://claude.example/'],
    ['session_keys', []], ['session_keys', ['too short']], ['session_ttl', 59], ['refresh_grace', 601],
  ])('is refused with %s %j', (key, value) => {
    expect(problems({ sign_in: { ...SIGN_IN, [key]: value } })[0]).toMatch(new RegExp(`^identity\\.sign_in\\.${key}`));
  });

  it.each([['https://accounts.google.com'], ['https://login.microsoftonline.com/common/v2.0'], ['https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0']])('with a provider that is open to the whole world needs domains or groups: %s', (open) => {
    expect(problems(withOidc({ issuer: open }))[0]).toMatch(/^identity\.sign_in\.oidc\.allowed_email_domains must be given/);
    for (const narrow of [{ allowed_email_domains: ['acme.com'] }, { allowed_groups: ['engineering'] }]) {
      expect(() => attemptLoad({ file: { policies: EVERYONE, identity: withOidc({ issuer: open, ...narrow }) } })).not.toThrow();
    }
  });

  it.each(FORBIDDEN)('has its provider at no link-local or metadata address: %s', (url) => {
    expect(problems(withOidc({ issuer: url }))[0]).toMatch(/^identity\.sign_in\.oidc\.issuer must be a URL of no link-local or metadata address/);
  });

  it('has a provider that its package asks unencrypted by no name that a name service resolves', () => {
    expect(problems(withOidc({ issuer: 'http://idp.localhost:9' }))[0]).toMatch(/^identity\.sign_in\.oidc\.issuer must be an https:\/\/ URL, or an http:\/\/ one of localhost/);
    for (const url of ['http://localhost:9', 'http://127.0.0.2:9', 'http://[::1]:9', 'https://idp.localhost', 'https://10.0.0.1']) expect(() => attemptLoad({ file: { policies: EVERYONE, identity: withOidc({ issuer: url }) } })).not.toThrow();
  });

  it('has refresh tokens that live as long as access tokens, or longer', () => {
    expect(problems({ sign_in: { ...SIGN_IN, refresh_ttl: 3_599 } })).toEqual([
      'identity.sign_in.refresh_ttl must be at least identity.sign_in.session_ttl (3600), received 3599: raise it, or lower session_ttl, for an access token must not outlive the session that can end it',
    ]);
    for (const ends of [{ refresh_ttl: 3_600 }, { session_ttl: 60, refresh_ttl: 60 }]) expect(() => attemptLoad({ file: { policies: EVERYONE, identity: { sign_in: { ...SIGN_IN, ...ends } } } })).not.toThrow();
  });

  it('adds the host of its public URL to the allowed ones', () => {
    const load = (server: object): readonly string[] => allowedHostsOf(attemptLoad({ file: { server, policies: EVERYONE, identity: { sign_in: SIGN_IN } } }).config);
    expect(load({})).toEqual(['claude.example']);
    expect(load({ host: '0.0.0.0' })).toEqual(['claude.example']);
    expect(load({ allowed_hosts: ['internal'] })).toEqual(['internal', 'claude.example']);
  });

  it('shows no secret, neither in a problem nor in the printed configuration', () => {
    const loaded = attemptLoad({ file: { policies: EVERYONE, identity: { sign_in: SIGN_IN } } });
    const printed = JSON.stringify(describeConfig(loaded.config));
    expect(printed).not.toMatch(/hush|session-secret/);
    expect(printed).toContain('"session_keys":["********"]');
    expect(problems({ sign_in: { ...SIGN_IN, session_keys: ['my-short-secret'] } }).join()).not.toContain('my-short');
  });
});

describe('identity', () => {
  it('opens the gateway to other hosts as clients do', () => {
    const server = { host: '0.0.0.0', allowed_hosts: ['claude.example'] };
    expect(problemsOf({ file: { server } })).toHaveLength(1);
    expect(() => attemptLoad({ file: { server, policies: EVERYONE, identity: { issuers: [ISSUER] } } })).not.toThrow();
  });

  it('excludes forward: a bearer cannot be for us and for the API', () => {
    expect(problems({ issuers: [ISSUER] }, { anthropic_native: { credentials: 'forward' } })[0]).toMatch(/^anthropic_native\.credentials must be "inject" with identity/);
  });
});

describe('policies', () => {
  const policies = (list: readonly object[], rest: object = {}): string[] => problemsOf({ file: { identity: { issuers: [ISSUER] }, policies: list, ...rest } });

  it('have names of their own, clients included, and one base', () => {
    expect(policies([...EVERYONE, { name: 'everyone', match: { users: ['a'] } }])[0]).toMatch(/^policies\[1\]\.name must be other than policies\[0\]\.name/);
    expect(policies([{ name: 'one', match: {} }], { clients: [{ name: 'one', key_sha256: 'a'.repeat(64) }] })[0]).toMatch(/^policies\[0\]\.name must be other than clients\[0\]\.name/);
    expect(policies([...EVERYONE, { name: 'again', match: {} }])[0]).toMatch(/^policies\[1\]\.match must be not empty: policies\[0\] is the base already/);
    for (const reserved of ['anonymous', 'unauthenticated', 'other']) expect(policies([{ name: reserved, match: {} }])).toHaveLength(1);
  });

  it('name issuers that exist, and clients name policies that exist', () => {
    expect(policies([{ name: 'a', match: { issuer: 'c1' } }])[0]).toMatch(/^policies\[0\]\.match\.issuer must be one of sign_in, ci, received "c1"/);
    expect(policies(EVERYONE, { clients: [{ name: 'one', key_sha256: 'a'.repeat(64), policy: 'every' }] })[0]).toMatch(/^clients\[0\]\.policy must be one of everyone, received "every"/);
  });

  it.each([[{ groups: [] }], [{ users: [] }], [{ email_domain: 'a@b' }], [{ email_domain: '' }], [{ groups: [''] }], [{ domain: 'x' }]])('match by nothing empty or unknown: %j', (match) => {
    expect(policies([{ name: 'a', match }])).toHaveLength(1);
  });

  it.each<[warning: RegExp, list: readonly object[]]>([
    [/identity without policies/, []],
    [/policy a matches no one: identity\.sign_in is absent/, [{ name: 'a', match: { groups: ['g'] } }]],
    [/policy a matches no one: claims\.groups of the issuer ci/, [{ name: 'a', match: { issuer: 'ci', groups: ['g'] } }]],
    [/policy a matches no one: claims\.email of the issuer ci/, [{ name: 'a', match: { issuer: 'ci', users: ['a@b.example'] } }]],
  ])('that cannot match are warned about: %s', (warning, list) => {
    expect(attemptLoad({ file: { identity: { issuers: [ISSUER] }, policies: list, anthropic_native: { pool: { max_connections: 40 } } } }).warnings.join('\n')).toMatch(warning);
  });

  it('that can are not', () => {
    const list = [...EVERYONE, { name: 'a', match: { issuer: 'ci', users: ['ci:repo:acme/app'] } }, { name: 'b', match: { issuer: 'ci' } }];
    expect(attemptLoad({ file: { identity: { issuers: [ISSUER] }, policies: list, anthropic_native: { pool: { max_connections: 40 } } } }).warnings).toEqual([]);
  });
});

describe('a collector', () => {
  const collector = (changes: object): string[] => problems({ sign_in: SIGN_IN }, { telemetry: { forward_to: [{ url: 'https://otel.example', ...changes }] } });

  it.each([...FORBIDDEN, ['http://otel.example'], ['http://otel.localhost:4318'], ['http://localhost.:4318']])('is refused by check where the start would refuse it: %s', (url) => {
    expect(collector({ url })[0]).toMatch(/^telemetry\.forward_to\[0\]\.url must be an https:\/\/ URL, or an http:\/\/ one of localhost or of a loopback address/);
  });

  it('has authorities that are certificates', () => {
    expect(collector({ ca: '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----' })[0]).toMatch(/^telemetry\.forward_to\[0\]\.ca must be PEM/);
  });
});
