import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { answerAlways, fieldValues, freePort, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askModels } from '../../src/commands/ask-models.ts';
import { runOnlineCheck } from '../../src/commands/check.ts';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';

const KEY = `sk-ant-api03-${'k'.repeat(40)}`;
let simulator: Simulator;
let stdout = '';
let stderr = '';
const output = { stdout: { write: (text: string) => { stdout += text; } }, stderr: { write: (text: string) => { stderr += text; } } };

beforeAll(async () => { simulator = await startSimulator({ apiKeys: [KEY] }); });
afterAll(() => simulator.close());

const check = async (environment: Readonly<Record<string, string>>): Promise<number> => {
  [stdout, stderr] = ['', ''];
  simulator.clearRequests();
  return await runOnlineCheck({ argv: {}, environment: { ANTHROPIC_BASE_URL: simulator.origin, ...environment }, workingDirectory: '/' }, output, askModels);
};

test('penstock check --online: asks once for the models and names what the credential may use', async () => {
  expect(await check({ ANTHROPIC_API_KEY: KEY })).toBe(0);
  expect(stderr).toMatch(/anthropic_native\.api_key: http:\S+ takes the key.* may use \d+ model\(s\): claude-/);
  expect(simulator.requests.map(({ path }) => path)).toEqual(['/v1/models']);
  expect(JSON.parse(stdout)).toMatchObject({ anthropic_native: { api_key: '********' } });
  expect(stderr).not.toContain(KEY);
});

test('penstock check --online: a key that the API refuses is exit code 1, and so is an API that is not there', async () => {
  expect(await check({ ANTHROPIC_API_KEY: 'sk-ant-api03-revoked' })).toBe(1);
  expect(stderr).toContain('refuses the key (401)');
  expect(await check({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: `http://127.0.0.1:${await freePort()}` })).toBe(1);
  expect(stderr).toMatch(/could not be asked \(\w+: ECONNREFUSED\)/);
});

test('penstock check --online: each backend of the front door is asked with its own key', async () => {
  await using origin = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{"data":[{"id":"m-1"},{"id":"m-2"}]}')));
  const config = gatewayConfigSchema.parse({
    anthropic_native: { base_url: simulator.origin, api_key: KEY },
    openai_front_door: { backends: [{ name: 'o', kind: 'openai', base_url: `${origin.origin}/v1`, api_key: 'sk-o' }] },
  });
  expect((await askModels(config)).map(({ text, accepted }) => [text.split(':')[0], accepted])).toEqual([['anthropic_native.api_key', true], ['openai_front_door.backends[0].api_key', true]]);
  expect(origin.requests.map(({ startLine, rawHeaders }) => [startLine.split(' ')[1], fieldValues(rawHeaders, 'authorization')])).toEqual([['/v1/models', ['Bearer sk-o']]]);
});

test('penstock check --online: each upstream of a list is asked with its own credential, and a file that cannot be read is named', async () => {
  await using origin = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{"data":[{"id":"m-1"}]}')));
  const config = gatewayConfigSchema.parse({ anthropic_native: { upstreams: [
    { name: 'a', base_url: simulator.origin, credential: { api_key: KEY } },
    { name: 'b', base_url: `${origin.origin}/prefix`, credential: { bearer: 'a-bearer' } },
    { name: 'c', base_url: origin.origin, credential: { bearer_file: '/nowhere/token' } },
  ] } });
  const at = (index: number, member: string): string => `anthropic_native.upstreams[${index}].credential.${member}`;
  const answers = await askModels(config);
  expect(answers.map(({ text, accepted }) => [text.split(':')[0], accepted])).toEqual([[at(0, 'api_key'), true], [at(1, 'bearer'), true], [at(2, 'bearer_file'), false]]);
  expect(answers[2]?.text).toContain('/nowhere/token cannot be read');
  expect(origin.requests.map(({ startLine, rawHeaders }) => [startLine.split(' ')[1], fieldValues(rawHeaders, 'authorization'), fieldValues(rawHeaders, 'x-api-key')])).toEqual([['/prefix/v1/models?limit=1000', ['Bearer a-bearer'], []]]);
});

test('penstock check --online: without a credential of its own nothing is asked', async () => {
  const config = gatewayConfigSchema.parse({ anthropic_native: { base_url: simulator.origin, credentials: 'forward' } });
  simulator.clearRequests();
  expect(await askModels(config)).toMatchObject([{ accepted: true }]);
  expect(simulator.requests).toEqual([]);
});

test('penstock check --online: the credential of each cloud is fetched once, also without a native side, and one that cannot be had names what to look at', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-online-'));
  try {
    const program = join(folder, 'token');
    writeFileSync(program, `#!/bin/sh\necho x >> ${program}.runs\necho the-bearer\n`);
    chmodSync(program, 0o700);
    await using origin = await startScriptedUpstream(answerAlways(wholeResponse(200, [], '{}')));
    const bedrock = (credential: object): object => ({ region: 'us-east-1', base_url: origin.origin, credential });
    const vertex = (credential: object): object => ({ project_id: 'p1', location: 'global', base_url: origin.origin, credential });
    const good = await askModels(gatewayConfigSchema.parse({ bedrock: bedrock({ aws: { access_key_id: 'AKID', secret_access_key: 'secret' } }), vertex: vertex({ bearer_command: [program] }) }));
    expect(good).toEqual([
      { text: `bedrock.credential.aws: there is a credential; ${origin.origin} was not asked whether it takes it`, accepted: true },
      { text: `vertex.credential.bearer_command: there is a credential; ${origin.origin} was not asked whether it takes it`, accepted: true },
    ]);
    expect(readFileSync(`${program}.runs`, 'utf8')).toBe('x\n');
    const absent = join(folder, 'absent.json');
    expect(existsSync(absent)).toBe(false);
    const bad = await askModels(gatewayConfigSchema.parse({ bedrock: bedrock({ bearer_command: ['/bin/false'] }), vertex: vertex({ google: { credentials_file: absent } }) }));
    expect(bad.map(({ accepted }) => accepted)).toEqual([false, false]);
    expect(bad[0]?.text).toMatch(/^bedrock\.credential\.bearer_command: \/bin\/false .*; run it as the user of the gateway/);
    expect(bad[1]?.text).toMatch(/^vertex\.credential\.google: .*absent\.json gave no credential .*; see whether the profile, role, file or identity is there/);
    expect(origin.requests).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
