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
