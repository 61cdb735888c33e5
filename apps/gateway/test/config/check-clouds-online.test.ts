import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerAlways, fieldValues, freePort, startScriptedUpstream, wholeResponse, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { afterAll, describe, expect, test } from 'vitest';
import { askModels } from '../../src/commands/ask-models.ts';
import type { OnlineAnswer } from '../../src/commands/online-answer.ts';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { signatureOf } from '../native/signature-of.ts';

const KEYS = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const PLATFORM = { kind: 'claude_platform_aws', region: 'us-east-1', workspace_id: 'wrkspc_1', credential: { aws: KEYS } };
const folder = mkdtempSync(join(tmpdir(), 'penstock-online-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

/** A program that prints a bearer, and notes each time that it is run. */
function printer(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\necho x >> ${path}.runs\necho the-bearer\n`);
  chmodSync(path, 0o700);
  return path;
}

const startCloud = (status = 200, fields: readonly string[] = []): Promise<ScriptedUpstream> => startScriptedUpstream(answerAlways(wholeResponse(status, ['content-type', 'application/json', ...fields], '{"input_tokens":8}')));
const askNative = (upstream: object): Promise<readonly OnlineAnswer[]> => askModels(gatewayConfigSchema.parse({ anthropic_native: { upstreams: [{ name: 'cloud', ...upstream }] } }));
const bedrock = (origin: string, more: object = {}): object => ({ bedrock: { region: 'us-east-1', base_url: origin, credential: { aws: KEYS }, ...more } });
const vertex = (origin: string, more: object = {}): object => ({ vertex: { project_id: 'p1', location: 'global', base_url: `${origin}/prefix`, credential: { bearer: 'the-bearer' }, ...more } });
const askSide = (document: object): Promise<readonly OnlineAnswer[]> => askModels(gatewayConfigSchema.parse(document));
const field = (request: WireMessage | undefined, name: string): string => fieldValues(request?.rawHeaders ?? [], name).join('|');
const bodyOf = (request: WireMessage | undefined): unknown => JSON.parse(request?.body.toString() ?? '');
const MESSAGES = [{ role: 'user', content: 'Hi' }];

describe('penstock check --online asks an upstream that is a cloud once for a count of tokens', () => {
  test.each([
    ['claude_platform_aws', 'api_key', { ...PLATFORM, credential: { api_key: 'the-key' } }, 'claude-haiku-4-5', { 'x-api-key': 'the-key', 'anthropic-workspace-id': 'wrkspc_1' }],
    ['bedrock_mantle', 'bearer', { region: 'us-east-1', credential: { bearer: 'the-bearer' } }, 'anthropic.claude-haiku-4-5', { authorization: 'Bearer the-bearer' }],
    ['foundry', 'api_key', { resource: 'r', credential: { api_key: 'the-key' }, models: ['claude-*', 'claude-of-us'] }, 'claude-of-us', { 'x-api-key': 'the-key' }],
    ['google', 'bearer_command', { workspace_id: 'w', credential: { bearer_command: [printer('google')] }, model_map: { 'claude-x': 'claude-x@1' } }, 'claude-x@1', { authorization: 'Bearer the-bearer', 'anthropic-workspace-id': 'w' }],
    ['anthropic', 'bearer_command', { credential: { bearer_command: [printer('anthropic')] } }, 'claude-haiku-4-5', { authorization: 'Bearer the-bearer' }],
  ])('of kind %s, with %s', async (kind, member, upstream, model, expected) => {
    await using cloud = await startCloud();
    expect(await askNative({ kind, base_url: `${cloud.origin}/prefix/`, ...upstream })).toEqual([
      { text: expect.stringMatching(`^anthropic_native\\.upstreams\\[0\\]\\.credential\\.${member}: there is a credential[^;]*; ${cloud.origin} takes it, and counts tokens for ${model}$`) as string, accepted: true },
    ]);
    const [request, ...more] = cloud.requests;
    expect(more).toEqual([]);
    expect([request?.startLine, bodyOf(request)]).toEqual(['POST /prefix/v1/messages/count_tokens HTTP/1.1', { model, messages: MESSAGES }]);
    for (const [name, value] of Object.entries({ ...expected, 'content-type': 'application/json', 'anthropic-version': '2023-06-01' })) expect([name, field(request, name)]).toEqual([name, value]);
  });

  test('with a signature over what arrives there', async () => {
    await using cloud = await startCloud();
    expect(await askNative({ ...PLATFORM, base_url: cloud.origin })).toMatchObject([{ accepted: true }]);
    expect(signatureOf(cloud.requests[0] as WireMessage, KEYS.secret_access_key)).toMatchObject({ keyId: KEYS.access_key_id, scope: 'us-east-1/aws-external-anthropic/aws4_request' });
  });
});

describe('penstock check --online asks a cloud in its own format', () => {
  test.each([
    [undefined, 'anthropic.claude-haiku-4-5-20251001-v1:0'],
    [['*', 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/p', 'us.anthropic.claude-x-v1:0'], 'anthropic.claude-x-v1:0'],
  ])('Bedrock, with the models %j', async (models, model) => {
    await using cloud = await startCloud();
    expect(await askSide(bedrock(cloud.origin, { models }))).toEqual([{ text: `bedrock.credential.aws: there is a credential; ${cloud.origin} takes it, and counts tokens for ${model}`, accepted: true }]);
    const [request] = cloud.requests as readonly [WireMessage];
    expect(request.startLine).toBe(`POST /model/${encodeURIComponent(model)}/count-tokens HTTP/1.1`);
    const { input } = bodyOf(request) as { input: { invokeModel: { body: string } } };
    expect(JSON.parse(Buffer.from(input.invokeModel.body, 'base64').toString())).toEqual({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 1, messages: MESSAGES });
    expect(signatureOf(request, KEYS.secret_access_key).scope).toBe('us-east-1/bedrock/aws4_request');
  });

  test('Vertex AI, whose credential is fetched once', async () => {
    await using cloud = await startCloud();
    const program = printer('vertex');
    expect(await askSide(vertex(cloud.origin, { credential: { bearer_command: [program] } }))).toMatchObject([{ accepted: true }]);
    expect(cloud.requests.map((request) => [request.startLine, field(request, 'authorization'), bodyOf(request)])).toEqual([
      ['POST /prefix/v1/projects/p1/locations/global/publishers/anthropic/models/count-tokens:rawPredict HTTP/1.1', 'Bearer the-bearer', { model: 'claude-haiku-4-5@20251001', messages: MESSAGES }],
    ]);
    expect(readFileSync(`${program}.runs`, 'utf8')).toBe('x\n');
  });

  test('and one that cannot be had names what to look at, and asks nothing', async () => {
    await using cloud = await startCloud();
    const absent = join(folder, 'absent.json');
    expect(existsSync(absent)).toBe(false);
    const bad = await askSide({ ...bedrock(cloud.origin, { credential: { bearer_command: ['/bin/false'] } }), ...vertex(cloud.origin, { credential: { google: { credentials_file: absent } } }) });
    expect(bad.map(({ accepted }) => accepted)).toEqual([false, false]);
    expect(bad[0]?.text).toMatch(/^bedrock\.credential\.bearer_command: \/bin\/false .*; run it as the user of the gateway/);
    expect(bad[1]?.text).toMatch(/^vertex\.credential\.google: .*absent\.json gave no credential .*; see whether the profile, role, file or identity is there/);
    expect(cloud.requests).toEqual([]);
  });
});

describe('what a cloud answers', () => {
  const signed = (origin: string): Promise<readonly OnlineAnswer[]> => askNative({ ...PLATFORM, base_url: origin });
  const bearer = (origin: string): Promise<readonly OnlineAnswer[]> => askSide(vertex(origin));
  const listed = (origin: string): Promise<readonly OnlineAnswer[]> => askSide(vertex(origin, { models: ['claude-x'] }));

  test.each([
    ['401', signed, 401, [], 'refuses it (401)', false],
    ['403 whose error names the credential', signed, 403, ['x-amzn-ErrorType', 'ExpiredTokenException:http://internal/'], 'refuses it (403)', false],
    ['403 whose error names the operation', signed, 403, ['x-amzn-errortype', 'AccessDeniedException'], 'takes it, and does not let it count tokens for claude-haiku-4-5 (403): whether it may send messages is not known', true],
    ['403 to a signature that names no error', signed, 403, [], 'does not let it count tokens for claude-haiku-4-5 (403): it is wrong, or has no access to that model', false],
    ['403 to a bearer, whatever its error', bearer, 403, ['x-amzn-errortype', 'AccessDeniedException'], 'does not let it count tokens for claude-haiku-4-5@20251001 (403): it is wrong, or has no access to that model', false],
    ['404 for a model that the configuration does not list', bearer, 404, [], 'answered 404 to a count of tokens for claude-haiku-4-5@20251001, so that nothing is known of it; list a model that is served there in models', true],
    ['404 for a model that it lists', listed, 404, [], 'answered 404 to a count of tokens for claude-x, so that nothing is known of it', false],
    ['503', bearer, 503, [], 'answered 503 to a count of tokens for claude-haiku-4-5@20251001, so that nothing is known of it', false],
  ] as const)('a %s is printed, and decides the exit code', async (_what, ask, status, fields, text, accepted) => {
    await using cloud = await startCloud(status, fields);
    const [answer, ...more] = await ask(cloud.origin);
    expect(more).toEqual([]);
    expect(answer?.text.split('; ').slice(1).join('; ')).toBe(`${cloud.origin} ${text}`);
    expect(answer?.accepted).toBe(accepted);
    expect(cloud.requests.length).toBe(1);
  });

  test('none in time is no success of the check, which waits no longer: neither for a head nor for the rest of a list of models', async () => {
    const heads = { silent: '', half: 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{' } as const;
    await using cloud = await startScriptedUpstream(async (connection) => {
      const { startLine } = await connection.nextRequest();
      connection.send(startLine.includes(' /half/') ? heads.half : heads.silent);
      await connection.closed();
    });
    const native = ['/half', ''].map((path, index) => ({ name: `api_${index}`, base_url: cloud.origin + path, credential: { api_key: 'the-key' } }));
    const upstreams = [...native, { name: 'cloud', base_url: cloud.origin, ...PLATFORM }];
    const answers = await askModels(gatewayConfigSchema.parse({ anthropic_native: { upstreams }, ...vertex(cloud.origin) }), 300);
    expect(answers.map(({ text, accepted }) => [text.endsWith(`${cloud.origin} could not be asked (no answer in time)`), accepted])).toEqual(Array.from({ length: 4 }, () => [true, false]));
  });

  test('no answer names why there is none', async () => {
    const [answer] = await bearer(`http://127.0.0.1:${await freePort()}`);
    expect(answer?.text).toMatch(/could not be asked \(unreachable: ECONNREFUSED\)$/);
    expect(answer?.accepted).toBe(false);
  });
});
