// To which addresses the names of a configuration, and of a provider's documents, may lead.
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { createAuthority, startConnectProxy } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { createOidcProvider, type OidcProviderOptions } from '../src/provider/create-oidc-provider.ts';
import type { ResolveName } from '../src/provider/refused-addresses.ts';
import { createTelemetryDestination } from '../src/telemetry/telemetry-destination.ts';

const NAMES = ['internal.example', 'localhost', '127.0.0.1'];
const REFUSED = [['127.0.0.1'], ['127.8.8.8'], ['::1'], ['::ffff:127.0.0.1'], ['169.254.169.254'], ['fd00:ec2::254'], ['192.0.2.1', '127.0.0.1']];
const authority = createAuthority('Test CA');
const CHECKS = { state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43) };
const KNOWN = { subject: 'alice', groups: [] };

/** Resolves every name to the same addresses, as a name service does that an attacker owns. */
const resolvesTo = (addresses: readonly string[]): ResolveName => (_name, _options, callback) => { callback(null, addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))); };

async function listen(stack: AsyncDisposableStack, server: Server): Promise<number> {
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  stack.defer(() => { server.close(); });
  return (server.address() as AddressInfo).port;
}

/** A service of this machine that no name must lead to: it has a certificate of the trusted authority, and counts connections. */
async function startInternal(stack: AsyncDisposableStack, answer: RequestListener = (_request, response) => { response.end('{}'); }): Promise<{ readonly port: number; connections: number }> {
  const internal = { port: 0, connections: 0 };
  const server = createTlsServer(authority.issue({ names: NAMES }), (request, response) => {
    request.resume();
    response.setHeader('connection', 'close');
    answer(request, response);
  });
  server.on('connection', () => { internal.connections += 1; });
  internal.port = await listen(stack, server);
  return internal;
}

function register(stack: AsyncDisposableStack, more: Partial<OidcProviderOptions> & Pick<OidcProviderOptions, 'issuer'>, resolveName?: ResolveName): ReturnType<typeof createOidcProvider> {
  const provider = createOidcProvider({ clientId: 'c', clientSecret: 's', redirectUri: 'https://gateway.example/callback', scopes: ['openid'], claims: { email: 'email' }, ca: authority.cert, ...more }, resolveName);
  stack.defer(() => provider.close());
  return provider;
}

