import { Buffer } from 'node:buffer';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createGoogleCredential, isCloudCredentialError, type CloudCredential, type RequestToSign } from '../src/index.ts';
import { setEnvironment, startTokenServer, type TokenServer } from './token-server.ts';

const REQUEST: RequestToSign = { method: 'POST', url: new URL('https://x.example/'), headers: [], body: null };
const folder = mkdtempSync(join(tmpdir(), 'penstock-google-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

/** Application default credentials that end at a metadata server. */
async function fromMetadata(answer: string | { readonly status: number; readonly body: string }, use: (credential: CloudCredential, server: TokenServer) => Promise<void>): Promise<void> {
  await using server = await startTokenServer(({ url }) => (url.includes('/token') ? answer : '{}'), { 'metadata-flavor': 'Google' });
  const restore = setEnvironment({ GCE_METADATA_HOST: server.host, METADATA_SERVER_DETECTION: 'assume-present', GOOGLE_APPLICATION_CREDENTIALS: undefined, HOME: folder, CLOUDSDK_CONFIG: folder });
  const credential = createGoogleCredential();
  try {
    await use(credential, server);
  } finally {
    credential.close();
    restore();
  }
}

/** Why there is no token. The library asks several times: where a machine is too busy for all of them in the time of one fetch, they are begun anew. */
async function failureOf(credential: CloudCredential): Promise<unknown> {
  for (;;) {
    const error: unknown = await credential.renew().then(() => undefined, (thrown: unknown) => thrown);
    if (!isCloudCredentialError(error) || error.code !== 'timeout') return error;
  }
}

/** Writes the file of a service account, and gives its path. */
function serviceAccount(tokenUri: unknown): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
  const path = join(folder, 'account.json');
  writeFileSync(path, JSON.stringify({ type: 'service_account', project_id: 'project', private_key_id: 'k', private_key: privateKey, client_email: 'account@project.iam.gserviceaccount.com', token_uri: tokenUri }));
  return path;
}

describe('a Google token', () => {
  it('of the metadata server is a bearer, and is asked for once', async () => {
    await fromMetadata('{"access_token":"ya29.the-token","expires_in":3600,"token_type":"Bearer"}', async (credential, server) => {
      expect(await credential.fieldsFor(REQUEST)).toEqual(['authorization', 'Bearer ya29.the-token']);
      expect(credential.fieldsFor(REQUEST)).toEqual(['authorization', 'Bearer ya29.the-token']);
      expect(server.requests.filter(({ url }) => url.includes('/token')).length).toBe(1);
    });
  });

  it.each([
    ['is not JSON', 'secret of a page'], ['holds no token', '{"expires_in":3600}'], ['holds a token that has expired', '{"access_token":"secret","expires_in":0}'],
    ['holds a token of a life below nothing', '{"access_token":"secret","expires_in":-3600}'], ['holds a token without an expiry', '{"access_token":"secret"}'],
    ['holds a token of two lines', '{"access_token":"secret\\nsecret","expires_in":3600}'], ['is a refusal', { status: 403, body: '{"error":"secret"}' }],
  ])('is none where the answer of the metadata server %s, and the error does not quote it', async (_what, answer) => {
    await fromMetadata(answer, async (credential) => {
      expect(await failureOf(credential)).toMatchObject({ name: 'CloudCredentialError', code: expect.stringMatching(/^(?:unavailable|invalid_value|expired)$/) as unknown });
      expect(credential.status()).toMatchObject({ state: 'failed' });
      expect(credential.status().error?.message).not.toContain('secret');
    });
  });

  it('of a workload identity is exchanged for the token that a file holds', async () => {
    await using server = await startTokenServer(() => '{"access_token":"ya29.federated","expires_in":3600,"token_type":"Bearer","issued_token_type":"urn:ietf:params:oauth:token-type:access_token"}');
    writeFileSync(join(folder, 'subject'), 'the-subject-token');
    const credentialsFile = join(folder, 'workload.json');
    writeFileSync(credentialsFile, JSON.stringify({
      type: 'external_account', audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x', subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${server.origin}/v1/token`, credential_source: { file: join(folder, 'subject') },
    }));
    const credential = createGoogleCredential({ credentialsFile });
    expect(await credential.fieldsFor(REQUEST)).toEqual(['authorization', 'Bearer ya29.federated']);
    expect(new URLSearchParams(server.requests[0]?.body).get('subject_token')).toBe('the-subject-token');
    credential.close();
  });

  it('of a service account is asked for where its file names a server, and made out to that server', async () => {
    await using server = await startTokenServer(() => '{"access_token":"ya29.account","expires_in":3600,"token_type":"Bearer"}');
    const credential = createGoogleCredential({ credentialsFile: serviceAccount(`${server.origin}/own/token`) });
    expect(await credential.fieldsFor(REQUEST)).toEqual(['authorization', 'Bearer ya29.account']);
    expect(server.requests.map(({ url }) => url)).toEqual(['/own/token']);
    const [, claims = ''] = (new URLSearchParams(server.requests[0]?.body).get('assertion') ?? '').split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ aud: `${server.origin}/own/token`, iss: 'account@project.iam.gserviceaccount.com' });
    credential.close();
  });

  it.each(['http://tokens.example/token', 'not a URL', 17])('of a service account whose file has %s as token_uri is a failure that names the file', async (tokenUri) => {
    const credential = createGoogleCredential({ credentialsFile: serviceAccount(tokenUri) });
    await expect(credential.renew()).rejects.toMatchObject({ code: 'invalid_value', message: expect.stringContaining('account.json must be a URL that begins with https:') as unknown });
    credential.close();
  });

  it('of a file that is not there is a failure that names the file', async () => {
    const credential = createGoogleCredential({ credentialsFile: join(folder, 'absent.json') });
    await expect(credential.renew()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(join(folder, 'absent.json')) as unknown });
    credential.close();
  });
});
