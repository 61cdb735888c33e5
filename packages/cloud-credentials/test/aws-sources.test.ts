import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createAwsCredential, type AwsSource, type CloudCredential, type RequestToSign } from '../src/index.ts';
import { MAX_ANSWER_BYTES } from '../src/aws/bounded-handler.ts';
import { setEnvironment, startTokenServer } from './token-server.ts';

const REQUEST: RequestToSign = { method: 'POST', url: new URL('https://x.example/'), headers: [], body: null };
const folder = mkdtempSync(join(tmpdir(), 'penstock-aws-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

const CLEARED = {
  AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_SESSION_TOKEN: undefined, AWS_PROFILE: undefined, AWS_REGION: undefined, AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'), AWS_CONFIG_FILE: join(folder, 'config'), HOME: folder, AWS_CONTAINER_CREDENTIALS_FULL_URI: undefined, AWS_ENDPOINT_URL_STS: undefined,
};

async function withSource(environment: Readonly<Record<string, string>>, source: AwsSource, use: (credential: CloudCredential) => Promise<void>): Promise<void> {
  const restore = setEnvironment({ ...CLEARED, ...environment });
  const credential = createAwsCredential({ region: 'us-east-1', service: 'bedrock', source });
  try {
    await use(credential);
  } finally {
    credential.close();
    restore();
  }
}

async function fieldOf(credential: CloudCredential, name: string): Promise<string> {
  const fields = await credential.fieldsFor(REQUEST);
  return fields[fields.indexOf(name) + 1] ?? '';
}

const keysFor = (expiration: string, more: object = {}): string => JSON.stringify({ AccessKeyId: 'ASIAC', SecretAccessKey: 'secret', Token: 'temporary', Expiration: expiration, ...more });
const IN_AN_HOUR = new Date(Date.now() + 3_600_000).toISOString();

describe('the keys of an AWS signature', () => {
  it('come from the environment by the standard provider chain', async () => {
    await withSource({ AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret' }, {}, async (credential) => {
      expect(await fieldOf(credential, 'authorization')).toContain('Credential=AKIDENV/');
    });
  });

  it('come from a profile', async () => {
    writeFileSync(join(folder, 'credentials'), '[other]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n');
    await withSource({}, { profile: 'other' }, async (credential) => {
      expect(await fieldOf(credential, 'authorization')).toContain('Credential=AKIDPROFILE/');
    });
  });

  it('come from a container\'s endpoint, once for many requests, with their token', async () => {
    await using server = await startTokenServer(() => keysFor(IN_AN_HOUR));
    await withSource({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.origin}/keys` }, {}, async (credential) => {
      expect(await fieldOf(credential, 'x-amz-security-token')).toBe('temporary');
      expect(await fieldOf(credential, 'authorization')).toContain('Credential=ASIAC/');
      expect([server.requests.length, credential.status()]).toEqual([1, { state: 'ready', expiresAt: Date.parse(IN_AN_HOUR), error: undefined }]);
    });
  });

  it('are those of a role that is assumed, with its external id', async () => {
    await using server = await startTokenServer(() => `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>
      <SecretAccessKey>secret</SecretAccessKey><SessionToken>of-the-role</SessionToken><Expiration>${IN_AN_HOUR}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, { 'content-type': 'text/xml' });
    const source = { roleArn: 'arn:aws:iam::123456789012:role/r', externalId: 'the-external-id' };
    await withSource({ AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret', AWS_ENDPOINT_URL_STS: server.origin }, source, async (credential) => {
      expect(await fieldOf(credential, 'authorization')).toContain('Credential=ASIAROLE/');
      const form = new URLSearchParams(server.requests[0]?.body);
      expect([form.get('Action'), form.get('RoleArn'), form.get('ExternalId')]).toEqual(['AssumeRole', source.roleArn, source.externalId]);
      expect(server.requests[0]?.headers.authorization).toContain('Credential=AKIDENV/');
    });
  });

  it.each([
    ['more bytes than are read', 'x'.repeat(MAX_ANSWER_BYTES + 1)], ['bytes that do not end', undefined],
  ])('are none where the token server of a role gives %s, and its connection is closed', async (_what, answer) => {
    const closed = Promise.withResolvers<void>();
    const server = createServer((request, response) => {
      request.resume();
      response.socket?.once('close', () => { closed.resolve(); });
      response.writeHead(200, { 'content-type': 'text/xml' });
      const goOn = (): void => { while (!response.destroyed && response.write('x'.repeat(65_536))); };
      if (answer === undefined) response.on('drain', goOn).on('error', () => undefined);
      if (answer === undefined) goOn();
      else response.end(answer);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      await withSource({ AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret', AWS_ENDPOINT_URL_STS: origin, AWS_MAX_ATTEMPTS: '1' }, { roleArn: 'arn:aws:iam::123456789012:role/r' }, async (credential) => {
        await expect(credential.fieldsFor(REQUEST)).rejects.toMatchObject({ name: 'CloudCredentialError', code: 'invalid_value', message: expect.stringContaining(`more than ${MAX_ANSWER_BYTES} bytes`) as unknown });
      });
      await closed.promise;
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it.each([
    ['is not JSON', 'secret of a page'], ['holds no keys', '{}'], ['holds keys that have expired', keysFor('2020-01-01T00:00:00Z')], ['holds an expiry that is no time', keysFor('soon')],
    ['holds a key of two lines', keysFor(IN_AN_HOUR, { SecretAccessKey: 'secret\nsecret' })],
  ])('are none where the answer of the endpoint %s, and the error does not quote it', async (_what, answer) => {
    await using server = await startTokenServer(() => answer);
    await withSource({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.origin}/keys` }, {}, async (credential) => {
      await expect(credential.fieldsFor(REQUEST)).rejects.toMatchObject({ name: 'CloudCredentialError', code: expect.stringMatching(/^(?:unavailable|invalid_value|expired)$/) as unknown });
      expect(credential.status().error?.message).toContain('the AWS provider chain');
      expect(credential.status().error?.message).not.toContain('secret');
    });
  });
});