/** Starts a provider of this machine whose discovery document has these members beside good ones. */
async function startDiscovery(stack: AsyncDisposableStack, changes: Readonly<Record<string, string>>): Promise<string> {
  let issuer = '';
  const port = await listen(stack, createServer((request, response) => {
    request.resume();
    response.setHeader('connection', 'close');
    if (request.url?.startsWith('/.well-known/') === true) response.end(JSON.stringify({ issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`, userinfo_endpoint: `${issuer}/me`, ...changes }));
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ access_token: 'a', token_type: 'Bearer', sub: 'alice', email: 'alice@example.com', email_verified: true }));
  }));
  issuer = `http://127.0.0.1:${port}`;
  return issuer;
}

describe('a provider by name', () => {
  test.each(REFUSED.map((addresses) => [addresses]))('that resolves to %j: gets no connection', async (addresses) => {
    await using stack = new AsyncDisposableStack();
    const internal = await startInternal(stack);
    const provider = register(stack, { issuer: `https://internal.example:${internal.port}` }, resolvesTo(addresses));
    expect(await provider.authorizationUrl(CHECKS)).toBeUndefined();
    expect(await provider.refresh('first', KNOWN)).toMatchObject({ kind: 'unavailable' });
    expect(internal.connections).toBe(0);
  });

  test('that is a loopback one: is asked, since no name service decides about it', async () => {
    await using stack = new AsyncDisposableStack();
    let issuer = '';
    const internal = await startInternal(stack, (_request, response) => { response.end(JSON.stringify({ issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token` })); });
    issuer = `https://localhost:${internal.port}`;
    expect((await register(stack, { issuer }, resolvesTo(['127.0.0.1'])).authorizationUrl(CHECKS))?.href).toContain(`${issuer}/auth?`);
  });
});

test.each(['192.0.2.1', '10.0.0.1'])('localhost that resolves to %s: is not asked, since a request may leave this machine', async (address) => {
  await using stack = new AsyncDisposableStack();
  const internal = await startInternal(stack);
  const provider = register(stack, { issuer: `https://localhost:${internal.port}` }, resolvesTo(['127.0.0.1', address]));
  expect(await provider.refresh('first', KNOWN)).toMatchObject({ kind: 'unavailable', reason: 'address_refused' });
  expect(internal.connections).toBe(0);
});

describe('a discovery document', () => {
  test.each(['token_endpoint', 'userinfo_endpoint'].flatMap((member) => REFUSED.map((addresses) => [member, addresses] as const)))('whose %s has a name that resolves to %j: leads to no connection there', async (member, addresses) => {
    await using stack = new AsyncDisposableStack();
    const internal = await startInternal(stack);
    const issuer = await startDiscovery(stack, { [member]: `https://internal.example:${internal.port}/x` });
    const provider = register(stack, { issuer }, resolvesTo(addresses));
    expect((await provider.authorizationUrl(CHECKS))?.href).toContain(`${issuer}/auth?`);
    expect(await provider.refresh('first', KNOWN)).toMatchObject({ kind: 'unavailable', reason: 'address_refused' });
    expect(internal.connections).toBe(0);
  });

  test('whose endpoints have names that resolve to an address of the company: is followed there', async () => {
    await using stack = new AsyncDisposableStack();
    const asked: string[] = [];
    const issuer = await startDiscovery(stack, { token_endpoint: 'https://internal.example:4430/token' });
    const provider = register(stack, { issuer }, (name, _options, callback) => {
      asked.push(name);
      callback(Object.assign(new Error('no network in this test'), { code: 'ENETUNREACH' }), []);
    });
    expect(await provider.refresh('first', KNOWN)).toMatchObject({ kind: 'unavailable' });
    expect(asked).toEqual(['internal.example']);
  });

  test.each(['localhost', '127.0.0.1'])('of a provider elsewhere that names %s: leads to no connection there', async (host) => {
    await using stack = new AsyncDisposableStack();
    const internal = await startInternal(stack);
    const issuer = 'https://internal.example';
    const outside = await startInternal(stack, (_request, response) => {
      response.end(JSON.stringify({ issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `https://${host}:${internal.port}/token`, jwks_uri: `${issuer}/jwks` }));
    });
    const proxy = stack.use(await startConnectProxy());
    proxy.routes.set('internal.example:443', outside.port);
    const provider = register(stack, { issuer, proxy: proxy.origin });
    expect(await provider.refresh('first', KNOWN)).toMatchObject({ kind: 'unavailable', reason: 'address_refused' });
    expect([outside.connections, internal.connections]).toEqual([1, 0]);
  });

  test.each(['http://idp.example/auth', 'https://169.254.169.254/auth', 'javascript:alert(1)'])('that names %s for the browser: sends none there', async (authorizationEndpoint) => {
    await using stack = new AsyncDisposableStack();
    const issuer = await startDiscovery(stack, { authorization_endpoint: authorizationEndpoint });
    expect(await register(stack, { issuer }).authorizationUrl(CHECKS)).toBeUndefined();
  });
});

test.each(REFUSED.map((addresses) => [addresses]))('a collector whose name resolves to %j: gets no connection, and the batch is dropped', async (addresses) => {
  await using stack = new AsyncDisposableStack();
  const internal = await startInternal(stack);
  const { promise: dropped, resolve } = Promise.withResolvers<string>();
  const destination = createTelemetryDestination({ url: `https://internal.example:${internal.port}`, ca: authority.cert }, {}, resolve, resolvesTo(addresses));
  stack.defer(() => destination.close());
  destination.send({ signal: 'metrics', contentType: 'application/x-protobuf', contentEncoding: undefined, body: Buffer.from('batch') });
  expect([await dropped, internal.connections]).toEqual(['unreachable', 0]);
});
