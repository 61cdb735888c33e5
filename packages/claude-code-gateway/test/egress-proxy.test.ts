import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAuthority, startConnectProxy, type ConnectProxy } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { createOidcProvider, type OidcProviderOptions } from '../src/provider/create-oidc-provider.ts';
import { createTelemetryDestination } from '../src/telemetry/telemetry-destination.ts';

const ISSUER = 'https://idp.example';
const authority = createAuthority('Test CA');
const DOCUMENT = { issuer: ISSUER, authorization_endpoint: `${ISSUER}/auth`, token_endpoint: `${ISSUER}/token`, jwks_uri: `${ISSUER}/jwks`, userinfo_endpoint: `${ISSUER}/me` };
const ANSWERS: Readonly<Record<string, object>> = {
  '/.well-known/openid-configuration': DOCUMENT,
  '/token': { access_token: 'a', token_type: 'Bearer', expires_in: 60, refresh_token: 'second' },
  '/me': { sub: 'alice', email: 'alice@example.com', email_verified: true },
};

interface Machine {
  readonly proxy: ConnectProxy;
  readonly asked: string[];
}

/** A machine of this name that the proxy alone reaches. */
async function startMachine(stack: AsyncDisposableStack, name: string, answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Machine> {
  const asked: string[] = [];
  const server = createServer(authority.issue({ names: [name] }), (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    answer(request, response);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  stack.defer(() => { server.closeAllConnections(); server.close(); });
  const proxy = stack.use(await startConnectProxy());
  proxy.routes.set(`${name}:443`, (server.address() as AddressInfo).port);
  return { proxy, asked };
}

const answerAsProvider = (request: IncomingMessage, response: ServerResponse): void => {
  const answer = ANSWERS[request.url ?? ''];
  response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}));
};
const CHECKS = { state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43) };
const registration = (more: Partial<OidcProviderOptions>): OidcProviderOptions => ({
  issuer: ISSUER, clientId: 'c', clientSecret: 's', redirectUri: 'https://gateway.example/callback', scopes: ['openid'], claims: { email: 'email' }, ca: authority.cert, ...more,
});

describe('an identity provider behind an egress proxy', () => {
  test('a sign-in and a refresh: ask it through tunnels alone', async () => {
    await using stack = new AsyncDisposableStack();
    const { proxy, asked } = await startMachine(stack, 'idp.example', answerAsProvider);
    const provider = createOidcProvider(registration({ proxy: proxy.origin }));
    stack.defer(() => provider.close());
    expect((await provider.authorizationUrl(CHECKS))?.href).toContain(`${ISSUER}/auth?`);
    expect(await provider.refresh('first', { subject: 'alice', groups: [] })).toEqual({ kind: 'identity', identity: { subject: 'alice', groups: [], email: 'alice@example.com' }, refreshToken: 'second' });
    expect(asked).toEqual(['GET /.well-known/openid-configuration', 'POST /token', 'GET /me']);
    expect(new Set(proxy.asked.map((tunnel) => tunnel.authority))).toEqual(new Set(['idp.example:443']));
  });

  test('a provider whose certificate no trusted authority issued: is not asked, though the proxy opened the tunnel', async () => {
    await using stack = new AsyncDisposableStack();
    const { proxy, asked } = await startMachine(stack, 'idp.example', answerAsProvider);
    const { ca: _ca, ...untrusting } = registration({ proxy: proxy.origin });
    const provider = createOidcProvider(untrusting);
    stack.defer(() => provider.close());
    expect(await provider.authorizationUrl(CHECKS)).toBeUndefined();
    expect([proxy.asked.length > 0, asked]).toEqual([true, []]);
  });

  test.each(['https://169.254.169.254', 'https://[fe80::1]', 'http://idp.example'])('a provider at %s: is asked for no tunnel', async (issuer) => {
    await using stack = new AsyncDisposableStack();
    const proxy = stack.use(await startConnectProxy());
    const provider = createOidcProvider(registration({ issuer, proxy: proxy.origin }));
    stack.defer(() => provider.close());
    expect(await provider.authorizationUrl(CHECKS)).toBeUndefined();
    expect(proxy.asked).toEqual([]);
  });
});

test('a collector behind an egress proxy: gets its batches through a tunnel', async () => {
  await using stack = new AsyncDisposableStack();
  const { promise: arrived, resolve } = Promise.withResolvers<string>();
  const { proxy, asked } = await startMachine(stack, 'otel.example', (request, response) => {
    response.end();
    resolve(String(request.headers['content-type']));
  });
  const dropped: string[] = [];
  const destination = createTelemetryDestination({ url: 'https://otel.example', ca: authority.cert, proxy: proxy.origin }, {}, (reason) => { dropped.push(reason); });
  stack.defer(() => destination.close());
  destination.send({ signal: 'metrics', contentType: 'application/x-protobuf', contentEncoding: undefined, body: Buffer.from('batch') });
  expect([await arrived, asked, proxy.asked.map((tunnel) => tunnel.authority), dropped]).toEqual(['application/x-protobuf', ['POST /v1/metrics'], ['otel.example:443'], []]);
});
