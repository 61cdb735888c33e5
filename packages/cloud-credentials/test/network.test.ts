import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, startConnectProxy, type ConnectProxy } from '@penstock/test-support';
import { afterAll, describe, expect, it } from 'vitest';
import { createAwsCredential, createEntraCredential, createGoogleCredential, type CloudCredential, type RequestToSign, type TokenNetwork } from '../src/index.ts';
import { setEnvironment, startTokenServer } from './token-server.ts';

const REQUEST: RequestToSign = { method: 'POST', url: new URL('https://x.example/'), headers: [], body: null };
const HOST = 'tokens.example.test';
const authority = createAuthority('Penstock test authority');
const folder = mkdtempSync(join(tmpdir(), 'penstock-network-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Where Entra's library finds the token server. */
const DISCOVERY = JSON.stringify({ issuer: `https://${HOST}/t/v2.0`, authorization_endpoint: `https://${HOST}/t/authorize`, token_endpoint: `https://${HOST}/t/token`, jwks_uri: `https://${HOST}/t/keys` });

/** A token server by TLS, whose certificate is of a private authority and of a name that only the proxy knows. */
async function startSecure(answer: Answer): Promise<{ readonly proxy: ConnectProxy; readonly asked: string[]; readonly network: TokenNetwork } & AsyncDisposable> {
  const asked: string[] = [];
  const server = createServer(authority.issue({ names: [HOST] }), (request, response) => {
    asked.push(request.url ?? '');
    request.resume().once('end', () => { response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers }).end(request.url?.includes('openid-configuration') === true ? DISCOVERY : answer.body); });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startConnectProxy();
  proxy.routes.set(`${HOST}:443`, (server.address() as AddressInfo).port);
  return {
    proxy, asked, network: { proxy: proxy.origin, ca: authority.cert },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const CLEARED = {
  AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: undefined, AWS_PROFILE: undefined, AWS_EC2_METADATA_DISABLED: 'true', AWS_MAX_ATTEMPTS: '1', HOME: folder,
  AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'), AWS_CONFIG_FILE: join(folder, 'config'), AWS_ENDPOINT_URL_STS: `https://${HOST}`,
  HTTPS_PROXY: undefined, https_proxy: undefined, HTTP_PROXY: undefined, http_proxy: undefined, NO_PROXY: undefined, no_proxy: undefined,
};

function workloadFile(): string {
  const path = join(folder, 'workload.json');
  writeFileSync(join(folder, 'subject'), 'the-subject-token');
  writeFileSync(path, JSON.stringify({
    type: 'external_account', audience: '//iam.googleapis.com/x', subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', token_url: `https://${HOST}/v1/token`, credential_source: { file: join(folder, 'subject') },
  }));
  return path;
}

function userFile(): string {
  const path = join(folder, 'user.json');
  writeFileSync(path, JSON.stringify({ type: 'authorized_user', client_id: 'c', client_secret: 's', refresh_token: 'r' }));
  return path;
}

const BEARER = '{"access_token":"the-token","expires_in":3600,"token_type":"Bearer","issued_token_type":"urn:ietf:params:oauth:token-type:access_token"}';
const ROLE = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
  <SessionToken>of-the-role</SessionToken><Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;

/** Each kind of credential whose token servers are asked by TLS: what they answer, and what the fields then hold. */
const KINDS: readonly (readonly [string, Answer, string, (network: TokenNetwork) => CloudCredential])[] = [
  ['a role of AWS', { body: ROLE, headers: { 'content-type': 'text/xml' } }, 'of-the-role', (network) => createAwsCredential({ region: 'us-east-1', service: 'bedrock', source: { roleArn: 'arn:aws:iam::123456789012:role/r' }, network })],
  ['a workload identity of Google', { body: BEARER }, 'Bearer the-token', (network) => createGoogleCredential({ credentialsFile: workloadFile(), network })],
  ['an application of Entra', { body: BEARER }, 'Bearer the-token', (network) => createEntraCredential({ tenantId: 't', clientId: 'c', environment: { AZURE_CLIENT_SECRET: 's', AZURE_AUTHORITY_HOST: `https://${HOST}` }, network })],
];

async function within(create: () => CloudCredential, use: (credential: CloudCredential) => Promise<void>): Promise<void> {
  const restore = setEnvironment(CLEARED);
  const credential = create();
  try {
    await use(credential);
  } finally {
    credential.close();
    restore();
  }
}

describe.each(KINDS)('the token server of %s', (_what, answer, expected, create) => {
  it('is asked through the proxy, which resolves its name, and by the authority that is trusted in addition', async () => {
    await using secure = await startSecure(answer);
    await within(() => create(secure.network), async (credential) => {
      expect(await credential.fieldsFor(REQUEST)).toContain(expected);
      expect(new Set(secure.proxy.asked.map(({ authority: asked }) => asked))).toEqual(new Set([`${HOST}:443`]));
      expect(secure.asked.length).toBeGreaterThan(0);
    });
  });

  it('is asked through the proxy that a function names for its URL, and what the function throws fails the credential', async () => {
    await using secure = await startSecure(answer);
    const servers: string[] = [];
    const proxy = (server: URL): string => {
      servers.push(server.href);
      return secure.proxy.origin;
    };
    await within(() => create({ ...secure.network, proxy }), async (credential) => {
      expect(await credential.fieldsFor(REQUEST)).toContain(expected);
      expect([new Set(servers), secure.proxy.asked.length]).toEqual([new Set([`https://${HOST}/`]), servers.length]);
    });
    await within(() => create({ ...secure.network, proxy: () => 'tokens' }), async (credential) => {
      await expect(credential.renew()).rejects.toMatchObject({ name: 'CloudCredentialError' });
    });
  });

  it('whose certificate is of no trusted authority gets no request', async () => {
    await using secure = await startSecure(answer);
    await within(() => create({ proxy: secure.proxy.origin }), async (credential) => {
      await expect(credential.renew()).rejects.toMatchObject({ name: 'CloudCredentialError', code: expect.stringMatching(/^(?:unavailable|timeout)$/) as unknown });
      expect([secure.proxy.asked.length > 0, secure.asked]).toEqual([true, []]);
    });
  });

  it('is not followed to another place, and its answer is no credential', async () => {
    await using elsewhere = await startTokenServer(() => answer.body);
    await using secure = await startSecure({ status: 307, headers: { location: `${elsewhere.origin}/stolen` }, body: '' });
    await within(() => create(secure.network), async (credential) => {
      await expect(credential.renew()).rejects.toMatchObject({ name: 'CloudCredentialError', code: expect.stringMatching(/^(?:unavailable|invalid_value|timeout)$/) as unknown });
      expect([secure.asked.length > 0, elsewhere.requests]).toEqual([true, []]);
    });
  });
});

it('the token server of a user of Google is asked through the proxy', async () => {
  await using secure = await startSecure({ body: BEARER });
  await within(() => createGoogleCredential({ credentialsFile: userFile(), network: secure.network }), async (credential) => {
    await expect(credential.renew()).rejects.toMatchObject({ code: expect.stringMatching(/^(?:unavailable|timeout)$/) as unknown });
    // The proxy has no way to it, and nothing else has been tried.
    expect(secure.proxy.asked[0]?.authority).toBe('oauth2.googleapis.com:443');
  });
});

describe('a metadata server', () => {
  it('of Google is asked directly beside a proxy', async () => {
    await using secure = await startSecure({ body: '' });
    await using server = await startTokenServer(({ url }) => (url.includes('/token') ? BEARER : '{}'), { 'metadata-flavor': 'Google' });
    const restore = setEnvironment({ GCE_METADATA_HOST: server.host, METADATA_SERVER_DETECTION: 'assume-present', GOOGLE_APPLICATION_CREDENTIALS: undefined, CLOUDSDK_CONFIG: folder });
    try {
      await within(() => createGoogleCredential({ network: secure.network }), async (credential) => {
        expect(await credential.fieldsFor(REQUEST)).toEqual(['authorization', 'Bearer the-token']);
        expect(secure.proxy.asked).toEqual([]);
      });
    } finally {
      restore();
    }
  });

  it('of a container of AWS is asked directly beside a proxy', async () => {
    await using secure = await startSecure({ body: '' });
    await using server = await startTokenServer(() => JSON.stringify({ AccessKeyId: 'ASIAC', SecretAccessKey: 'secret', Token: 'temporary', Expiration: new Date(Date.now() + 3_600_000).toISOString() }));
    const restore = setEnvironment({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.origin}/keys` });
    try {
      await within(() => createAwsCredential({ region: 'us-east-1', service: 'bedrock', network: secure.network }), async (credential) => {
        // After what `within` cleared, before the first fetch.
        const restoreKeys = setEnvironment({ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined });
        try {
          expect(await credential.fieldsFor(REQUEST)).toContain('temporary');
          expect(secure.proxy.asked).toEqual([]);
        } finally {
          restoreKeys();
        }
      });
    } finally {
      restore();
    }
  });
});

it('a proxy that is no URL is an option that cannot be used', () => {
  expect(() => createGoogleCredential({ network: { proxy: 'tokens' } })).toThrow('network.proxy must be');
});
