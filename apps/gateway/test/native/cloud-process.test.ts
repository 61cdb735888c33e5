import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { fieldValues, scrubbedEnvironment, type WireMessage } from '@penstock/test-support';
import { expect, test } from 'vitest';
import { runPenstock } from '../run-penstock.ts';
import { jsonAnswer, startAnswering } from './two-upstreams.ts';
import { signatureOf } from './signature-of.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

test('the product serves all kinds of clouds at once, each with its own address and credential, and with bytes as they came', { timeout: 60_000 }, async () => {
  const answer = '{ "type":"message","of":"the cloud","usage":{"input_tokens":1,"output_tokens":1} }\n';
  await using cloud = await startAnswering(jsonAnswer(200, answer));
  await using tokens = await startAnswering(({ startLine }) => jsonAnswer(200, startLine.includes('/msi') ? JSON.stringify({ access_token: 'of-entra', expires_on: String(Math.floor(Date.now() / 1000) + 3_600), token_type: 'Bearer', resource: 'r' })
    : '{"access_token":"of-google","expires_in":3600,"token_type":"Bearer","issued_token_type":"urn:ietf:params:oauth:token-type:access_token"}')());
  const folder = mkdtempSync(join(tmpdir(), 'penstock-kinds-'));
  try {
    const credentials = join(folder, 'workload.json');
    writeFileSync(join(folder, 'subject'), 'subject');
    writeFileSync(credentials, JSON.stringify({ type: 'external_account', audience: '//iam.googleapis.com/x', subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', token_url: `${tokens.origin}/sts`, credential_source: { file: join(folder, 'subject') } }));
    const upstreams = [
      { name: 'a', base_url: cloud.origin, credential: { api_key: 'sk-ant-of-a' }, models: ['a-*'] },
      { name: 'p', kind: 'claude_platform_aws', base_url: `${cloud.origin}/p`, region: 'us-east-1', workspace_id: 'w', credential: { aws: { access_key_id: 'AKIDP', secret_access_key: SECRET } }, models: ['p-*'] },
      { name: 'm', kind: 'bedrock_mantle', base_url: `${cloud.origin}/m`, region: 'us-east-1', credential: { aws: {} }, models: ['m-*'] },
      { name: 'f', kind: 'foundry', base_url: `${cloud.origin}/f`, resource: 'r', credential: { entra: { client_id: 'c' } }, models: ['f-*'] },
      { name: 'g', kind: 'google', base_url: `${cloud.origin}/{location}`, location: 'g', credential: { google: { credentials_file: credentials } }, models: ['g-*'] },
    ];
    await using penstock = await runPenstock({
      document: { anthropic_native: { upstreams } }, flags: [],
      environment: { AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: SECRET, IDENTITY_ENDPOINT: `${tokens.origin}/msi`, IDENTITY_HEADER: 'h', HOME: folder },
    });
    const seen = new Map<string, WireMessage>();
    for (const kind of ['a', 'p', 'm', 'f', 'g']) {
      const body = `{ "model" : "${kind}-x", "max_tokens":9,\t"messages":[], "n": 1.50 }`;
      const response = await fetch(`${penstock.origin}/anthropic/v1/messages?beta=true`, { method: 'POST', body, headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' } });
      expect([kind, response.status, await response.text()]).toEqual([kind, 200, answer]);
      const request = cloud.requests.at(-1) as WireMessage;
      expect([request.startLine, request.body.toString()]).toEqual([`POST ${kind === 'a' ? '' : `/${kind}`}/v1/messages?beta=true HTTP/1.1`, body]);
      seen.set(kind, request);
    }
    const credential = (kind: string): string => fieldValues(seen.get(kind)?.rawHeaders ?? [], 'authorization').join();
    expect([signatureOf(seen.get('p') as WireMessage, SECRET), signatureOf(seen.get('m') as WireMessage, SECRET)]).toMatchObject([
      { keyId: 'AKIDP', scope: 'us-east-1/aws-external-anthropic/aws4_request' }, { keyId: 'AKIDENV', scope: 'us-east-1/bedrock-mantle/aws4_request' },
    ]);
    expect([credential('a'), credential('f'), credential('g')]).toEqual(['', 'Bearer of-entra', 'Bearer of-google']);
    expect(penstock.stdout() + penstock.stderr()).not.toContain(SECRET);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  ['nothing of clouds with an API key', 'anthropic', { api_key: 'sk-ant-key' }, []],
  ['the signing library alone with keys of AWS', 'bedrock_mantle', { aws: { access_key_id: 'AKID', secret_access_key: 'secret' } }, ['@smithy/signature-v4', 'cloud-credentials']],
])('a process that serves a request loads %s (what is off costs nothing)', { timeout: 60_000 }, async (_what, kind, credential, expected) => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@penstock/source', resolve(import.meta.dirname, 'print-cloud-packages.ts'), kind, JSON.stringify(credential)], { env: scrubbedEnvironment({}) });
  expect(JSON.parse(stdout)).toEqual([200, expected]);
});
