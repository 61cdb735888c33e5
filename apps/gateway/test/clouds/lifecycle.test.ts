import { createHash } from 'node:crypto';
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk';
import { describe, expect, test } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { CLOUD_TOKEN, cloudSections, post, startClouds } from './cloud-gateway.ts';

const INVOKE = '/bedrock/model/us.anthropic.claude-x-v1:0/invoke';
const KEY = 'pen_key-of-alice-0123456789';

describe('the health of a cloud\'s side', () => {
  test('shows its pool and its age to this machine, and no credential', async () => {
    await using pair = await startClouds();
    await (await post(pair.gateway, INVOKE)).text();
    await pair.gateway.recorded(1);
    const text = await (await fetch(`${pair.gateway.origin}/bedrock/health`)).text();
    expect(JSON.parse(text)).toMatchObject({ status: 'healthy', service: 'bedrock', upstream: { max_connections: 20, waiting: 0, last_success_seconds: expect.any(Number) as number, last_failure_seconds: null } });
    expect(text).not.toContain(CLOUD_TOKEN);
    const other = await fetch(`${pair.gateway.origin}/vertex/health`, { headers: { 'x-forwarded-for': '192.0.2.1' } });
    expect(await other.json()).toMatchObject({ service: 'vertex', upstream: {} });
  });
});

describe('a reload', () => {
  test('changes the callers of a cloud\'s side', async () => {
    await using pair = await startClouds();
    expect((await post(pair.gateway, INVOKE)).status).toBe(200);
    pair.gateway.update(gatewayConfigSchema.parse({
      ...cloudSections(pair.cloud.origin), anthropic_native: { base_url: 'http://127.0.0.1:1', api_key: 'sk-ant-any' }, clients: [{ name: 'alice', key_sha256: createHash('sha256').update(KEY).digest('hex') }],
    }));
    expect((await post(pair.gateway, INVOKE)).status).toBe(401);
    expect((await post(pair.gateway, INVOKE, { 'x-api-key': KEY })).status).toBe(200);
  });
});

describe('the official SDK for Vertex AI', () => {
  test('gets messages, and the sentence of a refusal, which it does not ask again', async () => {
    await using pair = await startClouds();
    const authClient = { projectId: 'p1', getRequestHeaders: () => Promise.resolve(new Headers({ authorization: 'Bearer any' })) } as unknown as NonNullable<ConstructorParameters<typeof AnthropicVertex>[0]>['authClient'];
    const client = new AnthropicVertex({ baseURL: `${pair.gateway.origin}/vertex/v1`, region: 'us-east5', projectId: 'p1', authClient, maxRetries: 2 });
    const question = { model: 'claude-x@20250101', max_tokens: 9, messages: [{ role: 'user' as const, content: 'Hello' }] };
    expect((await client.messages.create(question)).content).toEqual([{ type: 'text', text: 'Hi' }]);
    await expect(client.messages.create({ ...question, model: 'gemini-x' })).rejects.toThrow(/not served here/);
    expect(await pair.gateway.recorded(2)).toHaveLength(2);
  });
});
