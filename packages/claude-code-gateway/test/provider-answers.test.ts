import { Buffer } from 'node:buffer';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createPageBrowser, PROVIDER_CLIENT_ID, PROVIDER_CLIENT_SECRET } from '@penstock/test-support';
import { exportJWK, SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { createClaudeCodeGateway, openSqliteDatabase } from '../src/index.ts';
import { hasGroupOverage } from '../src/provider/read-claims.ts';
import { isRefusedAddress } from '../src/provider/refused-addresses.ts';
import { SESSION_KEY, startTestGateway, type TestGateway } from './support/start-test-gateway.ts';

const now = (): number => Math.floor(Date.now() / 1000);
const KEYS = generateKeyPairSync('rsa', { modulusLength: 2048 });
const OTHER_KEYS = generateKeyPairSync('rsa', { modulusLength: 2048 });

interface Forgery {
  readonly gateway: TestGateway;
  readonly nonce: string;
}

const claimsOf = ({ gateway, nonce }: Forgery): Record<string, unknown> => ({
  iss: gateway.provider.issuer, aud: PROVIDER_CLIENT_ID, sub: 'alice', nonce, iat: now(), exp: now() + 600, email: 'alice@example.com', email_verified: true, groups: ['engineers'],
});
const sign = (claims: Record<string, unknown>, key: KeyObject | Uint8Array = KEYS.privateKey, header: Record<string, unknown> = {}): Promise<string> => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'k', ...header }).sign(key);

/** A sign-in in which the provider's token endpoint answers with an ID token of the test's own; where the browser ends. */
async function signInWith(gateway: TestGateway, forge: (forgery: Forgery) => string | Promise<string>): Promise<number> {
  const jwk = { ...await exportJWK(KEYS.publicKey), kid: 'k', alg: 'RS256', use: 'sig' };
  let nonce = '';
  gateway.provider.intercept = (request, response) => {
    const url = request.url ?? '';
    if (url.startsWith('/auth?')) nonce = new URLSearchParams(url.slice(6)).get('nonce') ?? '';
    const answer = (body: unknown): boolean => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      return true;
    };
    if (url === '/jwks') return answer({ keys: [jwk] });
    if (url !== '/token') return false;
    void Promise.resolve(forge({ gateway, nonce })).then((idToken) => answer({ access_token: 'a', token_type: 'Bearer', expires_in: 60, id_token: idToken }));
    return true;
  };
  const device = await gateway.post('/oauth/device_authorization', {});
  const browser = createPageBrowser();
  return (await browser.submit(await browser.open(String(device.json['verification_uri_complete'])))).status;
}

const FORGERIES: ReadonlyArray<readonly [string, (forgery: Forgery) => string | Promise<string>]> = [
  ['without a signature (none)', (forgery) => new UnsecuredJWT(claimsOf(forgery)).encode()],
  ['of another key', (forgery) => sign(claimsOf(forgery), OTHER_KEYS.privateKey)],
  ['of another key that it brings along', async (forgery) => sign(claimsOf(forgery), OTHER_KEYS.privateKey, { jwk: await exportJWK(OTHER_KEYS.publicKey) })],
  ['of HS256 with the public key', (forgery) => sign(claimsOf(forgery), Buffer.from(KEYS.publicKey.export({ type: 'spki', format: 'pem' })), { alg: 'HS256' })],
  ['of HS256 with the client secret', (forgery) => sign(claimsOf(forgery), Buffer.from(PROVIDER_CLIENT_SECRET), { alg: 'HS256' })],
  ['of a key that is not known', (forgery) => sign(claimsOf(forgery), KEYS.privateKey, { kid: 'unknown' })],
  ['of another issuer', (forgery) => sign({ ...claimsOf(forgery), iss: 'https://evil.example' })],
  ['for another client', (forgery) => sign({ ...claimsOf(forgery), aud: 'other' })],
  ['for several clients, issued to another one', (forgery) => sign({ ...claimsOf(forgery), aud: [PROVIDER_CLIENT_ID, 'other'], azp: 'other' })],
  ['with another nonce', (forgery) => sign({ ...claimsOf(forgery), nonce: 'other' })],
  ['without a nonce', (forgery) => sign({ ...claimsOf(forgery), nonce: undefined })],
  ['that expired 6 minutes ago', (forgery) => sign({ ...claimsOf(forgery), iat: now() - 900, exp: now() - 360 })],
  ['that is valid in 6 minutes', (forgery) => sign({ ...claimsOf(forgery), iat: now() + 360, nbf: now() + 360 })],
  ['without a subject', (forgery) => sign({ ...claimsOf(forgery), sub: undefined })],
];

