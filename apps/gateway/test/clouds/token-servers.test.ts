import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, startConnectProxy, type ConnectProxy } from '@penstock/test-support';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { createCredential } from '../../src/clouds/create-credential.ts';
import { configuredClouds, type ConfiguredCloud } from '../../src/config/configured-clouds.ts';
import { nativeUpstreams, type EffectiveUpstream } from '../../src/config/native-upstreams.ts';
import { createCloudCredential } from '../../src/native/upstreams/cloud-upstream-credential.ts';
import { attemptLoad } from '../config/config-folder.ts';

/** This machine under an address that is none of those which are never asked through a proxy. */
const HOST = '0.0.0.0';
const authority = createAuthority('Penstock test authority');
const folder = mkdtempSync(join(tmpdir(), 'penstock-token-servers-'));
afterAll(() => { rmSync(folder, { recursive: true }); });
afterEach(() => { vi.unstubAllEnvs(); });

const ROLE = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
  <SessionToken>of-the-role</SessionToken><Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;
const BEARER = '{"access_token":"the-token","expires_in":3600,"token_type":"Bearer","issued_token_type":"urn:ietf:params:oauth:token-type:access_token"}';

/** STS, Google and Entra in one server, by TLS. */
async function startTokens(): Promise<{ readonly port: number } & AsyncDisposable> {
  const origin = (): string => `https://${HOST}:${(server.address() as AddressInfo).port}`;
  const answer = (url: string): string => {
    if (url === '/') return ROLE;
    return url.includes('openid-configuration') ? JSON.stringify({ issuer: `${origin()}/t/v2.0`, authorization_endpoint: `${origin()}/t/authorize`, token_endpoint: `${origin()}/t/token`, jwks_uri: `${origin()}/t/keys` }) : BEARER;
  };
  const server = createServer(authority.issue({ names: [HOST] }), (request, response) => {
    const text = answer(request.url ?? '/');
    request.resume().once('end', () => { response.writeHead(200, { 'content-type': text === ROLE ? 'text/xml' : 'application/json' }).end(text); });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function workloadFile(port: number): string {
  const path = join(folder, 'workload.json');
  writeFileSync(join(folder, 'subject'), 'the-subject-token');
  writeFileSync(path, JSON.stringify({
    type: 'external_account', audience: '//iam.googleapis.com/x', subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', token_url: `https://${HOST}:${port}/v1/token`, credential_source: { file: join(folder, 'subject') },
  }));
  return path;
}

/** Variables of the environment: the clouds' own, which name the token server, and none of a proxy but those given. */
function stubEnvironment(port: number, given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const none = Object.fromEntries(['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy', 'NO_PROXY', 'no_proxy', 'AWS_SESSION_TOKEN', 'AWS_PROFILE', 'AZURE_FEDERATED_TOKEN_FILE'].map((name) => [name, undefined]));
  const clouds = {
    AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret', AWS_EC2_METADATA_DISABLED: 'true', AWS_MAX_ATTEMPTS: '1', HOME: folder, AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_ENDPOINT_URL_STS: `https://${HOST}:${port}`, AZURE_CLIENT_SECRET: 's', AZURE_AUTHORITY_HOST: `https://${HOST}:${port}`,
  };
  for (const [name, value] of Object.entries({ ...none, ...clouds, ...given })) vi.stubEnv(name, value);
  return given;
}

interface Settings {
  readonly ca: string;
  readonly proxy?: string;
}

interface Renewed {
  renew(): Promise<void>;
  close(): void;
}

const events = { onStatus: () => undefined, onReplaced: () => undefined };

/** Credentials as the product makes them of a configuration that it read, each with the host of its upstream. */
const KINDS: readonly (readonly [string, string, (settings: Settings, port: number, environment: Readonly<Record<string, string>>) => Renewed])[] = [
  ['a role of AWS, of the side', 'bedrock-runtime.us-east-1.amazonaws.com', (settings, _port, environment) => {
    const { config } = attemptLoad({ environment, file: { bedrock: { region: 'us-east-1', credential: { aws: { role_arn: 'arn:aws:iam::123456789012:role/r' } }, ...settings } } });
    return createCredential(configuredClouds(config)[0] as ConfiguredCloud, () => undefined);
  }],
  ['a workload identity of Google, of the side', 'us-east5-aiplatform.googleapis.com', (settings, port, environment) => {
    const { config } = attemptLoad({ environment, file: { vertex: { project_id: 'p', location: 'us-east5', credential: { google: { credentials_file: workloadFile(port) } }, ...settings } } });
    return createCredential(configuredClouds(config)[0] as ConfiguredCloud, () => undefined);
  }],
  ['an application of Entra, of an upstream', 'r.services.ai.azure.com', (settings, _port, environment) => {
    const upstream = { name: 'f', kind: 'foundry', resource: 'r', credential: { entra: { tenant_id: 't', client_id: 'c' } }, ...settings };
    const { config } = attemptLoad({ environment, file: { anthropic_native: { upstreams: [upstream] } } });
    return createCloudCredential(nativeUpstreams(config)[0] as EffectiveUpstream, events) as Renewed;
  }],
  ['a role of AWS, of an upstream', 'bedrock-mantle.us-east-1.api.aws', (settings, _port, environment) => {
    const upstream = { name: 'm', kind: 'bedrock_mantle', region: 'us-east-1', base_url: 'https://bedrock-mantle.us-east-1.api.aws/anthropic', credential: { aws: { role_arn: 'arn:aws:iam::123456789012:role/r' } }, ...settings };
    const { config } = attemptLoad({ environment, file: { anthropic_native: { upstreams: [upstream] } } });
    return createCloudCredential(nativeUpstreams(config)[0] as EffectiveUpstream, events) as Renewed;
  }],
];

describe.each(KINDS)('the token server of %s', (_what, upstreamHost, create) => {
  /** Which of the two proxies were asked for it while a credential was had. */
  async function askedOf(variables: (proxy: ConnectProxy) => Readonly<Record<string, string>>, isConfigured = false): Promise<readonly [number, number]> {
    await using tokens = await startTokens();
    await using ofEnvironment = await startConnectProxy();
    await using configured = await startConnectProxy();
    const server = `${HOST}:${tokens.port}`;
    for (const proxy of [ofEnvironment, configured]) proxy.routes.set(server, tokens.port);
    const environment = stubEnvironment(tokens.port, variables(ofEnvironment));
    const credential = create({ ca: authority.cert, ...(isConfigured ? { proxy: configured.origin } : {}) }, tokens.port, environment);
    try {
      await credential.renew();
    } finally {
      credential.close();
    }
    const askedFor = ({ asked }: ConnectProxy): number => new Set(asked.map(({ authority: name }) => name)).size;
    return [askedFor(ofEnvironment), askedFor(configured)];
  }

  it('that NO_PROXY lists is asked directly, though the upstream is asked through HTTPS_PROXY', async () => {
    expect(await askedOf(({ origin }) => ({ HTTPS_PROXY: origin, NO_PROXY: `${HOST},.corp` }))).toEqual([0, 0]);
  });

  it('is asked through HTTPS_PROXY, also where NO_PROXY lists the upstream', async () => {
    expect(await askedOf(({ origin }) => ({ HTTPS_PROXY: origin }))).toEqual([1, 0]);
    expect(await askedOf(({ origin }) => ({ HTTPS_PROXY: origin, NO_PROXY: upstreamHost }))).toEqual([1, 0]);
  });

  it('is asked through the proxy of the configuration alone where that names another one', async () => {
    expect(await askedOf(({ origin }) => ({ HTTPS_PROXY: origin, NO_PROXY: HOST }), true)).toEqual([0, 1]);
  });

  it('is asked directly where neither names a proxy', async () => {
    expect(await askedOf(() => ({}))).toEqual([0, 0]);
  });
});
