// Keys of issuers that only an egress proxy reaches, by a real CONNECT proxy and real TLS.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { answerAlways, createAuthority, startConnectProxy, startScriptedUpstream, wholeResponse, type ConnectProxy } from '@penstock/test-support';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { GuardedFetchError } from '../../../src/access/identity/guarded-messages.ts';
import { guardedFetch } from '../../../src/access/identity/guarded-fetch.ts';
import { startTestGateway } from '../../start-test-gateway.ts';
import { AUDIENCE, createSigningKey, goodClaims, signToken, startOpenIdProvider, type SigningKey } from './openid-provider.ts';

const ISSUER = 'https://idp.example';
const authority = createAuthority('Test CA');
const BOUNDS = { timeoutMs: 30_000, maxBytes: 1_000, ca: authority.cert };

let key: SigningKey;
let stack: AsyncDisposableStack;
let proxy: ConnectProxy;
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  key = await createSigningKey('one');
});
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  proxy = stack.use(await startConnectProxy());
  const provider = createServer(authority.issue({ names: ['idp.example'] }), (request, response) => { answer(request, response); });
  provider.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => { provider.listen(0, '127.0.0.1', resolve); });
  stack.defer(() => { provider.closeAllConnections(); provider.close(); });
  proxy.routes.set('idp.example:443', (provider.address() as AddressInfo).port);
  answer = (request, response) => {
    response.end(JSON.stringify(request.url === '/jwks' ? { keys: [key.publicJwk] } : { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` }));
  };
});
afterEach(async () => {
  await stack.disposeAsync();
});

const failure = (url: string, more: object = {}): Promise<string> => guardedFetch(new URL(url), { ...BOUNDS, proxy: proxy.origin, ...more }).then(
  () => 'answered', (error: unknown) => (error instanceof GuardedFetchError ? error.failure : String(error)),
);

describe('an issuer behind an egress proxy', () => {
  test('has its tokens verified: document and keys come through tunnels, with the credentials of the proxy in them alone', async () => {
    const upstream = stack.use(await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{"type":"message"}'))));
    const through = new URL(proxy.origin);
    through.username = 'gate%20way';
    through.password = 'p:w';
    const fields: string[] = [];
    const own = answer;
    answer = (request, response) => { fields.push(...Object.keys(request.headers)); own(request, response); };
    const gateway = stack.use(await startTestGateway(upstream.origin, {
      identity: { issuers: [{ name: 'idp', issuer: ISSUER, audience: [AUDIENCE], require: { owner: ['acme'] }, ca: authority.cert, proxy: through.href.slice(0, -1) }] }, policies: [{ name: 'all', match: {} }],
    }));
    const token = await signToken(key, goodClaims(ISSUER));
    const asked = await fetch(`${gateway.anthropic}/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body: '{"model":"m","max_tokens":1,"messages":[]}' });
    expect(asked.status).toBe(200);
    expect(proxy.asked).toEqual(['document', 'keys'].map(() => ({ authority: 'idp.example:443', credentials: `Basic ${Buffer.from('gate way:p:w').toString('base64')}` })));
    expect(fields).not.toContain('proxy-authorization');
    expect(JSON.stringify(gateway.logged)).not.toContain('p:w');
  });

  test('is judged by the rules that hold without one: scheme, literal addresses, redirects, size, certificate', async () => {
    for (const url of ['http://idp.example/', 'ftp://idp.example/']) expect(await failure(url)).toBe('scheme');
    for (const url of ['https://169.254.169.254/latest', 'https://[fd00:ec2::254]/', 'https://2852039166/', 'https://0.0.0.0/']) expect(await failure(url)).toBe('address');
    expect(proxy.asked).toEqual([]);
    answer = (_request, response) => { response.writeHead(302, { location: 'https://169.254.169.254/' }).end(); };
    expect((await guardedFetch(new URL(`${ISSUER}/`), { ...BOUNDS, proxy: proxy.origin })).status).toBe(302);
    answer = (_request, response) => { response.end('x'.repeat(1_001)); };
    expect(await failure(`${ISSUER}/`)).toBe('too_large');
    expect(proxy.asked.map((tunnel) => tunnel.authority)).toEqual(['idp.example:443', 'idp.example:443']);
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      expect(await failure(`${ISSUER}/`, { ca: undefined })).toBe('network');
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    }
  });

  test('is out of reach where the proxy refuses, is silent, or is gone', async () => {
    expect(await failure('https://elsewhere.example/')).toBe('network');
    answer = () => undefined;
    expect(await failure(`${ISSUER}/`, { timeoutMs: 300 })).toBe('timeout');
    expect(await failure(`${ISSUER}/`, { proxy: 'http://127.0.0.1:1' })).toBe('network');
    const silent = createTcpServer(() => undefined);
    await new Promise<void>((resolve) => { silent.listen(0, '127.0.0.1', resolve); });
    stack.defer(() => { silent.close(); });
    expect(await failure(`${ISSUER}/`, { proxy: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`, timeoutMs: 300 })).toBe('timeout');
  });

  test('on this machine is asked directly: its loopback would be the proxy\'s', async () => {
    await using provider = await startOpenIdProvider([key]);
    const { status } = await guardedFetch(new URL(`${provider.issuer}/jwks`), { ...BOUNDS, maxBytes: 10_000, proxy: proxy.origin });
    expect([status, proxy.asked]).toEqual([200, []]);
  });
});