describe('ID tokens of the provider', () => {
  test.each(FORGERIES)('an ID token %s: signs no person in', async (_name, forge) => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    expect(await signInWith(gateway, forge)).toBeGreaterThanOrEqual(400);
    expect(gateway.audited.at(-1)?.result).not.toBe('ok');
  });

  test.each([
    ['as it should be', (forgery: Forgery) => sign(claimsOf(forgery))],
    ['of a provider whose clock is 3 minutes ahead', (forgery: Forgery) => sign({ ...claimsOf(forgery), iat: now() + 180, nbf: now() + 180, exp: now() + 780 })],
    ['of a provider whose clock is 3 minutes behind, short-lived', (forgery: Forgery) => sign({ ...claimsOf(forgery), iat: now() - 240, exp: now() - 180 })],
  ] as const)('an ID token %s: is accepted by the same test', async (_name, forge) => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    expect(await signInWith(gateway, forge)).toBe(200);
    expect(gateway.audited.at(-1)).toMatchObject({ event: 'device.callback', result: 'ok', subject: 'alice' });
  });

  test('groups that the provider left out because there are too many: refuse the sign-in', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    expect(await signInWith(gateway, (forgery) => sign({ ...claimsOf(forgery), groups: undefined, _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.example' } } }))).toBe(403);
    expect(gateway.audited.at(-1)).toMatchObject({ result: 'refused', reason: 'group_overage' });
    expect([hasGroupOverage({ hasgroups: true }, 'groups'), hasGroupOverage({ hasgroups: true, groups: [] }, 'groups'), hasGroupOverage({ hasgroups: true }, undefined)]).toEqual([true, false, false]);
  });

  test('rotated signing keys: the next sign-in and the next refresh use the new ones', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    // The provider of the test signs with its own key, then with the test's.
    await gateway.signIn();
    expect(await signInWith(gateway, (forgery) => sign(claimsOf(forgery)))).toBe(200);
    gateway.provider.intercept = () => false;
    const token = await gateway.signIn();
    expect((await gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: String(token['refresh_token']) })).status).toBe(200);
  });
});

describe('addresses', () => {
  test.each(['169.254.169.254', '169.254.1.1', '0.0.0.0', '100.100.100.200', '168.63.129.16', '224.0.0.1', '::', 'fe80::1', 'fd00:ec2::254', '::ffff:169.254.169.254', '64:ff9b::a9fe:a9fe', 'nonsense'])('%s: is never connected to', (address) => {
    expect(isRefusedAddress(address)).toBe(true);
  });

  test.each(['10.0.0.1', '192.168.1.1', '127.0.0.1', '::1', 'fd12::1', '203.0.113.5'])('%s: may be a provider', (address) => {
    expect(isRefusedAddress(address)).toBe(false);
  });

  test.each(['http://169.254.169.254', 'http://idp.example', 'https://169.254.169.254', 'https://[fe80::1]'])('a provider at %s: is not asked', async (issuer) => {
    const audited: string[] = [];
    const gateway = createClaudeCodeGateway({
      publicUrl: 'http://127.0.0.1:1', sessionKeys: [SESSION_KEY], database: openSqliteDatabase(':memory:'), audit: ({ event, result, reason }) => { audited.push(`${event} ${result} ${reason ?? ''}`); },
      provider: { issuer, clientId: 'a', scopes: ['openid'], claims: {}, timeoutMs: 1_000 },
    });
    const route = (path: string) => {
      const found = gateway.routes.get(path);
      if (found?.access !== 'open') throw new Error('an open route');
      return (more: { readonly method: string; readonly headers?: Record<string, string>; readonly body?: string }) => found.handle({ query: '', address: '192.0.2.1', headers: {}, ...more, body: Buffer.from(more.body ?? '') });
    };
    const device = JSON.parse((await route('/oauth/device_authorization')({ method: 'POST' })).body.toString()) as { user_code: string };
    const page = await route('/device')({ method: 'GET' });
    const cookie = page.headers[page.headers.indexOf('set-cookie') + 1]?.split(';')[0] ?? '';
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.body.toString())?.[1] ?? '';
    const headers = { origin: 'http://127.0.0.1:1', cookie, 'content-type': 'application/x-www-form-urlencoded' };
    const posted = await route('/device')({ method: 'POST', headers, body: new URLSearchParams({ csrf, user_code: device.user_code }).toString() });
    expect([posted.status, posted.failedPart]).toEqual([503, 'provider']);
    expect(audited.at(-1)).toBe('device.verify unavailable provider');
    await gateway.close();
  });

  test('a provider whose discovery document names a token endpoint elsewhere in clear text: is not asked there', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    gateway.provider.intercept = (request, response) => {
      if (request.url !== '/.well-known/openid-configuration') return false;
      const { issuer } = gateway.provider;
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: 'http://169.254.169.254/token', jwks_uri: `${issuer}/jwks` }));
      return true;
    };
    const device = await gateway.post('/oauth/device_authorization', {});
    const browser = createPageBrowser();
    const end = await browser.submit(await browser.open(String(device.json['verification_uri_complete'])));
    expect(end.status).toBe(503);
    expect(gateway.audited.at(-1)).toMatchObject({ event: 'device.callback', result: 'unavailable' });
  });
});
