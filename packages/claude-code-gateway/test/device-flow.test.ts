import { describe, expect, test } from 'vitest';
import { createPageBrowser } from '@penstock/test-support';
import { DEVICE_GRANT, startTestGateway, type TestGateway } from './support/start-test-gateway.ts';

const poll = (gateway: TestGateway, deviceCode: unknown) => gateway.post('/oauth/token', { grant_type: DEVICE_GRANT, device_code: String(deviceCode) });
const begin = async (gateway: TestGateway): Promise<{ device_code: string; user_code: string }> => (await gateway.post('/oauth/device_authorization', {})).json as { device_code: string; user_code: string };

describe('discovery', () => {
  test('discovery: names three endpoints of its own origin, below the mount, whatever Host the request names', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const answer = await gateway.get('/.well-known/oauth-authorization-server', undefined, { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' });
    expect(await answer.json()).toEqual({
      issuer: gateway.base, device_authorization_endpoint: `${gateway.base}/oauth/device_authorization`, token_endpoint: `${gateway.base}/oauth/token`,
      revocation_endpoint: `${gateway.base}/oauth/revoke`, grant_types_supported: [DEVICE_GRANT, 'refresh_token'], response_types_supported: [],
      token_endpoint_auth_methods_supported: ['none'], revocation_endpoint_auth_methods_supported: ['none'], scopes_supported: ['openid', 'profile', 'email'], gateway_protocol_version: 1,
    });
    const page = await gateway.get('/protocol');
    expect(page.headers.get('content-type')).toBe('text/markdown; charset=utf-8');
    expect(await page.text()).toContain(`Gateway URL: \`${gateway.base}\``);
  });
});

describe('device authorization', () => {
  test.each([
    ['the form of the client', new URLSearchParams({ surface: 'claude_code' })],
    ['a form of tomorrow', new URLSearchParams({ surface: 'x', client_id: 'y', scope: 'z' })],
    ['no body', undefined],
    ['JSON', JSON.stringify({ surface: 'claude_code' })],
  ])('device authorization: takes %s, and its answer is not to be stored', async (_name, body) => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const answer = await fetch(`${gateway.base}/oauth/device_authorization`, { method: 'POST', ...(body === undefined ? {} : { body }) });
    expect({ status: answer.status, cache: answer.headers.get('cache-control'), pragma: answer.headers.get('pragma') }).toEqual({ status: 200, cache: 'no-store', pragma: 'no-cache' });
    const { device_code: deviceCode, user_code: userCode, ...rest } = await answer.json() as Record<string, string>;
    expect(deviceCode).toMatch(/^[\w-]{43}$/);
    expect(rest).toEqual({ verification_uri: `${gateway.base}/device`, verification_uri_complete: `${gateway.base}/device?user_code=${userCode}`, expires_in: 600, interval: 5 });
  });

  test('device authorization: GET is not served', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    expect((await gateway.get('/oauth/device_authorization')).status).toBe(405);
  });

  test('device authorization: more than 30 in 10 minutes from one address are slowed down, and the window passes', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    for (let count = 0; count < 30; count += 1) expect((await gateway.post('/oauth/device_authorization', {})).status).toBe(200);
    const refused = await gateway.post('/oauth/device_authorization', {});
    expect(refused).toMatchObject({ status: 400, json: { error: 'slow_down' } });
    expect(refused.headers.get('retry-after')).toBe('600');
    expect(gateway.audited.at(-1)).toMatchObject({ event: 'device.authorize', result: 'refused', reason: 'rate_limited' });
    gateway.advance(600_000);
    expect((await gateway.post('/oauth/device_authorization', {})).status).toBe(200);
  });

  test('device authorization: no more sign-ins are under way than the limit', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack, { limits: { maxPendingGrants: 2 } });
    expect([(await begin(gateway)).user_code, (await begin(gateway)).user_code]).toHaveLength(2);
    expect(await gateway.post('/oauth/device_authorization', {})).toMatchObject({ json: { error: 'slow_down' } });
  });
});

