// Keycloak as the identity provider, with the mappers that it has by default and those that the guide names.
import { answerAlways, createPageBrowser, freePort, startScriptedUpstream, wholeResponse, type BrowsedPage, type PageBrowser } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway } from '../../start-test-gateway.ts';
import { startSignInGateway, type SignInGateway } from '../../sign-in/signed-in-gateway.ts';
import { printSkipped } from '../clients/client-cache.ts';
import { findKeycloak, startKeycloak, type Keycloak } from './keycloak.ts';

const found = findKeycloak();
printSkipped('Keycloak as identity provider', found);

const SECRET = 'the-secret-of-the-gateway';
const PASSWORD = 'the-password-of-every-user';
const MESSAGE = '{"model":"claude-x","max_tokens":1,"messages":[]}';
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

const user = (username: string, more: Readonly<Record<string, unknown>>): object => ({
  username, email: `${username}@example.com`, firstName: username, lastName: 'Doe', enabled: true, emailVerified: true, realmRoles: ['offline_access', 'author'],
  credentials: [{ type: 'password', value: PASSWORD, temporary: false }], ...more,
});
const mapper = (protocolMapper: string, config: Readonly<Record<string, string>>): object => ({ name: config['claim.name'] ?? protocolMapper, protocol: 'openid-connect', protocolMapper, config: { 'id.token.claim': 'true', 'access.token.claim': 'true', ...config } });

/** A realm as the console makes it, but that it replaces refresh tokens. */
const realm = (rotates: boolean): Readonly<Record<string, unknown>> => ({
  realm: rotates ? 'rotating' : 'acme', enabled: true, sslRequired: 'none', revokeRefreshToken: rotates, refreshTokenMaxReuse: 0,
  groups: [{ name: 'platform', subGroups: [{ name: 'core' }] }], roles: { realm: [{ name: 'author' }] },
  users: [user('alice', { groups: ['/platform/core'] }), user('bob', { emailVerified: false }), user('carol', { groups: ['/platform/core'] })],
  clients: [
    {
      clientId: 'penstock', secret: SECRET, enabled: true, redirectUris: ['http://127.0.0.1:*'],
      protocolMappers: [mapper('oidc-group-membership-mapper', { 'claim.name': 'groups', 'full.path': 'true' })],
    },
    { clientId: 'robot', secret: SECRET, enabled: true, standardFlowEnabled: false, serviceAccountsEnabled: true, protocolMappers: [mapper('oidc-audience-mapper', { 'included.custom.audience': 'penstock-api' })] },
    { clientId: 'plain', secret: SECRET, enabled: true, standardFlowEnabled: false, serviceAccountsEnabled: true },
  ],
});

