import { expect, test } from 'vitest';
import { createPageBrowser } from '@penstock/test-support';
import { DEVICE_GRANT, startTestGateway } from './support/start-test-gateway.ts';

test('a person signs in: code, provider, confirmation, token, settings, refresh, sign-out', async () => {
  await using stack = new AsyncDisposableStack();
  const gateway = await startTestGateway(stack);
  const device = await gateway.post('/oauth/device_authorization', { surface: 'claude_code' }, { 'user-agent': 'claude-code/2.1.332' });
  expect(device).toMatchObject({ status: 200, json: { verification_uri: `${gateway.base}/device`, expires_in: 600, interval: 5 } });
  const { device_code: deviceCode, user_code: userCode } = device.json as { device_code: string; user_code: string };
  expect(userCode).toMatch(/^[BCDFGHJ-NP-TV-XZ]{4}-[BCDFGHJ-NP-TV-XZ]{4}$/);
  const poll = () => gateway.post('/oauth/token', { grant_type: DEVICE_GRANT, device_code: deviceCode });
  expect(await poll()).toMatchObject({ status: 400, json: { error: 'authorization_pending' } });
  const browser = createPageBrowser();
  const page = await browser.open(`${gateway.base}/device?user_code=${userCode}`);
  expect(page.text).toContain(userCode);
  const confirm = await browser.submit(page);
  expect(confirm.text).toContain('alice@example.com');
  expect(confirm.text).toContain('claude-code/2.1.332');
  gateway.advance(5_000);
  expect(await poll()).toMatchObject({ status: 400, json: { error: 'authorization_pending' } });
  const done = await browser.submit(confirm);
  expect(done).toMatchObject({ status: 200 });
  gateway.advance(5_000);
  const { status, json } = await poll();
  expect({ status, json }).toMatchObject({ status: 200, json: { token_type: 'Bearer', expires_in: 3600, email: 'alice@example.com' } });
  const [bearer, refresh] = [String(json['access_token']), String(json['refresh_token'])];
  expect(await gateway.gateway.verify(bearer)).toMatchObject({ subject: 'alice', email: 'alice@example.com', groups: ['engineers', 'all'], name: 'Alice' });
  expect((await gateway.get('/managed/settings', bearer)).status).toBe(404);
  gateway.policies.set('alice', { settings: { model: 'opus' } });
  expect((await gateway.get('/managed/settings', bearer)).status).toBe(200);
  const next = await gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: refresh });
  expect(next).toMatchObject({ status: 200, json: { expires_in: 3600 } });
  expect(next.json['refresh_token']).not.toBe(refresh);
  expect(await gateway.post('/oauth/revoke', { token: bearer })).toMatchObject({ status: 200 });
  expect((await gateway.get('/managed/settings', bearer)).status).toBe(401);
  expect(await gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: String(next.json['refresh_token']) })).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  expect(gateway.audited.map(({ event, result }) => `${event} ${result}`)).toEqual([
    'device.authorize ok', 'device.verify ok', 'device.callback ok', 'device.approve ok', 'session.mint ok', 'settings.serve ok', 'settings.serve ok', 'session.refresh ok', 'session.revoke ok', 'session.refresh refused',
  ]);
});
