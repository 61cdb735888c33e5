import { answerAlways, createPageBrowser, startScriptedUpstream, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { hashClientKey } from '../../src/access/clients/client-key.ts';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { TEST_KEY } from '../start-test-gateway.ts';
import { startSignInGateway } from './signed-in-gateway.ts';

async function startUpstream(stack: AsyncDisposableStack): Promise<ScriptedUpstream> {
  return stack.use(await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{"type":"message"}'))));
}

const MESSAGE = { method: 'POST', body: '{"model":"claude-x","max_tokens":1,"messages":[]}' } as const;
const as = (bearer: string): Record<string, string> => ({ authorization: `Bearer ${bearer}`, 'content-type': 'application/json' });

describe('browsers at the paths of sign-in', () => {
  test('pages: may be opened from any site, judge forms themselves, and never carry a CORS field, not even for a listed origin', async () => {
    await using stack = new AsyncDisposableStack();
    const upstream = await startUpstream(stack);
    const gateway = await startSignInGateway(stack, upstream.origin, { server: { cors_origins: ['https://listed.example'] } });
    for (const site of ['cross-site', 'same-site', 'none']) expect((await gateway.get('/device', undefined, { 'sec-fetch-site': site })).status).toBe(200);
    for (const origin of ['https://evil.example', 'https://listed.example', 'null']) {
      const forged = await fetch(`${gateway.anthropic}/device`, { method: 'POST', headers: { origin, 'sec-fetch-site': 'cross-site' }, body: new URLSearchParams({ user_code: 'BBBB-BBBB' }) });
      expect([forged.status, forged.headers.get('content-type'), [...forged.headers.keys()].filter((name) => name.startsWith('access-control'))]).toEqual([403, 'text/html; charset=utf-8', []]);
    }
    const preflight = await fetch(`${gateway.anthropic}/device`, { method: 'OPTIONS', headers: { origin: 'https://listed.example', 'access-control-request-method': 'POST' } });
    expect([preflight.status, [...preflight.headers.keys()].filter((name) => name.startsWith('access-control'))]).toEqual([405, []]);
  });

  test('all other paths of sign-in: are refused to pages of other sites, and foreign hosts are refused everywhere', async () => {
    await using stack = new AsyncDisposableStack();
    const upstream = await startUpstream(stack);
    const gateway = await startSignInGateway(stack, upstream.origin);
    for (const path of ['/oauth/token', '/oauth/device_authorization', '/oauth/revoke']) {
      const answer = await fetch(gateway.anthropic + path, { method: 'POST', headers: { origin: 'https://evil.example' } });
      expect([answer.status, answer.headers.get('x-penstock-error')]).toEqual([403, 'forbidden']);
    }
    const { request } = await import('node:http');
    const status = await new Promise((resolve) => { request(`${gateway.anthropic}/device`, { headers: { host: 'evil.example' } }, (response) => { response.resume(); resolve(response.statusCode); }).end(); });
    expect(status).toBe(421);
  });
});

describe('signed-in callers', () => {
  test('a session that ends: its token is refused at once, though it was verified before', async () => {
    await using stack = new AsyncDisposableStack();
    const upstream = await startUpstream(stack);
    const gateway = await startSignInGateway(stack, upstream.origin);
    const { accessToken } = await gateway.signIn();
    const ask = (): Promise<Response> => fetch(`${gateway.anthropic}/v1/messages`, { ...MESSAGE, headers: as(accessToken) });
    expect((await ask()).status).toBe(200);
    await gateway.post('/oauth/revoke', { token: accessToken });
    const refused = await ask();
    expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([401, 'false']);
    expect(upstream.requests).toHaveLength(1);
    expect(await gateway.series('penstock_sign_in_acts_total{act="auth.refuse",result="refused"}')).toBe(1);
    await expect.poll(() => gateway.audited().at(-1)).toMatchObject({ stream: 'audit', event: 'auth.refuse', result: 'refused', reason: 'token_revoked', address: '127.0.0.1', subject: 'alice', issuer: 'sign_in' });
  });

  test('a response that is under way while its session ends and its policy goes: is delivered to its end, and the next request is refused', async () => {
    await using stack = new AsyncDisposableStack();
    const events = ['event: ping\ndata: {"type":"ping"}\n\n', 'event: message_stop\ndata: {"type":"message_stop"}\n\n'] as const;
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<undefined>();
    const upstream = stack.use(await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${events.join('').length}\r\n\r\n${events[0]}`);
      await mayEnd;
      connection.send(events[1]);
    }));
    const gateway = await startSignInGateway(stack, upstream.origin);
    const { accessToken } = await gateway.signIn();
    const open = await fetch(`${gateway.anthropic}/v1/messages`, { ...MESSAGE, headers: as(accessToken) });
    await gateway.post('/oauth/revoke', { token: accessToken });
    gateway.update(gatewayConfigSchema.parse({ ...gateway.document, anthropic_native: { base_url: upstream.origin, api_key: TEST_KEY }, policies: [{ name: 'sales', match: { groups: ['sales'] } }] }));
    expect((await fetch(`${gateway.anthropic}/v1/messages`, { ...MESSAGE, headers: as(accessToken) })).status).toBe(401);
    end(undefined);
    expect(await open.text()).toBe(events.join(''));
  });

  test('a person without a policy: may do nothing, and learns that signing in again does not help', async () => {
    await using stack = new AsyncDisposableStack();
    const upstream = await startUpstream(stack);
    const gateway = await startSignInGateway(stack, upstream.origin, { policies: [{ name: 'sales', match: { groups: ['sales'] } }] });
    const { accessToken } = await gateway.signIn();
    for (const answer of [await gateway.get('/managed/settings', accessToken), await fetch(`${gateway.anthropic}/v1/messages`, { ...MESSAGE, headers: as(accessToken) })]) {
      expect([answer.status, (await answer.json() as { error: { type: string } }).error.type]).toEqual([403, 'permission_error']);
    }
    expect(upstream.requests).toEqual([]);
  });

  test('the tokens of the identity provider: are no bearers here', async () => {
    await using stack = new AsyncDisposableStack();
    const upstream = await startUpstream(stack);
    const gateway = await startSignInGateway(stack, upstream.origin);
    let idToken = '';
    const { provider } = gateway;
    // The token endpoint's own answer, as it passes.
    provider.onTokens = (body) => { idToken = String((JSON.parse(body) as Record<string, unknown>)['id_token']); };
    await gateway.signIn();
    expect(idToken.split('.')).toHaveLength(3);
    expect((await gateway.get('/managed/settings', idToken)).status).toBe(401);
  });

  test('a client with a key: has the settings of the policy that it names, and none without', async () => {
    await using stack = new AsyncDisposableStack();
    const upstream = await startUpstream(stack);
    const [key, other] = ['pen_the-key-of-a-client-0123456789abcdefghijkl', 'pen_the-key-of-another-0123456789abcdefghijkl'];
    const gateway = await startSignInGateway(stack, upstream.origin, {
      clients: [{ name: 'build', key_sha256: hashClientKey(key), policy: 'robots' }, { name: 'plain', key_sha256: hashClientKey(other) }],
      policies: [{ name: 'base', match: {}, settings: { a: 1 } }, { name: 'robots', match: { users: ['no-one@example.com'] }, settings: { b: 2 } }],
    });
    expect((await (await gateway.get('/managed/settings', key)).json() as { settings: unknown }).settings).toEqual({ a: 1, b: 2 });
    expect((await gateway.get('/managed/settings', other)).status).toBe(404);
  });

  test('a reload: changes settings at once, and a session key that is taken away ends the tokens that it signed', async () => {
    await using stack = new AsyncDisposableStack();
    const upstream = await startUpstream(stack);
    const gateway = await startSignInGateway(stack, upstream.origin);
    const { accessToken } = await gateway.signIn();
    const reload = (changes: Readonly<Record<string, unknown>>): void => {
      gateway.update(gatewayConfigSchema.parse({ ...gateway.document, anthropic_native: { base_url: upstream.origin, api_key: TEST_KEY }, ...changes }));
    };
    expect((await gateway.get('/managed/settings', accessToken)).status).toBe(404);
    reload({ policies: [{ name: 'everyone', match: {}, settings: { a: 1 } }] });
    expect((await gateway.get('/managed/settings', accessToken)).status).toBe(200);
    const { identity } = gateway.document as { readonly identity: { readonly sign_in: Readonly<Record<string, unknown>> } };
    reload({ identity: { sign_in: { ...identity.sign_in, session_keys: ['another-key-of-a-test-0123456789abcdefgh'] } } });
    expect((await gateway.get('/managed/settings', accessToken)).status).toBe(401);
  });

  test('a telemetry batch that is too large: has an error of the API\'s form', async () => {
    await using stack = new AsyncDisposableStack();
    const upstream = await startUpstream(stack);
    const gateway = await startSignInGateway(stack, upstream.origin);
    const { accessToken } = await gateway.signIn();
    const answer = await fetch(`${gateway.anthropic}/v1/metrics`, { method: 'POST', body: Buffer.alloc(9 * 1024 * 1024), headers: as(accessToken) }).catch(() => undefined);
    if (answer !== undefined) expect([answer.status, answer.headers.get('x-penstock-error')]).toEqual([413, 'too_large']);
    expect((await fetch(`${gateway.anthropic}/v1/metrics`, { method: 'POST', body: Buffer.alloc(10), headers: as(accessToken) })).status).toBe(200);
  });

  test('readiness: warns of a store and of a provider that fail, and of neither that is back', async () => {
    await using stack = new AsyncDisposableStack();
    const upstream = await startUpstream(stack);
    const gateway = await startSignInGateway(stack, upstream.origin);
    const { refreshToken } = await gateway.signIn();
    expect(gateway.warnings()).toEqual({});
    gateway.provider.intercept = (_request, response) => {
      response.writeHead(500).end();
      return true;
    };
    expect((await gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken })).status).toBe(503);
    gateway.storeIsDown = true;
    expect((await gateway.post('/oauth/device_authorization', {})).status).toBe(503);
    const since = expect.any(Number) as number;
    expect(gateway.conditions()).toMatchObject({
      sign_in_provider: { cause: 'sign_in_provider_failing', party: 'sign_in', since }, sign_in_store: { cause: 'sign_in_store_failing', party: 'sign_in', since },
    });
    const word = (text: string): string | undefined => text.split(' ')[0];
    expect(Object.fromEntries(Object.entries(gateway.warnings()).map(([part, text]) => [part, word(text)]))).toEqual({ sign_in_provider: 'sign_in_provider_failing:', sign_in_store: 'sign_in_store_failing:' });
    gateway.provider.intercept = () => false;
    gateway.storeIsDown = false;
    expect((await gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken })).status).toBe(200);
    expect(gateway.warnings()).toEqual({});
  });

  test('a provider that fails is the fault of the network in the metrics, on the token endpoint and in the browser, and a store that fails that of the gateway', async () => {
    await using stack = new AsyncDisposableStack();
    const upstream = await startUpstream(stack);
    const gateway = await startSignInGateway(stack, upstream.origin);
    const { refreshToken } = await gateway.signIn();
    const faults = async (): Promise<readonly number[]> => Promise.all(['upstream_unreachable",fault="network', 'internal",fault="gateway'].map((labels) => gateway.sum(`penstock_request_outcomes_total{side="native",outcome="${labels}"}`)));
    gateway.provider.intercept = (request, response) => {
      if (request.url !== '/token') return false;
      response.writeHead(500).end();
      return true;
    };
    expect((await gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken })).status).toBe(503);
    await expect.poll(faults).toEqual([1, 0]);
    const device = await gateway.post('/oauth/device_authorization', {});
    const browser = createPageBrowser();
    expect((await browser.submit(await browser.open(String(device.json['verification_uri_complete'])))).status).toBe(503);
    await expect.poll(faults).toEqual([2, 0]);
    // Nothing of that is known of the API.
    expect(Object.keys(gateway.warnings())).toEqual(['sign_in_provider']);
    gateway.storeIsDown = true;
    expect((await gateway.post('/oauth/device_authorization', {})).status).toBe(503);
    await expect.poll(faults).toEqual([2, 1]);
  });

  test('a person who is denied or refused: is counted, and no code, token or query stands in log, audit log or metrics', async () => {
    await using stack = new AsyncDisposableStack();
    const upstream = await startUpstream(stack);
    const gateway = await startSignInGateway(stack, upstream.origin);
    const device = await gateway.post('/oauth/device_authorization', {});
    const browser = createPageBrowser();
    const confirm = await browser.submit(await browser.open(String(device.json['verification_uri_complete'])));
    await browser.submit(confirm, {}, 1);
    gateway.provider.accounts.set('alice', { email: 'alice@example.com', emailVerified: false });
    const second = await gateway.post('/oauth/device_authorization', {});
    const other = createPageBrowser();
    const refused = await other.submit(await other.open(String(second.json['verification_uri_complete'])));
    expect(refused.status).toBe(403);
    expect(await gateway.series('penstock_sign_ins_total{result="denied"}')).toBe(1);
    expect(await gateway.series('penstock_sign_ins_total{result="refused"}')).toBe(1);
    const written = JSON.stringify([gateway.logged, gateway.audited(), await gateway.metrics.registry.metrics()]);
    for (const { json } of [device, second]) for (const secret of [json['device_code'], json['user_code']]) expect(written).not.toContain(String(secret));
    expect(written).not.toMatch(/[?&](?:code|state)=/);
  });
});
