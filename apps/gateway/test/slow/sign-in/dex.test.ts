// Dex as the identity provider: a real one in another language, with its own idea of scopes, subjects and errors.
import { answerAlways, freePort, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { startTestGateway } from '../../start-test-gateway.ts';
import { startSignInGateway, type SignInGateway } from '../../sign-in/signed-in-gateway.ts';
import { printSkipped } from '../clients/client-cache.ts';
import { findDex, startDex } from './dex.ts';

const dex = findDex();
printSkipped('Dex as identity provider', dex);

const GATEWAY = { id: 'penstock', secret: 'the-secret-of-the-gateway' };
const CLI = { id: 'cli', secret: 'the-secret-of-another-client', redirectUri: 'http://127.0.0.1:1/callback' };
const MESSAGE = '{"model":"claude-x","max_tokens":1,"messages":[]}';

async function startWithDex(stack: AsyncDisposableStack): Promise<{ readonly gateway: SignInGateway; readonly issuer: string; restart(): Promise<void> }> {
  if ('missing' in dex) throw new Error(dex.missing);
  const { folder } = dex;
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}/dex`;
  const upstream = stack.use(await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{"type":"message"}'))));
  const gateway = await startSignInGateway(stack, upstream.origin, {
    policies: [{ name: 'base', match: {} }, { name: 'authors', match: { groups: ['authors'] }, settings: { model: 'opus' } }],
    sign_in: { oidc: { issuer, client_id: GATEWAY.id, client_secret: GATEWAY.secret, scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'] } },
  });
  const clients = [{ ...GATEWAY, redirectUri: `${gateway.anthropic}/oauth/callback` }, CLI];
  let running = await startDex(stack, folder, port, clients);
  return {
    gateway, issuer,
    async restart() {
      await running.stop();
      running = await startDex(stack, folder, port, clients);
    },
  };
}

/** An ID token of another client of Dex, by the authorization code. */
async function idTokenOf(issuer: string): Promise<string> {
  let url = `${issuer}/auth?${new URLSearchParams({ client_id: CLI.id, redirect_uri: CLI.redirectUri, response_type: 'code', scope: 'openid email groups', state: 's' }).toString()}`;
  while (!url.startsWith(CLI.redirectUri)) {
    const answer = await fetch(url, { redirect: 'manual' });
    const location = answer.headers.get('location');
    if (location === null) throw new Error(`Dex does not redirect: ${answer.status} ${await answer.text()}`);
    url = new URL(location, url).href;
  }
  const form = new URLSearchParams({ grant_type: 'authorization_code', code: new URL(url).searchParams.get('code') ?? '', redirect_uri: CLI.redirectUri });
  const tokens = await fetch(`${issuer}/token`, { method: 'POST', body: form, headers: { authorization: `Basic ${Buffer.from(`${CLI.id}:${CLI.secret}`).toString('base64')}` } });
  return String((await tokens.json() as Record<string, unknown>)['id_token']);
}

describe.skipIf('missing' in dex)('Dex', () => {
  test('a person signs in through it, has the policy of the group that it names, and each refresh asks it', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway } = await startWithDex(stack);
    const { accessToken, refreshToken } = await gateway.signIn();
    expect(await (await gateway.get('/managed/settings', accessToken)).json()).toMatchObject({ settings: { model: 'opus' } });
    const asked = await fetch(`${gateway.anthropic}/v1/messages`, { method: 'POST', body: MESSAGE, headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` } });
    expect(asked.status).toBe(200);
    const first = await gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken });
    const second = await gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: String(first.json['refresh_token']) });
    expect([first.status, second.status]).toEqual([200, 200]);
    await expect.poll(() => gateway.audited().map(({ event, result, email }) => `${String(event)} ${String(result)} ${String(email)}`)).toContain('session.refresh ok kilgore@kilgore.trout');
  });

  test('a session that it forgot gets no further token: its answer is no invalid_grant, so the session is not ended either', async () => {
    await using stack = new AsyncDisposableStack();
    const withDex = await startWithDex(stack);
    const { gateway } = withDex;
    const { accessToken, refreshToken } = await gateway.signIn();
    await withDex.restart();
    const refreshed = await gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken });
    expect([refreshed.status, refreshed.json['error']]).toEqual([503, 'temporarily_unavailable']);
    expect((await gateway.get('/managed/settings', accessToken)).status).toBe(200);
    await expect.poll(() => gateway.audited().at(-2)).toMatchObject({ event: 'session.refresh', result: 'unavailable', reason: 'provider_invalid_request' });
  });

  test('its ID token for another client: is no bearer of sign-in, and a person of its own where Dex is listed for that audience', async () => {
    await using stack = new AsyncDisposableStack();
    const { gateway, issuer } = await startWithDex(stack);
    const token = await idTokenOf(issuer);
    expect((await gateway.get('/managed/settings', token)).status).toBe(401);
    const upstream = stack.use(await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}'))));
    const listing = stack.use(await startTestGateway(upstream.origin, {
      identity: { issuers: [{ name: 'dex', issuer, audience: [CLI.id], require: { email_verified: ['true'] }, claims: { email: 'email', groups: 'groups' } }] },
      policies: [{ name: 'machines', match: { issuer: 'dex', groups: ['authors'] } }],
    }));
    const asked = await fetch(`${listing.anthropic}/v1/messages`, { method: 'POST', body: MESSAGE, headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` } });
    expect(asked.status).toBe(200);
    const [line] = await listing.recorded(1);
    expect(line).toMatchObject({ client: 'machines', email: 'kilgore@kilgore.trout', groups: ['authors'] });
    expect(String(line?.['person'])).toMatch(/^dex:/);
  });
});
