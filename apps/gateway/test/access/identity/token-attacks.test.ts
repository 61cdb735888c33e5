// Tokens that must not be taken: what jose and our rules refuse together, seen at the port and, for what is said to the client, over a socket.
import { Buffer } from 'node:buffer';
import { createHmac } from 'node:crypto';
import { exportSPKI, importJWK, type JWTPayload } from 'jose';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createIdentity, type Identity } from '../../../src/access/identity/identity.ts';
import type { Identified } from '../../../src/access/identity/bearer-authority.ts';
import { readPerson } from '../../../src/access/identity/read-claims.ts';
import { gatewayConfigSchema, type GatewayConfig } from '../../../src/config/gateway-config.ts';
import { AUDIENCE, createSigningKey, goodClaims, signToken, startOpenIdProvider, type OpenIdProvider, type SigningKey } from './openid-provider.ts';

let provider: OpenIdProvider;
let second: OpenIdProvider;
let key: SigningKey;
let elliptic: SigningKey;
let ofSecond: SigningKey;
let foreign: SigningKey;
let identity: Identity;
let config: GatewayConfig;

const issuerOf = (name: string, issuer: string, rest: object = {}): object => ({ name, issuer, audience: [AUDIENCE], require: { owner: ['acme'] }, ...rest });

beforeAll(async () => {
  [key, elliptic, ofSecond, foreign] = await Promise.all([createSigningKey('one'), createSigningKey('two', 'ES256'), createSigningKey('one'), createSigningKey('one')]);
  [provider, second] = await Promise.all([startOpenIdProvider([key, elliptic]), startOpenIdProvider([ofSecond])]);
  config = gatewayConfigSchema.parse({
    identity: { issuers: [issuerOf('idp', provider.issuer, { claims: { groups: 'groups' } }), issuerOf('second', second.issuer, { claims: { email: 'email' } })] },
    policies: [
      { name: 'alice', match: { issuer: 'second', users: ['alice@example.com'] } },
      { name: 'engineers', match: { issuer: 'idp', groups: ['engineering'] } },
      { name: 'signed-in-alice', match: { users: ['alice@example.com'] } },
      { name: 'rest', match: {} },
    ],
  });
  // Each token may cause a fetch of its own, so that every one is judged.
  identity = createIdentity({ logger: pino({ level: 'silent' }), keyTiming: { cooldownMs: 0 } });
});
afterAll(async () => {
  identity.close();
  await Promise.all([provider.close(), second.close()]);
});

const judge = async (token: string): Promise<Identified> => await identity.authorityFor(config)?.identify(token, token) as Identified;
const verdict = async (token: string): Promise<string> => {
  const identified = await judge(token);
  return identified.kind === 'refused' ? identified.reason : identified.kind === 'person' ? `person with ${identified.access.rules?.name ?? 'no policy'}` : identified.kind;
};
const changed = (changes: Readonly<Record<string, unknown>>, header: object = {}, signer = key): Promise<string> => signToken(signer, goodClaims(provider.issuer, changes), { ...header });
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = (): number => Math.floor(Date.now() / 1000);

describe('a token is taken', () => {
  test('with every algorithm that the issuer is configured with', async () => {
    expect(await verdict(await changed({}))).toBe('person with rest');
    expect(await verdict(await changed({}, {}, elliptic))).toBe('person with rest');
  });

  test('within the skew of the clocks, on either side', async () => {
    expect(await verdict(await changed({ exp: now() - 30 }))).toBe('person with rest');
    expect(await verdict(await changed({ nbf: now() + 30, iat: now() + 30 }))).toBe('person with rest');
  });
});

