import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fieldValues, type WireMessage } from '@penstock/test-support';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { gatewayConfigSchema, type GatewayConfig } from '../../src/config/gateway-config.ts';
import { warningsOf } from '../../src/observe/upstreams/upstream-snapshot.ts';
import { ask, jsonAnswer, OVERLOADED, SERVED, startAnswering, startGroupGateway } from './two-upstreams.ts';
import { signatureOf } from './signature-of.ts';

const GENEROUS = { timeout: 30_000 };
const KEYS = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const folder = mkdtempSync(join(tmpdir(), 'penstock-clouds-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

/** A program that does what a shell script says. */
function program(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o700);
  return path;
}

const field = (request: WireMessage | undefined, name: string): string | undefined => fieldValues(request?.rawHeaders ?? [], name).join('|');
const configWith = (upstreams: readonly object[]): GatewayConfig => gatewayConfigSchema.parse({ server: { port: 0 }, anthropic_native: { upstreams } });
const aws = (origin: string, more: object = {}): object => ({ name: 'p', kind: 'claude_platform_aws', base_url: origin, region: 'us-east-1', workspace_id: 'wrkspc_1', credential: { aws: KEYS }, ...more });

describe('an upstream that is a cloud', () => {
  test.each([
    ['claude_platform_aws', { region: 'us-east-1', workspace_id: 'wrkspc_1', credential: { api_key: 'the-key' } }, { 'x-api-key': 'the-key', 'anthropic-workspace-id': 'wrkspc_1' }],
    ['bedrock_mantle', { region: 'us-east-1', credential: { bearer: 'the-bearer' } }, { authorization: 'Bearer the-bearer' }],
    ['foundry', { resource: 'r', credential: { api_key: 'the-key' } }, { 'x-api-key': 'the-key' }],
    ['google', { project_id: 'p', location: 'global', workspace_id: 'w', credential: { bearer_command: [program('print-bearer', 'echo printed')] } }, { authorization: 'Bearer printed', 'anthropic-workspace-id': 'w' }],
  ])('of kind %s gets the request as it came, with its credential, and its answer is given as it came', async (kind, members, expected) => {
    const answer = jsonAnswer(200, '{"type":"message",  "usage":{"input_tokens":1,"output_tokens":1}}\n', ['x-of-the-cloud', 'yes']);
    await using only = await startAnswering(answer);
    await using gateway = await startGroupGateway([{ name: 'only', kind, base_url: `${only.origin}/prefix`, ...members }]);
    const body = '{ "model":"claude-x",\r\n "max_tokens" : 9, "messages": [], "extra":"\\u00e9" }';
    const response = await ask(gateway, { body, path: '/v1/messages?beta=true', headers: { 'anthropic-workspace-id': 'of the client', 'x-api-key': 'of the client', authorization: 'AWS4-HMAC-SHA256 of the client' } });
    expect([response.status, response.headers.get('x-of-the-cloud'), await response.text()]).toEqual([200, 'yes', '{"type":"message",  "usage":{"input_tokens":1,"output_tokens":1}}\n']);
    const [request] = only.requests;
    expect(request?.startLine).toBe('POST /prefix/v1/messages?beta=true HTTP/1.1');
    expect(request?.body.toString()).toBe(body);
    for (const [name, value] of Object.entries(expected)) expect([name, field(request, name)]).toEqual([name, value]);
    expect((await gateway.recorded(1))[0]).toMatchObject({ upstream: 'only', outcome: 'ok' });
  });
});

describe('an upstream that takes signed requests', () => {
  test('gets a signature over the bytes and fields that arrive there, and none of what the client sent of another', async () => {
    await using only = await startAnswering();
    await using gateway = await startGroupGateway([aws(only.origin, { kind: 'claude_platform_aws' })], { allow_request_headers: ['x-amz-*', 'x-other'] });
    const headers = {
      'anthropic-version': '2023-06-01', 'anthropic-beta': 'a-1,b-2', 'x-amz-date': '20200101T000000Z', 'x-amz-security-token': 'of the client', 'x-amz-trace': 'kept', 'x-other': 'kept',
      authorization: 'AWS4-HMAC-SHA256 Credential=x', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    };
    expect((await ask(gateway, { path: '/v1/messages?beta=true', headers })).status).toBe(200);
    const [request] = only.requests;
    const signed = signatureOf(request as WireMessage, KEYS.secret_access_key);
    expect(signed).toEqual({
      keyId: KEYS.access_key_id, scope: 'us-east-1/aws-external-anthropic/aws4_request',
      signedFields: ['anthropic-beta', 'anthropic-version', 'anthropic-workspace-id', 'content-type', 'host', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-trace'],
    });
    expect([field(request, 'x-amz-security-token'), field(request, 'x-other'), fieldValues(request?.rawHeaders ?? [], 'x-amz-date').length]).toEqual(['', 'kept', 1]);
  });

  test.each(['X-Amz-Signature', 'x-amz-security-token', 'x%2Damz-credential'])('gets no request with the query parameter %s of a signature: the client is told', async (name) => {
    await using cloud = await startAnswering();
    await using plain = await startAnswering();
    const other = { name: 'a', base_url: plain.origin, credential: { api_key: 'sk-ant-of-a' }, tier: 1 };
    await using gateway = await startGroupGateway([aws(cloud.origin), other]);
    const path = `/v1/messages?beta=true&${name}=of-the-client`;
    const refused = await ask(gateway, { path });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { type: 'invalid_request_error', message: expect.stringContaining(`"${decodeURIComponent(name)}"`) as string } });
    expect([cloud.requests.length, plain.requests.length]).toEqual([0, 0]);
    gateway.update(configWith([other]));
    expect((await ask(gateway, { path })).status).toBe(200);
    expect(plain.requests[0]?.startLine).toBe(`POST ${path} HTTP/1.1`);
  });

  test.each([['of several chunks', 300_000, false], ['that is streamed back', 300_000, true], ['of one chunk', 900, false]])('gets a body %s whole, and the signature covers it', async (_what, length, stream) => {
    await using only = await startAnswering();
    await using gateway = await startGroupGateway([{ name: 'm', kind: 'bedrock_mantle', base_url: `${only.origin}/anthropic`, region: 'eu-central-1', credential: { aws: { ...KEYS, session_token: 'temporary' } } }]);
    const body = JSON.stringify({ model: 'claude-x', max_tokens: 9, stream, messages: [{ role: 'user', content: 'x'.repeat(length) }] });
    expect((await ask(gateway, { body })).status).toBe(200);
    const [request] = only.requests;
    expect(request?.body.toString() === body).toBe(true);
    const signed = signatureOf(request as WireMessage, KEYS.secret_access_key);
    expect([signed.scope, field(request, 'x-amz-security-token')]).toEqual(['eu-central-1/bedrock-mantle/aws4_request', 'temporary']);
    expect(signed.signedFields).toContain('x-amz-security-token');
  });

  test.each([900, 300_000])('gets the body with its own name of the model, and the signature covers that (%i bytes)', async (length) => {
    await using only = await startAnswering();
    await using gateway = await startGroupGateway([{ name: 'm', kind: 'bedrock_mantle', base_url: `${only.origin}/anthropic`, region: 'us-east-1', credential: { aws: KEYS }, model_map: { 'claude-x': 'anthropic.claude-x-v1' } }]);
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(length) }], model: 'claude-x', max_tokens: 9 });
    expect((await ask(gateway, { body })).status).toBe(200);
    const [request] = only.requests;
    expect(request?.body.toString() === body.replace('"claude-x"', '"anthropic.claude-x-v1"')).toBe(true);
    signatureOf(request as WireMessage, KEYS.secret_access_key);
  });

  test('hands a request that it refused to an upstream of another kind, and takes what that refused, each with its own credential', async () => {
    await using cloud = await startAnswering(OVERLOADED);
    await using plain = await startAnswering();
    await using gateway = await startGroupGateway([aws(cloud.origin, { tier: 0 }), { name: 'a', base_url: plain.origin, credential: { api_key: 'sk-ant-of-a' }, tier: 1 }], { routing: { cool_down: [0.001, 0.001] } });
    const body = JSON.stringify({ model: 'claude-x', max_tokens: 9, messages: [{ role: 'user', content: 'y'.repeat(200_000) }] });
    expect((await ask(gateway, { body })).status).toBe(200);
    expect(cloud.requests.length).toBe(1);
    signatureOf(cloud.requests[0] as WireMessage, KEYS.secret_access_key);
    expect([field(plain.requests[0], 'x-api-key'), field(plain.requests[0], 'authorization'), field(plain.requests[0], 'x-amz-date'), field(plain.requests[0], 'anthropic-workspace-id')]).toEqual(['sk-ant-of-a', '', '', '']);
    expect(plain.requests[0]?.body.toString() === body).toBe(true);
    expect((await gateway.recorded(1))[0]).toMatchObject({ upstream: 'a', failovers: ['p:status_529'] });
    plain.answer = OVERLOADED;
    cloud.answer = SERVED;
    gateway.update(configWith([aws(cloud.origin, { tier: 1 }), { name: 'a', base_url: plain.origin, credential: { api_key: 'sk-ant-of-a' }, tier: 0 }]));
    expect((await ask(gateway, { body })).status).toBe(200);
    expect(cloud.requests.length).toBe(2);
    signatureOf(cloud.requests[1] as WireMessage, KEYS.secret_access_key);
  });

  test('gets no upload that is streamed: another upstream does, and without one the client is told why', async () => {
    await using cloud = await startAnswering();
    await using plain = await startAnswering(jsonAnswer(200, '{}'));
    const upload = (): RequestInit & { duplex: 'half' } => ({
      method: 'POST', duplex: 'half', headers: { 'content-type': 'multipart/form-data; boundary=b' },
      body: new ReadableStream({ pull: (controller) => { controller.enqueue(Buffer.from('--b--\r\n')); controller.close(); } }),
    });
    await using gateway = await startGroupGateway([aws(cloud.origin), { name: 'a', base_url: plain.origin, credential: { api_key: 'sk-ant-of-a' } }], { routing: { stateful: 'a' } });
    expect((await fetch(`${gateway.anthropic}/v1/files`, upload())).status).toBe(200);
    expect([cloud.requests.length, plain.requests.length]).toEqual([0, 1]);
    gateway.update(configWith([aws(cloud.origin)]));
    const refused = await fetch(`${gateway.anthropic}/v1/files`, upload());
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('signed requests only')]);
    expect(cloud.requests.length).toBe(0);
  });

  test('does not take a 503 for a refusal unless that is listed for it', async () => {
    await using cloud = await startAnswering(jsonAnswer(503, '{"of":"the cloud"}'));
    await using plain = await startAnswering();
    const upstreams = (more: object): readonly object[] => [aws(cloud.origin, { tier: 0, ...more }), { name: 'a', base_url: plain.origin, credential: { api_key: 'sk-ant-of-a' }, tier: 1 }];
    await using gateway = await startGroupGateway(upstreams({}));
    expect((await ask(gateway)).status).toBe(503);
    expect(plain.requests.length).toBe(0);
    gateway.update(configWith(upstreams({ fail_over_on: ['not_sent', 503] })));
    expect((await ask(gateway)).status).toBe(200);
    expect(plain.requests.length).toBe(1);
  });
});

