// What Claude Code sends and asks once a person has signed in, and what attackers send in its place.
import { Buffer } from 'node:buffer';
import { generateKeyPairSync } from 'node:crypto';
import { fieldValues, startScriptedUpstream, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { decodeJwt, SignJWT, UnsecuredJWT } from 'jose';
import { expect, test } from 'vitest';
import { TEST_KEY } from '../start-test-gateway.ts';
import { SESSION_KEY, startSignInGateway, type SignInGateway } from './signed-in-gateway.ts';

const MODELS = JSON.stringify({ data: ['claude-opus-4-8', 'claude-haiku-4-5'].map((id) => ({ type: 'model', id, display_name: id })), has_more: false, first_id: 'claude-opus-4-8', last_id: 'claude-haiku-4-5' });
const BODY = '{"model":"claude-haiku-4-5", "max_tokens":1.50,"safeguards":{"mode":"auto"},"tags":{"team":"a"},"messages":[],"model_extra":12345678901234567890}';
/** As the client of version 2.1.332 sends them, the opt-in hints included, and one of tomorrow. */
const CLIENT_FIELDS = {
  'user-agent': 'claude-cli/2.1.332 (external, cli)', 'anthropic-version': '2023-06-01', 'anthropic-beta': 'claude-code-20250219,effort-2025-11-24,of-tomorrow-2027-01-01',
  'anthropic-dangerous-direct-browser-access': 'true', 'x-app': 'cli', 'x-claude-code-session-id': '7e0d6f4e-0000-4000-8000-000000000000', 'x-claude-code-agent-id': 'agent', 'x-claude-code-parent-agent-id': 'parent',
  'x-stainless-lang': 'js', 'x-stainless-runtime': 'node', 'x-stainless-package-version': '0.128.0', 'x-stainless-timeout': '600', 'x-stainless-retry-count': '0', 'accept-encoding': 'gzip, deflate, br, zstd',
  'x-claude-code-request-class': 'main', 'x-claude-code-prompt-id': 'p', 'x-claude-code-prev-tool-durations': 'Agent=420', 'x-claude-code-managed-settings-checksum': 'sha256:00', 'x-claude-1p-request-class': 'main',
  'x-claude-code-of-tomorrow': 'kept',
} as const;

async function startUpstream(stack: AsyncDisposableStack, status = 200, fields: readonly string[] = []): Promise<ScriptedUpstream> {
  return stack.use(await startScriptedUpstream(async (connection) => {
    for (;;) {
      const { startLine } = await connection.nextRequest();
      connection.send(wholeResponse(status, ['content-type', 'application/json', ...fields], startLine.startsWith('GET') ? MODELS : '{"type":"message"}'));
    }
  }));
}

const post = (gateway: SignInGateway, path: string, fields: Readonly<Record<string, string>>): Promise<Response> =>
  fetch(gateway.anthropic + path, { method: 'POST', body: BODY, headers: { 'content-type': 'application/json', ...fields } });

test('a signed-in request: reaches the upstream with its query, body and every field of the client, but for the person\'s token', async () => {
  await using stack = new AsyncDisposableStack();
  const upstream = await startUpstream(stack);
  const gateway = await startSignInGateway(stack, upstream.origin);
  const { accessToken } = await gateway.signIn();
  for (const path of ['/v1/messages?beta=true', '/v1/messages/count_tokens?beta=true']) {
    expect((await post(gateway, path, { ...CLIENT_FIELDS, authorization: `Bearer ${accessToken}` })).status).toBe(200);
    const seen = upstream.requests.at(-1);
    expect([seen?.startLine, seen?.body.toString()]).toEqual([`POST ${path} HTTP/1.1`, BODY]);
    for (const [name, value] of Object.entries(CLIENT_FIELDS)) expect([name, fieldValues(seen?.rawHeaders ?? [], name)]).toEqual([name, [value]]);
    expect([fieldValues(seen?.rawHeaders ?? [], 'authorization'), fieldValues(seen?.rawHeaders ?? [], 'x-api-key')]).toEqual([[], [TEST_KEY]]);
  }
});

test('an overloaded upstream: stays a 529 with its wait, so that the client backs off', async () => {
  await using stack = new AsyncDisposableStack();
  const upstream = await startUpstream(stack, 529, ['retry-after', '7', 'x-should-retry', 'true']);
  const gateway = await startSignInGateway(stack, upstream.origin);
  const { accessToken } = await gateway.signIn();
  const { status, headers } = await post(gateway, '/v1/messages', { authorization: `Bearer ${accessToken}` });
  expect([status, headers.get('retry-after'), headers.get('x-should-retry'), headers.get('x-penstock-error')]).toEqual([529, '7', 'true', null]);
});

test('the list of models: is asked with the token, and holds what the person\'s policy opens', async () => {
  await using stack = new AsyncDisposableStack();
  const upstream = await startUpstream(stack);
  const gateway = await startSignInGateway(stack, upstream.origin, { policies: [{ name: 'everyone', match: {}, models: ['claude-haiku-*'] }] });
  const { accessToken } = await gateway.signIn();
  const answer = await gateway.get('/v1/models?limit=1000', accessToken, { 'anthropic-version': '2023-06-01' });
  expect([answer.status, (await answer.json() as { data: { id: string }[] }).data.map(({ id }) => id)]).toEqual([200, ['claude-haiku-4-5']]);
});

test('the list of models: holds the names that persons use where the upstream has others, as far as the policy opens them', async () => {
  await using stack = new AsyncDisposableStack();
  const upstream = await startUpstream(stack);
  const upstreams = [{ name: 'mantle', base_url: upstream.origin, credential: { api_key: 'sk-ant-of-the-gateway' }, model_map: { 'claude-haiku-4-5': 'anthropic.claude-haiku-4-5', 'claude-opus-4-8': 'anthropic.claude-opus-4-8' } }];
  const gateway = await startSignInGateway(stack, upstream.origin, { policies: [{ name: 'everyone', match: {}, models: ['claude-haiku-*'] }], anthropic_native: { upstreams } });
  const { accessToken } = await gateway.signIn();
  const answer = await gateway.get('/v1/models?limit=1000', accessToken, { 'anthropic-version': '2023-06-01' });
  expect([answer.status, (await answer.json() as { data: { id: string }[] }).data.map(({ id }) => id), upstream.requests.length]).toEqual([200, ['claude-haiku-4-5'], 0]);
});

test('the token: is a bearer on every path for persons, and no key on any', async () => {
  await using stack = new AsyncDisposableStack();
  const upstream = await startUpstream(stack);
  const gateway = await startSignInGateway(stack, upstream.origin, { policies: [{ name: 'everyone', match: {}, settings: {}, desktop: {} }] });
  const { accessToken } = await gateway.signIn();
  const ask = async (path: string, fields: Readonly<Record<string, string>>): Promise<number> =>
    (/messages|metrics|logs|traces/.test(path) ? await post(gateway, path, fields) : await gateway.get(path, undefined, fields)).status;
  for (const path of ['/v1/messages', '/v1/messages/count_tokens', '/v1/models', '/managed/settings', '/user/bootstrap', '/v1/metrics', '/v1/logs', '/v1/traces']) {
    expect([path, await ask(path, { authorization: `Bearer ${accessToken}` })]).toEqual([path, 200]);
    for (const name of ['x-api-key', 'x-penstock-key', 'cookie']) expect([path, name, await ask(path, { [name]: accessToken })]).toEqual([path, name, 401]);
    expect([path, await ask(`${path}?access_token=${accessToken}`, {})]).toEqual([path, 401]);
  }
});

test('paths that the protocol does not have: lead nowhere', async () => {
  await using stack = new AsyncDisposableStack();
  const upstream = await startUpstream(stack);
  const gateway = await startSignInGateway(stack, upstream.origin);
  const { accessToken } = await gateway.signIn();
  for (const path of ['/userinfo', '/authorize', '/oauth/authorize', '/oauth/jwks', '/oauth/register', '/metrics', '/v1/complete/x', '/device/deny']) {
    const answers = [await gateway.get(path, undefined), await gateway.get(path, accessToken)];
    expect([path, answers.map(({ status }) => status).filter((status) => status !== 401 && status !== 404)]).toEqual([path, []]);
  }
  expect(upstream.requests).toEqual([]);
});

test('forged tokens: each is refused once and for all, counted by its reason, and stands in no log', async () => {
  await using stack = new AsyncDisposableStack();
  const upstream = await startUpstream(stack);
  const gateway = await startSignInGateway(stack, upstream.origin);
  const { accessToken } = await gateway.signIn();
  const claims = decodeJwt(accessToken);
  const [head = '', payload = ''] = accessToken.split('.');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const sign = (changes: object, key: Uint8Array = Buffer.from(SESSION_KEY), header: object = {}): Promise<string> => new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...header }).sign(key);
  const now = Math.floor(Date.now() / 1_000);
  const forged: readonly string[] = [
    `${head}.${payload}.${'A'.repeat(43)}`, await sign({}, Buffer.from('another-key-of-a-test-0123456789abcdefgh')), await sign({}, Buffer.alloc(32), { kid: '../../dev/null' }), await sign({ aud: 'another' }),
    await sign({ exp: now - 400, iat: now - 4_000 }), await sign({ sub: undefined }), await sign({ exp: undefined }), await sign({ sid: undefined }), await sign({}, Buffer.from(SESSION_KEY), { typ: 'at+jwt' }),
    await new SignJWT(claims).setProtectedHeader({ alg: 'HS512', typ: 'JWT' }).sign(Buffer.from(SESSION_KEY)),
    await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', typ: 'JWT', jwk: rsa.publicKey.export({ format: 'jwk' }) as never }).sign(rsa.privateKey),
    `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${payload}.AAAA`, new UnsecuredJWT(claims).encode(),
    await sign({ iss: 'https://evil.example/anthropic' }),
  ];
  for (const token of forged) {
    const { status, headers } = await post(gateway, '/v1/messages', { authorization: `Bearer ${token}` });
    expect([status, headers.get('x-should-retry'), headers.get('www-authenticate')]).toEqual([401, 'false', null]);
  }
  expect(upstream.requests).toEqual([]);
  expect(await gateway.sum('penstock_credential_refusals_total{side="native"}')).toBe(forged.length);
  expect(await gateway.series('penstock_credential_refusals_total{side="native",reason="token_expired"}')).toBe(1);
  // Without a signature, or of an issuer that is not known here, it is no token of a person at all.
  await expect.poll(() => gateway.audited().filter(({ event }) => event === 'auth.refuse')).toHaveLength(forged.length - 2);
  const written = JSON.stringify([gateway.logged, gateway.audited(), await gateway.metrics.registry.metrics()]);
  for (const token of [accessToken, ...forged]) for (const part of token.split('.').filter(({ length }) => length > 20)) expect(written).not.toContain(part);
});