describe('a token is refused', () => {
  test.each<[what: string, reason: string, make: () => string | Promise<string>]>([
    ['of another audience', 'token_audience', () => changed({ aud: 'another' })],
    ['without an audience', 'token_claims', () => changed({ aud: undefined })],
    ['of an issuer that only begins like ours', 'foreign', () => changed({ iss: `${provider.issuer}.evil.example` })],
    ['of an issuer with a slash more', 'foreign', () => changed({ iss: `${provider.issuer}/` })],
    ['without an issuer', 'foreign', () => changed({ iss: undefined })],
    ['that has expired', 'token_expired', () => changed({ exp: now() - 61 })],
    ['without an end', 'token_claims', () => changed({ exp: undefined })],
    ['whose end is a text', 'token_claims', () => changed({ exp: String(now() + 600) })],
    ['that is not valid yet', 'token_not_yet_valid', () => changed({ nbf: now() + 65 })],
    ['that was issued in the future', 'token_not_yet_valid', () => changed({ iat: now() + 65 })],
    ['that was issued too long ago, however long it is valid', 'token_too_old', () => changed({ iat: now() - 86_400 - 65, exp: now() + 600 })],
    ['without the time of its issue', 'token_claims', () => changed({ iat: undefined })],
    ['without a subject', 'token_claims', () => changed({ sub: undefined })],
    ['with an empty subject', 'token_claims', () => changed({ sub: '' })],
    ['without what the issuer must assert', 'token_claims', () => changed({ owner: undefined })],
    ['with another value than the issuer must assert', 'token_claims', () => changed({ owner: 'acme-evil' })],
    ['with an object where a text is required', 'token_claims', () => changed({ owner: { acme: true } })],
    ['without a signature (alg none)', 'foreign', () => `${encode({ alg: 'none' })}.${encode(goodClaims(provider.issuer))}.`],
    ['with alg none and a signature', 'token_algorithm', () => `${encode({ alg: 'none', kid: 'one' })}.${encode(goodClaims(provider.issuer))}.AAAA`],
    ['with alg None in other letters', 'token_algorithm', () => `${encode({ alg: 'nOnE', kid: 'one' })}.${encode(goodClaims(provider.issuer))}.AAAA`],
    ['signed with HS256 and the public key as the secret', 'token_algorithm', () => signWithPublicKey()],
    ['signed with an algorithm that is not configured', 'token_algorithm', async () => signToken(await asAlgorithm('RS512'), goodClaims(provider.issuer))],
    ['signed by a stranger under a known kid', 'token_signature', () => signToken(foreign, goodClaims(provider.issuer))],
    ['signed by a stranger who embeds the key (jwk)', 'token_signature', () => signToken(foreign, goodClaims(provider.issuer), { jwk: foreign.publicJwk })],
    ['signed by a stranger who embeds the key under a kid of its own', 'token_key', () => signToken(foreign, goodClaims(provider.issuer), { kid: 'mine', jwk: foreign.publicJwk })],
    ['signed by a stranger who names a place of keys (jku)', 'token_signature', () => signToken(foreign, goodClaims(provider.issuer), { jku: `${second.issuer}/jwks` })],
    ['signed by a stranger who names a certificate (x5u, x5c)', 'token_signature', () => signToken(foreign, goodClaims(provider.issuer), { x5u: 'https://evil.example/c.pem', x5c: ['AAAA'] })],
    ['with a kid that is a path', 'token_key', () => signToken(foreign, goodClaims(provider.issuer), { kid: '../../../../dev/null' })],
    ['with a kid that is a query', 'token_key', () => signToken(foreign, goodClaims(provider.issuer), { kid: '\' OR 1=1 --' })],
    ['with an extension that must be understood and is not', 'token_malformed', async () => criticalHeader(await changed({}))],
    ['with the key of the other kind under this kid', 'token_key', () => signToken({ ...elliptic, publicJwk: key.publicJwk }, goodClaims(provider.issuer))],
    ['whose payload was changed', 'token_signature', async () => tampered(await changed({ owner: 'other' }), goodClaims(provider.issuer))],
    ['whose header is no JSON', 'token_malformed', async () => `AAAA.${(await changed({})).split('.').slice(1).join('.')}`],
    ['of another issuer\'s key, whose kid is the same', 'token_signature', () => signToken(ofSecond, goodClaims(provider.issuer))],
    ['of this issuer, signed by its key, that names the other one', 'token_signature', () => signToken(key, goodClaims(second.issuer))],
    ['with five parts (an encrypted token)', 'foreign', async () => `${await changed({})}.AAAA.AAAA`],
    ['longer than any header', 'foreign', () => changed({ filler: 'x'.repeat(20_000) })],
    ['whose groups stand elsewhere because there are too many', 'token_groups', () => changed({ _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.example' } } })],
    ['that only has a sign that there are groups', 'token_groups', () => changed({ hasgroups: true })],
    ['whose groups cannot be read', 'token_groups', () => changed({ groups: { engineering: true } })],
  ])('%s: %s', async (_what, reason, make) => {
    expect(await verdict(await make())).toBe(reason);
  });

  test('and none of these tokens made the gateway ask anywhere but at the issuers', () => {
    expect(new Set([...provider.requested, ...second.requested])).toEqual(new Set(['/.well-known/openid-configuration', '/jwks']));
  });
});

describe('groups', () => {
  test('are found at a path where no claim has its very name, and cannot be read where something else stands there', () => {
    const read = (payload: JWTPayload): unknown => {
      const person = readPerson({ sub: 'robot', ...payload }, { name: 'idp', claims: { subject: 'sub', groups: 'realm_access.roles' }, trust_unverified_email: false }, { has: (group) => group !== 'choir' });
      return typeof person === 'string' ? person : person.groups;
    };
    expect(read({ realm_access: { roles: ['engineering', 'choir'] } })).toEqual(['engineering']);
    expect(read({ 'realm_access.roles': ['sales'], realm_access: { roles: ['engineering'] } })).toEqual(['sales']);
    expect([read({}), read({ realm_access: 'roles' }), read({ realm_access: { roles: { engineering: true } } })]).toEqual([[], [], 'token_groups']);
  });
});

describe('persons of different issuers', () => {
  test('with one subject are two: neither counters nor policies mix them', async () => {
    const [one, other] = [await judge(await changed({ groups: ['engineering'] })), await judge(await signToken(ofSecond, goodClaims(second.issuer, { groups: ['engineering'] })))];
    if (one.kind !== 'person' || other.kind !== 'person') throw new Error('both must be persons');
    expect(one.access.person.subject).toBe(other.access.person.subject);
    expect(one.access.counterKey).not.toBe(other.access.counterKey);
    expect([one.access.rules?.name, other.access.rules?.name]).toEqual(['engineers', 'rest']);
  });

  test('have an e-mail only where the claims of the issuer name one', async () => {
    const claims = { email: 'alice@example.com', email_verified: true };
    const [workload, person] = [await judge(await changed(claims)), await judge(await signToken(ofSecond, goodClaims(second.issuer, claims)))];
    expect(workload).toMatchObject({ access: { person: { email: undefined }, rules: { name: 'rest' } } });
    expect(person).toMatchObject({ access: { person: { email: 'alice@example.com' }, rules: { name: 'alice' } } });
  });

  test.each([[{ email_verified: false }], [{ email_verified: 'false' }], [{}], [{ email_verified: 1 }]])('have none that is not verified: %j', async (claims) => {
    expect(await judge(await signToken(ofSecond, goodClaims(second.issuer, { email: 'alice@example.com', ...claims })))).toMatchObject({ access: { person: { email: undefined }, rules: { name: 'rest' } } });
  });

  test('are not found by a subject that looks like an e-mail', async () => {
    expect(await verdict(await signToken(ofSecond, goodClaims(second.issuer, { sub: 'alice@example.com' })))).toBe('person with rest');
  });
});

async function signWithPublicKey(): Promise<string> {
  const pem = await exportSPKI(await importJWK({ ...key.publicJwk, ext: true }, 'RS256', { extractable: true }) as CryptoKey);
  const text = `${encode({ alg: 'HS256', kid: 'one' })}.${encode(goodClaims(provider.issuer))}`;
  return `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`;
}

async function asAlgorithm(algorithm: string): Promise<SigningKey> {
  return { ...key, algorithm, privateKey: await importJWK({ ...key.privateJwk, alg: algorithm }, algorithm) as CryptoKey };
}

function tampered(token: string, payload: object): string {
  const [header, , signature] = token.split('.');
  return `${header}.${encode(payload)}.${signature}`;
}

function criticalHeader(token: string): string {
  const [, payload, signature] = token.split('.');
  return `${encode({ alg: 'RS256', kid: 'one', crit: ['exp2'], exp2: 1 })}.${payload}.${signature}`;
}
