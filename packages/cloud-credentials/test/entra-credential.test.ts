import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, startConnectProxy } from '@penstock/test-support';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEntraCredential, type CloudCredential, type EntraCredentialOptions, type RequestToSign } from '../src/index.ts';
import { setEnvironment, startTokenServer, type TokenServer } from './token-server.ts';

const REQUEST: RequestToSign = { method: 'POST', url: new URL('https://x.example/'), headers: [], body: null };
const TENANT = '11111111-2222-3333-4444-555555555555';
const CLIENT = '66666666-7777-8888-9999-000000000000';
const folder = mkdtempSync(join(tmpdir(), 'penstock-entra-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

/** What Entra gives for its own metadata, and a token for a proof. */
function entraAnswer(token: string): (request: { readonly url: string }) => string {
  return ({ url }) => (url.includes('openid-configuration')
    ? JSON.stringify({ issuer: `https://login.test/${TENANT}/v2.0`, authorization_endpoint: `https://login.test/${TENANT}/oauth2/v2.0/authorize`, token_endpoint: `https://login.test/${TENANT}/oauth2/v2.0/token`, jwks_uri: `https://login.test/${TENANT}/keys` })
    : token);
}

/** Sends what is for the authority to the server instead; the library takes https: authorities only. */
function sendTo(server: TokenServer): EntraCredentialOptions['send'] {
  return (url, init) => fetch(url.replace('https://login.test', server.origin), init);
}

async function fromAuthority(token: string, environment: Readonly<Record<string, string>>, use: (credential: CloudCredential, server: TokenServer) => Promise<void>): Promise<void> {
  await using server = await startTokenServer(entraAnswer(token));
  const credential = createEntraCredential({ tenantId: TENANT, clientId: CLIENT, environment: { AZURE_AUTHORITY_HOST: 'https://login.test/', ...environment }, send: sendTo(server) });
  await use(credential, server);
  credential.close();
}

const TOKEN = '{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"eyJ.the.token"}';

describe('an Entra token', () => {
  it('of a workload identity is exchanged for the token that a file holds, read anew each time', async () => {
    const file = join(folder, 'federated');
    writeFileSync(file, 'the-assertion\n');
    await fromAuthority(TOKEN, { AZURE_FEDERATED_TOKEN_FILE: file, AZURE_CLIENT_SECRET: 'not used' }, async (credential, server) => {
      expect(await credential.fieldsFor(REQUEST)).toEqual(['authorization', 'Bearer eyJ.the.token']);
      const form = new URLSearchParams(server.requests.find(({ method }) => method === 'POST')?.body);
      expect([form.get('client_assertion'), form.get('client_id'), form.get('scope')?.split(' ')[0]]).toEqual(['the-assertion', CLIENT, 'https://ai.azure.com/.default']);
      writeFileSync(file, 'the-next-assertion');
      await credential.renew();
      expect(new URLSearchParams(server.requests.findLast(({ method }) => method === 'POST')?.body).get('client_assertion')).toBe('the-next-assertion');
    });
  });

  it('of an application is given for its secret', async () => {
    await fromAuthority(TOKEN, { AZURE_CLIENT_SECRET: 'the-secret' }, async (credential, server) => {
      expect(await credential.fieldsFor(REQUEST)).toEqual(['authorization', 'Bearer eyJ.the.token']);
      expect(new URLSearchParams(server.requests.find(({ method }) => method === 'POST')?.body).get('client_secret')).toBe('the-secret');
    });
  });

  it.each([
    ['is not JSON', 'secret of a page'], ['holds no token', '{"token_type":"Bearer","expires_in":3599}'], ['holds a token of a life below nothing', '{"token_type":"Bearer","expires_in":-3599,"access_token":"secret"}'],
    ['is an error', '{"error":"invalid_client","error_description":"secret"}'], ['is longer than any', JSON.stringify({ access_token: 'x'.repeat(300_000) })],
  ])('is none where the answer %s, and the error does not quote it', async (_what, token) => {
    await fromAuthority(token, { AZURE_CLIENT_SECRET: 'secret' }, async (credential) => {
      await expect(credential.renew()).rejects.toMatchObject({ name: 'CloudCredentialError', code: expect.stringMatching(/^(?:unavailable|invalid_value|expired)$/) as unknown });
      expect(credential.status().error?.message).not.toContain('secret');
    });
  });

  it.each([['is not there', undefined], ['holds two lines', 'secret\nsecret'], ['is empty', '']])('is none where the file of the workload identity %s', async (what, content) => {
    const file = join(folder, what.replaceAll(' ', '-'));
    if (content !== undefined) writeFileSync(file, content);
    await fromAuthority(TOKEN, { AZURE_FEDERATED_TOKEN_FILE: file }, async (credential, server) => {
      await expect(credential.renew()).rejects.toMatchObject({ code: content === undefined ? 'unavailable' : 'invalid_value', message: expect.stringContaining(file) as unknown });
      expect(server.requests.length).toBe(0);
    });
  });

  it('of an application without a tenant names the members that are missing', async () => {
    const credential = createEntraCredential({ environment: { AZURE_CLIENT_SECRET: 'secret' } });
    await expect(credential.renew()).rejects.toThrow('set tenant_id and client_id, or AZURE_TENANT_ID and AZURE_CLIENT_ID');
    expect(() => createEntraCredential({ tenantId: 'a/b' })).toThrow('tenantId must be');
  });
});

describe('an Entra token of the managed identity of a machine', () => {
  // The library keeps its endpoint for the life of the process: one server for all, and no other file has one.
  let server: TokenServer;
  let answer: () => string;
  let restore: () => void;
  beforeAll(async () => {
    server = await startTokenServer(() => answer());
    restore = setEnvironment({ IDENTITY_ENDPOINT: `${server.origin}/msi/token`, IDENTITY_HEADER: 'the-header', IDENTITY_SERVER_THUMBPRINT: undefined, IMDS_ENDPOINT: undefined, MSI_ENDPOINT: undefined });
  });
  beforeEach(() => {
    server.requests.length = 0;
    answer = () => JSON.stringify({ access_token: 'eyJ.managed', expires_on: String(Math.floor(Date.now() / 1000) + 3600), resource: 'https://ai.azure.com', token_type: 'Bearer' });
  });
  afterAll(async () => {
    restore();
    await server[Symbol.asyncDispose]();
  });

  it('is had again after a fetch that was ended, by a credential that was made before it and by one that was made later', async () => {
    const [ended, before] = [createEntraCredential({ environment: {} }), createEntraCredential({ environment: {} })];
    const token = answer();
    answer = () => {
      ended.close();
      return token;
    };
    await expect(ended.renew()).rejects.toMatchObject({ code: 'closed' });
    answer = () => token;
    for (const credential of [before, createEntraCredential({ environment: {} })]) {
      expect(await credential.fieldsFor(REQUEST)).toEqual(['authorization', 'Bearer eyJ.managed']);
      credential.close();
    }
  });

  it('is asked for at its endpoint, for the identity that is named', async () => {
    const credential = createEntraCredential({ clientId: CLIENT, environment: {} });
    try {
      expect(await credential.fieldsFor(REQUEST)).toEqual(['authorization', 'Bearer eyJ.managed']);
      const { url = '', headers } = server.requests[0] ?? {};
      expect([new URL(url, server.origin).searchParams.get('client_id'), new URL(url, server.origin).searchParams.get('resource'), headers?.['x-identity-header']]).toEqual([CLIENT, 'https://ai.azure.com', 'the-header']);
    } finally {
      credential.close();
    }
  });

  it('is asked for directly beside a proxy', async () => {
    await using proxy = await startConnectProxy();
    const credential = createEntraCredential({ environment: {}, network: { proxy: proxy.origin, ca: createAuthority('Penstock test authority').cert } });
    try {
      expect(await credential.fieldsFor(REQUEST)).toEqual(['authorization', 'Bearer eyJ.managed']);
      expect(proxy.asked).toEqual([]);
    } finally {
      credential.close();
    }
  });
});