describe('a credential that is fetched', () => {
  const SECRET = 'c2VjcmV0LW9mLXRoZS1wcm9ncmFt';

  test.each([
    ['ends with an error', 'command_failed', `echo ${SECRET}; exit 3`], ['prints two lines', 'invalid_value', `echo ${SECRET}; echo ${SECRET}`], ['prints nothing', 'invalid_value', 'true'],
    ['is not there', 'command_failed', undefined],
  ])('of a program that %s takes that upstream out alone, and page, readiness and log name the reason without the secret', async (what, code, script) => {
    await using cloud = await startAnswering();
    await using plain = await startAnswering();
    const command = script === undefined ? [join(folder, 'absent')] : [program(`p-${what.replaceAll(' ', '-')}`, script)];
    await using gateway = await startGroupGateway([
      { name: 'm', kind: 'bedrock_mantle', base_url: cloud.origin, region: 'us-east-1', credential: { bearer_command: command }, tier: 0 }, { name: 'a', base_url: plain.origin, credential: { api_key: 'sk-ant-of-a' }, tier: 1 },
    ]);
    // It is known before a request comes.
    await vi.waitFor(() => { expect(gateway.upstreams()[0]).toMatchObject({ name: 'm', trouble: { cause: 'credential_refused' } }); }, GENEROUS);
    expect(Object.keys(warningsOf(gateway.upstreams()))).toEqual(['m_upstream']);
    expect(gateway.logged.find(({ msg }) => msg === 'upstream credential')).toMatchObject({ upstream: 'm', state: 'failed', code, error: expect.stringContaining(command[0] ?? '') as unknown });
    expect((await ask(gateway)).status).toBe(200);
    expect([cloud.requests.length, plain.requests.length]).toEqual([0, 1]);
    expect((await gateway.recorded(1))[0]).toMatchObject({ upstream: 'a', failovers: ['m:not_sent'] });
    expect(await gateway.series('penstock_failovers_total{from="m",to="a",reason="not_sent"}')).toBe(1);
    expect(JSON.stringify(gateway.logged)).not.toContain(SECRET);
  });

  test('of a program without a shell and with nothing of the gateway\'s environment', async () => {
    await using only = await startAnswering();
    process.env['PENSTOCK_TEST_SECRET'] = 'of the gateway';
    try {
      const command = [program('print-environment', 'echo "$1:$(env | cut -d= -f1 | grep -v -e PWD -e SHLVL -e ^_ | sort | tr "\\n" ,)"'), '$HOME;x'];
      await using gateway = await startGroupGateway([{ name: 'm', kind: 'bedrock_mantle', base_url: only.origin, region: 'us-east-1', credential: { bearer_command: command } }]);
      expect((await ask(gateway)).status).toBe(200);
      expect(field(only.requests[0], 'authorization')).toBe('Bearer $HOME;x:PATH,');
    } finally {
      delete process.env['PENSTOCK_TEST_SECRET'];
    }
  });

  test('is that of the new configuration after a reload, and its trouble is over', async () => {
    await using only = await startAnswering();
    const upstream = (command: readonly string[]): object => ({ name: 'm', kind: 'bedrock_mantle', base_url: only.origin, region: 'us-east-1', credential: { bearer_command: command } });
    await using gateway = await startGroupGateway([upstream([program('fails', 'exit 1')])]);
    const failed = await ask(gateway);
    expect([failed.status, failed.headers.get('x-penstock-error')]).toEqual([502, 'upstream_credential']);
    gateway.update(configWith([upstream([program('works', 'echo renewed')])]));
    expect((await ask(gateway)).status).toBe(200);
    expect(field(only.requests[0], 'authorization')).toBe('Bearer renewed');
    await gateway.recorded(2);
    expect(gateway.upstreams()[0]).toMatchObject({ trouble: undefined });
  });
});
