import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerAlways, startScriptedUpstream, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { describeStart } from '../../src/commands/describe-start.ts';
import { changesBetween, mergeReloaded } from '../../src/config/changes-between.ts';
import { loadConfig, type LoadedConfig } from '../../src/config/load-config.ts';
import { runPenstock } from '../run-penstock.ts';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';
import { cloudSections, MESSAGE, post } from './cloud-gateway.ts';

const INVOKE = '/bedrock/model/us.anthropic.claude-x-v1:0/invoke';

/** Reads a configuration from a file, as the commands do. */
function load(document: object, environment: Readonly<Record<string, string>> = {}): LoadedConfig {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-clouds-'));
  try {
    writeFileSync(join(folder, 'config.json'), JSON.stringify(document));
    return loadConfig({ argv: {}, environment, workingDirectory: folder });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function startAlone(cloud: ScriptedUpstream): Promise<TestGateway> {
  return await startTestGateway('http://127.0.0.1:1', { ...cloudSections(cloud.origin), anthropic_native: { api_key: undefined } });
}

describe('a gateway with clouds and without a key of the Anthropic API', () => {
  test.each(['bedrock', 'vertex'] as const)('is sound with %s alone, and its only warning is about the front door', (name) => {
    const { config, warnings } = load({ [name]: cloudSections('https://cloud.example')[name], clients: [{ name: 'a', key_sha256: 'a'.repeat(64) }, { name: 'b', key_sha256: 'b'.repeat(64) }] });
    expect(config.anthropic_native.api_key).toBeUndefined();
    expect(warnings).toEqual(['the OpenAI front door has no backend: there is no anthropic_native.api_key, whose copy it would have; it needs openai_front_door.backends, or openai_front_door.enabled false']);
  });

  test('without a cloud needs the key as before', () => {
    expect(() => load({})).toThrow('anthropic_native.api_key must be an API key');
  });

  test('serves its clouds; the paths of the Anthropic API are 404 and name the setting, in its shape', async () => {
    await using cloud = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], MESSAGE)));
    await using gateway = await startAlone(cloud);
    const served = await post(gateway, INVOKE);
    expect([served.status, await served.text()]).toEqual([200, MESSAGE]);
    for (const path of ['/anthropic/v1/messages', '/anthropic/health', '/anthropic/api/hello', '/anthropic']) {
      const response = await fetch(`${gateway.origin}${path}`);
      const { type, error } = await response.json() as { type: string; error: { type: string; message: string } };
      expect([response.status, response.headers.get('x-penstock-error'), type, error.type]).toEqual([404, 'not_found', 'error', 'not_found_error']);
      expect(error.message).toContain('anthropic_native.api_key or anthropic_native.upstreams');
    }
  });

  test('has health, upstreams and pools of its clouds only, and no condition', async () => {
    await using cloud = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], MESSAGE)));
    await using gateway = await startAlone(cloud);
    expect([gateway.upstreams().map(({ name }) => name), gateway.warnings(), gateway.health()]).toEqual([['bedrock', 'vertex'], {}, undefined]);
    expect(await (await fetch(`${gateway.origin}/vertex/health`)).json()).toMatchObject({ status: 'healthy', service: 'vertex' });
    expect(await gateway.metrics.registry.metrics()).not.toMatch(/upstream="native"/);
    // A reload applies to the clouds as before.
    gateway.update(load({ server: { port: 0 }, ...cloudSections(cloud.origin) }).config);
    expect((await post(gateway, INVOKE)).status).toBe(200);
  });

  test('gets its native side by a restart, and so it loses it: a reload keeps the key as it was and names it', () => {
    const clouds = cloudSections('https://cloud.example');
    const [without, withKey] = [load(clouds).config, load(clouds, { ANTHROPIC_API_KEY: 'sk-ant-api03-x' }).config];
    for (const [before, after] of [[without, withKey], [withKey, without]] as const) {
      expect(changesBetween(before, after)).toEqual({ applied: [], restartRequired: ['anthropic_native.api_key'] });
      expect(mergeReloaded(before, after, { simulate: false }).anthropic_native.api_key).toBe(before.anthropic_native.api_key);
    }
  });

  test('names at the start its clouds, where their requests go, and a command that one of them answers', async () => {
    await using cloud = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], MESSAGE)));
    await using gateway = await startAlone(cloud);
    const { bedrock, vertex } = cloudSections(cloud.origin);
    for (const sections of [{ bedrock }, { vertex }]) {
      const { config } = load({ ...sections, openai_front_door: { enabled: false } });
      const text = describeStart({ port: gateway.port, operationsPort: 9464, workers: 1, config, simulates: false, hasKey: false, warnings: [] });
      expect(text).not.toContain('Anthropic API');
      expect(text).toContain(`  upstream        ${Object.keys(sections)[0]} ${cloud.origin}\n`);
      const [, url = '', body = ''] = /curl (\S+) -H 'content-type: application\/json' -d '([^']+)'/.exec(text) ?? [];
      expect((await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } })).status).toBe(200);
    }
  });

  test('starts as a process with its clouds, and not with the simulator, where no key is given; it is ready, and its page and metrics show no native side', { timeout: 60_000 }, async () => {
    await using cloud = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], MESSAGE)));
    const { bedrock } = cloudSections(cloud.origin) as Record<string, Record<string, unknown>>;
    await using penstock = await runPenstock({ document: { bedrock: bedrock ?? {}, server: { workers: 2 } }, flags: ['--simulate-without-key'] });
    expect(penstock.stderr()).not.toMatch(/SIMULATOR|Anthropic API/);
    expect((await fetch(`${penstock.operations}/readyz`)).status).toBe(200);
    const answer = await fetch(`${penstock.origin}${INVOKE}`, { method: 'POST', body: '{"max_tokens":9,"messages":[]}', headers: { 'content-type': 'application/json' } });
    expect([answer.status, await answer.text()]).toEqual([200, MESSAGE]);
    const status = await (await fetch(`${penstock.operations}/status.json`)).text();
    const metrics = await (await fetch(`${penstock.operations}/metrics`)).text();
    expect([status.includes('"bedrock"'), status.includes('"name":"native"'), metrics.includes('upstream="bedrock"'), metrics.includes('upstream="native"')]).toEqual([true, false, true, false]);
  });
});
