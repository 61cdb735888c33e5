import { answerAlways, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { SIGN_IN_PATHS } from '../../src/native/explain-path.ts';
import { startTestGateway } from '../start-test-gateway.ts';
import { startSignInGateway } from './signed-in-gateway.ts';

const BODY = '{"model": "claude-x",  "max_tokens":1.50, "messages":[]}';
const ANSWER = '{"type":"message",  "id":"msg_1"}';

async function startUpstream(stack: AsyncDisposableStack): Promise<Awaited<ReturnType<typeof startScriptedUpstream>>> {
  const upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], ANSWER)));
  stack.defer(() => upstream.close());
  return upstream;
}

test('sign-in: a person signs in at the gateway, asks a model byte for byte, reads settings, refreshes and signs out', async () => {
  await using stack = new AsyncDisposableStack();
  const upstream = await startUpstream(stack);
  const gateway = await startSignInGateway(stack, upstream.origin, { policies: [{ name: 'base', match: {}, settings: { env: { A: '1' } } }, { name: 'engineers', match: { groups: ['engineers'] }, settings: { model: 'opus', env: { B: '2' } } }] });
  const discovery = await gateway.get('/.well-known/oauth-authorization-server');
  expect(await discovery.json()).toMatchObject({ issuer: gateway.anthropic, token_endpoint: `${gateway.anthropic}/oauth/token` });
  const { accessToken, refreshToken } = await gateway.signIn();

  const message = await fetch(`${gateway.anthropic}/v1/messages?beta=true`, { method: 'POST', body: BODY, headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json', 'x-claude-code-session-id': 'a-session' } });
  expect([message.status, await message.text()]).toEqual([200, ANSWER]);
  const [asked] = upstream.requests;
  expect(asked?.body.toString()).toBe(BODY);
  expect(JSON.stringify(asked?.rawHeaders)).not.toContain(accessToken);

  const settings = await gateway.get('/managed/settings', accessToken);
  expect(await settings.json()).toMatchObject({ settings: { model: 'opus', env: { A: '1', B: '2' } } });
  expect((await gateway.get('/managed/settings', accessToken, { 'if-none-match': settings.headers.get('etag') ?? '' })).status).toBe(304);

  const refreshed = await gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken });
  expect(refreshed.status).toBe(200);
  expect((await gateway.post('/oauth/revoke', { token: accessToken })).status).toBe(200);
  for (const token of [accessToken, String(refreshed.json['access_token'])]) {
    const refused = await gateway.get('/managed/settings', token);
    expect([refused.status, refused.headers.get('x-should-retry'), (await refused.json() as { error: { type: string } }).error.type]).toEqual([401, 'false', 'authentication_error']);
  }
  expect(await gateway.series('penstock_sign_ins_total{result="ok"}')).toBe(1);
  expect(await gateway.series('penstock_sign_in_acts_total{act="session.revoke",result="ok"}')).toBe(1);
  expect(await gateway.sum('penstock_requests_total{route="/anthropic/managed/settings",client="engineers"}')).toBe(2);
  await expect.poll(() => gateway.audited().map(({ event, result }) => `${String(event)} ${String(result)}`)).toEqual([
    'device.authorize ok', 'device.verify ok', 'device.callback ok', 'device.approve ok', 'session.mint ok', 'settings.serve ok', 'settings.serve ok', 'session.refresh ok', 'session.revoke ok',
    'auth.refuse refused', 'auth.refuse refused',
  ]);
  const written = JSON.stringify([gateway.logged, gateway.audited(), await gateway.metrics.registry.metrics()]);
  for (const secret of [accessToken, refreshToken]) expect(written).not.toContain(secret);
});

test('sign-in that is off: its paths are 404 without a key, and its metrics do not exist', async () => {
  await using stack = new AsyncDisposableStack();
  const upstream = await startUpstream(stack);
  await using gateway = await startTestGateway(upstream.origin, { clients: [{ name: 'a', key_sha256: 'a'.repeat(64) }] });
  for (const path of SIGN_IN_PATHS) {
    const answers = [await fetch(gateway.origin + path), await fetch(gateway.origin + path, { method: 'POST' })];
    expect(answers.map(({ status }) => status), path).toEqual([404, 404]);
  }
  expect(await gateway.metrics.registry.metrics()).not.toContain('penstock_sign_in');
  expect(upstream.requests).toEqual([]);
});

test('sign-in that is on: serves exactly the paths that are 404 without it', async () => {
  await using stack = new AsyncDisposableStack();
  const upstream = await startUpstream(stack);
  const gateway = await startSignInGateway(stack, upstream.origin);
  const statuses = await Promise.all([...SIGN_IN_PATHS].map(async (path) => [path, (await fetch(gateway.origin + path, { method: 'DELETE' })).status]));
  expect(statuses).toEqual([...SIGN_IN_PATHS].map((path) => [path, 405]));
  expect(await gateway.sum('penstock_requests_total{status="405",client="unauthenticated"}')).toBe(SIGN_IN_PATHS.size);
});