describe.skipIf('missing' in found)('Keycloak', () => {
  const running = new AsyncDisposableStack();
  let keycloak: Keycloak;
  beforeAll(async () => {
    if ('missing' in found) throw new Error(found.missing);
    keycloak = await startKeycloak(running, found.folder, await freePort(), [realm(false), realm(true)]);
  }, 300_000);
  afterAll(() => running.disposeAsync());

  const issuerOf = (name: string): string => `${keycloak.origin}/realms/${name}`;

  async function startGateway(stack: AsyncDisposableStack, name: string, oidc: Readonly<Record<string, unknown>> = {}): Promise<SignInGateway> {
    const upstream = stack.use(await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{"type":"message"}'))));
    return startSignInGateway(stack, upstream.origin, {
      policies: [{ name: 'base', match: {} }, { name: 'core', match: { groups: ['/platform/core'] }, settings: { model: 'opus' } }, { name: 'authors', match: { groups: ['author'] }, settings: { model: 'sonnet' } }],
      sign_in: { oidc: { issuer: issuerOf(name), client_id: 'penstock', client_secret: SECRET, ...oidc } },
    });
  }

  /** Goes as far as the page after Keycloak's own. */
  async function logIn(gateway: SignInGateway, username: string): Promise<{ readonly deviceCode: string; readonly browser: PageBrowser; readonly page: BrowsedPage }> {
    const { json } = await gateway.post('/oauth/device_authorization', { surface: 'claude_code' });
    const browser = createPageBrowser();
    const form = await browser.submit(await browser.open(String(json['verification_uri_complete'])));
    return { deviceCode: String(json['device_code']), browser, page: await browser.submit({ ...form, text: form.text.replaceAll('&amp;', '&') }, { username, password: PASSWORD }) };
  }

  async function signIn(gateway: SignInGateway, username: string): Promise<{ readonly accessToken: string; readonly refreshToken: string }> {
    const { deviceCode, browser, page } = await logIn(gateway, username);
    expect([page.url, page.status]).toEqual([`${gateway.anthropic}/device/confirm`, 200]);
    expect(page.text).toContain(`${username}@example.com`);
    await browser.submit(page);
    const { json } = await gateway.post('/oauth/token', { grant_type: DEVICE_GRANT, device_code: deviceCode });
    return { accessToken: String(json['access_token']), refreshToken: String(json['refresh_token']) };
  }

  const refresh = async (gateway: SignInGateway, refreshToken: string): Promise<readonly [number, unknown, string]> => {
    const { status, json } = await gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken });
    return [status, json['error'], String(json['refresh_token'])];
  };
  const modelOf = async (gateway: SignInGateway, accessToken: string): Promise<unknown> => {
    const answer = await gateway.get('/managed/settings', accessToken);
    return answer.status === 200 ? (await answer.json() as { readonly settings: { readonly model?: string } }).settings.model : answer.status;
  };

  test.each(['acme', 'rotating'])('realm %s: a person signs in, has the policy of the group with its path, and each refresh asks until the account is blocked', async (name) => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startGateway(stack, name);
    const { accessToken, refreshToken } = await signIn(gateway, 'alice');
    expect(await modelOf(gateway, accessToken)).toBe('opus');
    const asked = await fetch(`${gateway.anthropic}/v1/messages`, { method: 'POST', body: MESSAGE, headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` } });
    expect(asked.status).toBe(200);
    const [, , second] = await refresh(gateway, refreshToken);
    const [status, , third] = await refresh(gateway, second);
    expect(status).toBe(200);
    const [{ id }] = await (await keycloak.administer('GET', `/${name}/users?username=alice&exact=true`)).json() as [{ readonly id: string }];
    await keycloak.administer('PUT', `/${name}/users/${id}`, { enabled: false });
    expect((await refresh(gateway, third)).slice(0, 2)).toEqual([400, 'invalid_grant']);
    expect((await gateway.get('/managed/settings', accessToken)).status).toBe(401);
    await expect.poll(() => gateway.audited().map(({ event, reason }) => `${String(event)} ${String(reason)}`)).toContain('session.revoke invalid_grant');
  });

  test('a person whose e-mail is not marked as verified, as the console makes users: is refused', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startGateway(stack, 'acme');
    const { page } = await logIn(gateway, 'bob');
    expect(page.status).toBe(403);
    await expect.poll(() => gateway.audited().at(-1)).toMatchObject({ event: 'device.callback', result: 'refused', reason: 'email_unverified' });
  });

  test('realm roles as groups: are none by default, for Keycloak puts them into the access token alone, and count with a mapper into the ID token', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startGateway(stack, 'acme', { claims: { groups: 'realm_access.roles', email: 'email' } });
    expect(await modelOf(gateway, (await signIn(gateway, 'carol')).accessToken)).toBe(404);
    const [{ id }] = await (await keycloak.administer('GET', '/acme/clients?clientId=penstock')).json() as [{ readonly id: string }];
    await keycloak.administer('POST', `/acme/clients/${id}/protocol-mappers/models`, mapper('oidc-usermodel-realm-role-mapper', { 'claim.name': 'realm_access.roles', multivalued: 'true', 'jsonType.label': 'String' }));
    expect(await modelOf(gateway, (await signIn(gateway, 'carol')).accessToken)).toBe('sonnet');
  });

  test('a token of a service account: is accepted with the audience of a mapper alone, also at once after the realm got a new signing key', async () => {
    await using stack = new AsyncDisposableStack();
    const upstream = stack.use(await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}'))));
    const gateway = stack.use(await startTestGateway(upstream.origin, {
      identity: { issuers: [{ name: 'keycloak', issuer: issuerOf('acme'), audience: ['penstock-api'], require: { azp: ['robot', 'plain'] }, claims: { groups: 'realm_access.roles' } }] },
      policies: [{ name: 'machines', match: { issuer: 'keycloak', groups: ['offline_access'] } }],
    }));
    const ask = async (client: string): Promise<number> => {
      const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: client, client_secret: SECRET });
      const { access_token: token } = await (await fetch(`${issuerOf('acme')}/protocol/openid-connect/token`, { method: 'POST', body: form })).json() as { readonly access_token: string };
      return (await fetch(`${gateway.anthropic}/v1/messages`, { method: 'POST', body: MESSAGE, headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` } })).status;
    };
    expect([await ask('robot'), await ask('plain')]).toEqual([200, 401]);
    const { id } = await (await keycloak.administer('GET', '/acme')).json() as { readonly id: string };
    await keycloak.administer('POST', '/acme/components', { name: 'newer', providerId: 'rsa-generated', providerType: 'org.keycloak.keys.KeyProvider', parentId: id, config: { priority: ['200'], active: ['true'], enabled: ['true'] } });
    expect(await ask('robot')).toBe(200);
  });
});
