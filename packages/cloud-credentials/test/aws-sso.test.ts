import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createAwsCredential, type RequestToSign } from '../src/index.ts';
import { MAX_ANSWER_BYTES } from '../src/aws/bounded-handler.ts';
import { setEnvironment, startTokenServer } from './token-server.ts';

const REQUEST: RequestToSign = { method: 'POST', url: new URL('https://x.example/'), headers: [], body: null };
const IN_AN_HOUR = Date.now() + 3_600_000;
const KEYS = { accessKeyId: 'ASIASSO', secretAccessKey: 'secret', sessionToken: 'temporary', expiration: IN_AN_HOUR };
const home = mkdtempSync(join(tmpdir(), 'penstock-sso-'));
afterAll(() => { rmSync(home, { recursive: true }); });

// As `aws configure sso` and `aws sso login` leave them behind.
mkdirSync(join(home, '.aws/sso/cache'), { recursive: true });
writeFileSync(join(home, '.aws/config'), `[profile single-sign-on]
sso_session = company
sso_account_id = 123456789012
sso_role_name = Developer
region = us-east-1

[sso-session company]
sso_start_url = https://company.awsapps.example/start
sso_region = us-east-1
sso_registration_scopes = sso:account:access
`);
writeFileSync(join(home, `.aws/sso/cache/${createHash('sha1').update('company').digest('hex')}.json`), JSON.stringify({ accessToken: 'of-the-session', expiresAt: new Date(IN_AN_HOUR).toISOString() }));

/** The authorization of a request that is signed with keys of a portal. */
async function authorizationFrom(portal: string): Promise<string> {
  const restore = setEnvironment({
    AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_SESSION_TOKEN: undefined, AWS_PROFILE: undefined, AWS_REGION: undefined, AWS_EC2_METADATA_DISABLED: 'true',
    HOME: home, AWS_CONFIG_FILE: join(home, '.aws/config'), AWS_SHARED_CREDENTIALS_FILE: join(home, '.aws/credentials'), AWS_ENDPOINT_URL_SSO: portal, AWS_MAX_ATTEMPTS: '1',
  });
  const credential = createAwsCredential({ region: 'us-east-1', service: 'bedrock', source: { profile: 'single-sign-on' } });
  try {
    const fields = await credential.fieldsFor(REQUEST);
    return fields[fields.indexOf('authorization') + 1] ?? '';
  } finally {
    credential.close();
    restore();
  }
}

it('keys of a single sign-on come from its portal, with the token of the session', async () => {
  await using portal = await startTokenServer(() => JSON.stringify({ roleCredentials: KEYS }));
  expect(await authorizationFrom(portal.origin)).toContain('Credential=ASIASSO/');
  expect(portal.requests).toMatchObject([{ method: 'GET', headers: { 'x-amz-sso_bearer_token': 'of-the-session' } }]);
  const { pathname, searchParams } = new URL(portal.requests[0]?.url ?? '', portal.origin);
  expect([pathname, searchParams.get('account_id'), searchParams.get('role_name')]).toEqual(['/federation/credentials', '123456789012', 'Developer']);
});

it('there are no keys of a single sign-on where its portal gives them in more bytes than are read', async () => {
  await using portal = await startTokenServer(() => JSON.stringify({ roleCredentials: KEYS, more: 'x'.repeat(MAX_ANSWER_BYTES) }));
  await expect(authorizationFrom(portal.origin)).rejects.toMatchObject({ name: 'CloudCredentialError', code: 'unavailable' });
  expect(portal.requests.length).toBe(1);
});

it('there are no keys of a single sign-on where the answer of its portal does not end, and its connection is closed', async () => {
  const closed = Promise.withResolvers<void>();
  const portal = createServer((request, response) => {
    request.resume();
    response.socket?.once('close', () => { closed.resolve(); });
    const goOn = (): void => { while (!response.destroyed && response.write('x'.repeat(65_536))); };
    response.on('drain', goOn).on('error', () => undefined).writeHead(200, { 'content-type': 'application/json' });
    goOn();
  }).listen(0, '127.0.0.1');
  await once(portal, 'listening');
  try {
    await expect(authorizationFrom(`http://127.0.0.1:${(portal.address() as AddressInfo).port}`)).rejects.toMatchObject({ name: 'CloudCredentialError', code: 'unavailable' });
    await closed.promise;
  } finally {
    portal.closeAllConnections();
    portal.close();
  }
});
