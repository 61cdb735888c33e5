import { startCloudStub, verifySignature, wholeResponse } from '@penstock/test-support';
import { startSimulator } from '@penstock/anthropic-simulator';
import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import { describe, expect, test } from 'vitest';
import { startTestGateway } from '../start-test-gateway.ts';
import { post, startClouds } from './cloud-gateway.ts';

const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' } as const;
const INVOKE = '/bedrock/model/us.anthropic.claude-x-v1:0/invoke';
const QUESTION = { model: 'us.anthropic.claude-haiku-4-5-20251001-v1:0', max_tokens: 50, messages: [{ role: 'user' as const, content: 'Hello' }] };

/** A gateway that signs with keys of AWS, in front of a stub that verifies signatures by another implementation. */
async function startSigned(): Promise<{ readonly origin: string; readonly problems: () => readonly (string | undefined)[]; [Symbol.asyncDispose](): Promise<void> }> {
  const simulator = await startSimulator();
  const stub = await startCloudStub({ origin: simulator.origin, verify: (request) => verifySignature(request, { ...KEYS, region: 'us-east-1', service: 'bedrock' }) });
  const gateway = await startTestGateway('http://127.0.0.1:1', {
    bedrock: { region: 'us-east-1', base_url: stub.origin, credential: { aws: { access_key_id: KEYS.accessKeyId, secret_access_key: KEYS.secretAccessKey } } },
  });
  return {
    origin: gateway.origin,
    problems: () => stub.requests.map(({ problem }) => problem),
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await stub[Symbol.asyncDispose]();
      await simulator[Symbol.asyncDispose]();
    },
  };
}

describe('a gateway that signs for Bedrock', () => {
  test('gives the official SDK messages, streams and counts, each signed anew, whatever the SDK signed with', async () => {
    await using signed = await startSigned();
    const client = new AnthropicBedrock({ baseURL: `${signed.origin}/bedrock`, awsAccessKey: 'AKIDOFTHECLIENT', awsSecretKey: 'of-the-client', awsRegion: 'eu-west-1', maxRetries: 0 });
    const asked = await client.messages.create(QUESTION);
    const streamed = await client.messages.stream(QUESTION).finalMessage();
    expect([asked.type, streamed.stop_reason, streamed.usage.output_tokens]).toEqual(['message', 'end_turn', asked.usage.output_tokens]);
    expect(signed.problems()).toEqual([undefined, undefined]);
  });

  test('signs the path as it goes out, an encoded slash included', async () => {
    await using signed = await startSigned();
    const arn = 'arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-haiku-4-5-20251001-v1%3A0';
    await fetch(`${signed.origin}/bedrock/model/${arn}/invoke`, { method: 'POST', body: JSON.stringify({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 9, messages: QUESTION.messages }), headers: { 'content-type': 'application/json', 'anthropic-beta': 'a-2025' } });
    expect(signed.problems()).toEqual([undefined]);
  });

  test('a refusal of the gateway\'s own shows the SDK its sentence, and is not asked again', async () => {
    await using pair = await startClouds();
    const client = new AnthropicBedrock({ baseURL: `${pair.gateway.origin}/bedrock`, apiKey: 'any', maxRetries: 2 });
    await expect(client.messages.create({ ...QUESTION, model: 'amazon.titan-x' })).rejects.toThrow(/not served here/);
    expect(await pair.gateway.recorded(1)).toHaveLength(1);
  });
});

describe('a request that cannot be signed for Bedrock', () => {
  test('is its client\'s error in the API\'s shape: nothing is sent, and the credential of the gateway is not blamed', async () => {
    await using pair = await startClouds(undefined, { bedrock: { credential: { aws: { access_key_id: KEYS.accessKeyId, secret_access_key: KEYS.secretAccessKey } } } });
    for (const query of ['?x=%ff', '?x=%zz']) {
      const response = await post(pair.gateway, `${INVOKE}${query}`);
      expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([400, 'ValidationException']);
      await response.text();
    }
    expect((await pair.gateway.recorded(2)).map(({ outcome, upstream, cause }) => [outcome, upstream, cause])).toEqual([['client_error', undefined, 'bad_request'], ['client_error', undefined, 'bad_request']]);
    expect(pair.gateway.upstreams().map(({ trouble }) => trouble)).not.toContainEqual(expect.anything());
    expect(pair.cloud.requests).toEqual([]);
  });
});

describe('a cloud that refuses the credential of the gateway', () => {
  const refuse = (): Buffer => wholeResponse(401, ['content-type', 'application/json', 'x-amzn-errortype', 'UnrecognizedClientException'], '{"message":"The security token included in the request is invalid."}');

  test('is answered by an error that says whose it was', async () => {
    await using pair = await startClouds(refuse);
    const response = await post(pair.gateway, INVOKE);
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([502, 'false']);
    expect((await response.json() as { message: string }).message).toContain('credential of this gateway, not yours');
    expect((await pair.gateway.recorded(1))[0]).toMatchObject({ outcome: 'upstream_credential_refused', cause: 'upstream_credential' });
  });

  test('is relayed as it is where that is configured', async () => {
    await using pair = await startClouds(refuse, { bedrock: { upstream_auth_errors: 'relay' } });
    const response = await post(pair.gateway, INVOKE);
    expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([401, 'UnrecognizedClientException']);
  });
});