describe('token endpoint, device grant', () => {
  test.each([
    ['an unknown code', { grant_type: DEVICE_GRANT, device_code: 'unknown' }, 400, 'expired_token'],
    ['no code', { grant_type: DEVICE_GRANT }, 400, 'invalid_request'],
    ['an unknown grant', { grant_type: 'password', username: 'a', password: 'b' }, 400, 'unsupported_grant_type'],
    ['no grant', { device_code: 'a' }, 400, 'invalid_request'],
    ['a refresh without a token', { grant_type: 'refresh_token' }, 400, 'invalid_request'],
    ['an unknown refresh token', { grant_type: 'refresh_token', refresh_token: 'penr_unknown' }, 400, 'invalid_grant'],
  ] as const)('token endpoint: %s is an error in the form of OAuth', async (_name, form, status, error) => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const answer = await gateway.post('/oauth/token', form);
    expect(answer).toMatchObject({ status, json: { error } });
    expect(Object.keys(answer.json)).toEqual(['error', 'error_description']);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test.each([
    ['JSON', JSON.stringify({ grant_type: DEVICE_GRANT, device_code: 'a' }), 'application/json'],
    ['a field that stands twice', `grant_type=${DEVICE_GRANT}&device_code=a&device_code=b`, 'application/x-www-form-urlencoded'],
    ['nothing', '', 'application/x-www-form-urlencoded'],
  ])('token endpoint: %s as body is an invalid request', async (_name, body, type) => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const answer = await fetch(`${gateway.base}/oauth/token`, { method: 'POST', body, headers: { 'content-type': type } });
    expect([answer.status, (await answer.json() as { error: string }).error]).toEqual([400, 'invalid_request']);
  });

  test('token endpoint: a token in the query is not looked at', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const token = await gateway.signIn();
    const answer = await fetch(`${gateway.base}/oauth/token?grant_type=refresh_token&refresh_token=${String(token['refresh_token'])}`, { method: 'POST' });
    expect(answer.status).toBe(400);
    expect((await gateway.get(`/managed/settings?access_token=${String(token['access_token'])}`)).status).toBe(401);
  });

  test('polling: faster than the interval is slowed down, a little early is not', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { device_code: code } = await begin(gateway);
    expect((await poll(gateway, code)).json['error']).toBe('authorization_pending');
    expect((await poll(gateway, code)).json['error']).toBe('slow_down');
    gateway.advance(4_700);
    expect((await poll(gateway, code)).json['error']).toBe('authorization_pending');
  });

  test('a device code: expires after 10 minutes, for the device and the browser', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { device_code: code, user_code: userCode } = await begin(gateway);
    const browser = createPageBrowser();
    gateway.advance(600_000);
    expect((await poll(gateway, code)).json['error']).toBe('expired_token');
    const page = await browser.submit(await browser.open(`${gateway.base}/device?user_code=${userCode}`));
    expect([page.status, page.text.includes('has expired')]).toEqual([400, true]);
  });

  test('a device code: is redeemed once, also by two requests at once, and a replay is refused and audited', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack, { limits: { pollIntervalSeconds: 1 } });
    const { device_code: code, user_code: userCode } = await begin(gateway);
    const browser = createPageBrowser();
    const confirm = await browser.submit(await browser.open(`${gateway.base}/device?user_code=${userCode}`));
    await browser.submit(confirm);
    const answers = await Promise.all([poll(gateway, code), poll(gateway, code), poll(gateway, code)]);
    expect(answers.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([200, 400, 400]);
    gateway.advance(5_000);
    expect((await poll(gateway, code)).json['error']).toBe('expired_token');
    expect(gateway.audited.at(-1)).toMatchObject({ event: 'session.mint', result: 'refused', reason: 'replayed_code' });
  });

  test('a sign-in that the person denies: access_denied', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { device_code: code, user_code: userCode } = await begin(gateway);
    const browser = createPageBrowser();
    const confirm = await browser.submit(await browser.open(`${gateway.base}/device?user_code=${userCode}`));
    expect((await browser.submit(confirm, {}, 1)).text).toContain('was denied');
    expect((await poll(gateway, code)).json['error']).toBe('access_denied');
    expect(gateway.audited.at(-1)).toMatchObject({ event: 'device.deny', email: 'alice@example.com' });
  });
});
