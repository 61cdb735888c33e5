import { createHash } from 'node:crypto';
import { fieldValues, sendRawRequest, statusOf } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { startTestGateway } from '../start-test-gateway.ts';
import { CLOUD_TOKEN, post, startClouds } from './cloud-gateway.ts';

const KEY = 'pen_key-of-alice-0123456789';
const clientOf = (more: object = {}): object => ({ name: 'alice', key_sha256: createHash('sha256').update(KEY).digest('hex'), ...more });
const INVOKE = '/bedrock/model/anthropic.claude-x-v1:0/invoke';

/** Status, shape and sentence of an answer of the gateway's own on the side of Bedrock. */
async function refusal(response: Response): Promise<readonly [number, string | null, string]> {
  return [response.status, response.headers.get('x-amzn-errortype'), (await response.json() as { message: string }).message];
}

describe('callers of bedrock', () => {
  test.each([['x-api-key', KEY], ['authorization', `Bearer ${KEY}`], ['x-penstock-key', KEY]])('a key in %s admits, and does not cross', async (field, value) => {
    await using pair = await startClouds(undefined, { clients: [clientOf()] });
    expect((await post(pair.gateway, INVOKE, { [field]: value })).status).toBe(200);
    expect(pair.cloud.requests[0]?.rawHeaders.join(' ')).not.toContain(KEY);
    expect(pair.cloud.requests[0]?.rawHeaders.join(' ')).toContain(CLOUD_TOKEN);
  });

  test('a signature of AWS admits none, and its answer is final', async () => {
    await using pair = await startClouds(undefined, { clients: [clientOf()] });
    const response = await post(pair.gateway, INVOKE, { authorization: `AWS4-HMAC-SHA256 Credential=${KEY}/x, SignedHeaders=host, Signature=00` });
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect((await refusal(response)).slice(0, 2)).toEqual([401, 'AccessDeniedException']);
    expect(pair.cloud.requests).toEqual([]);
  });

  test('a client may be kept from the side, or to models by the decoded id', async () => {
    await using pair = await startClouds(undefined, { clients: [clientOf({ routes: ['messages'] })] });
    expect((await refusal(await post(pair.gateway, INVOKE, { 'x-api-key': KEY })))[0]).toBe(403);
    await using models = await startClouds(undefined, { clients: [clientOf({ models: ['arn:aws:bedrock:*:inference-profile/us.anthropic.*'] })] });
    const arn = 'arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-x-v1%3A0';
    expect((await post(models.gateway, `/bedrock/model/${arn}/invoke`, { 'x-api-key': KEY })).status).toBe(200);
    expect(models.cloud.requests[0]?.startLine).toBe(`POST /model/${arn}/invoke HTTP/1.1`);
    expect((await refusal(await post(models.gateway, INVOKE, { 'x-api-key': KEY })))[0]).toBe(404);
  });

  test.each([
    'arn:aws-claude-haiku:bedrock:us-east-1::foundation-model%2Fanthropic.claude-opus-4-v1:0',
    'arn:aws:bedrock:claude-haiku:123456789012:inference-profile%2Fus.anthropic.claude-opus-4-v1:0',
    'arn:aws:bedrock:us-claude-haiku-1:123456789012:inference-profile%2Fus.anthropic.claude-opus-4-v1:0',
    'claude-haiku.anthropic.claude-opus-4-v1:0',
    'arn:aws:bedrock:us-east-1:123456789012:inference-profile%2Fclaude-haiku.anthropic.claude-opus-4-v1:0',
  ])('no id with free text around its model meets the pattern of another model (%s)', async (id) => {
    await using pair = await startClouds(undefined, { clients: [clientOf({ models: ['*claude-haiku*'] })] });
    expect((await refusal(await post(pair.gateway, `/bedrock/model/${id}/invoke`, { 'x-api-key': KEY })))[0]).toBe(404);
    expect(pair.cloud.requests).toEqual([]);
  });

  test.each([
    'anthropic.claude-x-v1:0', 'us.anthropic.claude-x-v1:0', 'apac.anthropic.claude-x-v1:0', 'global.anthropic.claude-x-v1:0', 'us-gov.anthropic.claude-x-v1:0',
    'arn:aws:bedrock:us-east-1::foundation-model%2Fanthropic.claude-x-v1:0', 'arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:inference-profile%2Fus-gov.anthropic.claude-x-v1:0',
    'arn:aws:bedrock:ap-southeast-2:123456789012:inference-profile%2Fau.anthropic.claude-x-v1:0', 'arn:aws-eusc:bedrock:eusc-de-east-1::foundation-model%2Fanthropic.claude-x-v1:0',
    'arn:aws-iso-b:bedrock:us-isob-east-1::foundation-model%2Fanthropic.claude-x-v1:0',
  ])('the id %s is served without being listed', async (id) => {
    await using pair = await startClouds();
    expect((await post(pair.gateway, `/bedrock/model/${id}/invoke`)).status).toBe(200);
  });

  test('a client has its limit on this side by itself', async () => {
    await using pair = await startClouds(undefined, { clients: [clientOf({ limits: { requests_per_minute: 1 } })] });
    expect((await post(pair.gateway, INVOKE, { 'x-api-key': KEY })).status).toBe(200);
    const refused = await post(pair.gateway, INVOKE, { 'x-api-key': KEY });
    expect(refused.headers.get('retry-after')).not.toBeNull();
    expect((await refusal(refused)).slice(0, 2)).toEqual([429, 'ThrottlingException']);
  });
});

describe('paths of bedrock', () => {
  test.each([
    ['another operation', '/bedrock/model/anthropic.claude-x/converse', 404, 'ResourceNotFoundException', 'Converse'],
    ['an unknown path', '/bedrock/inference-profiles', 404, 'ResourceNotFoundException', '/invoke'],
    ['another maker\'s model', '/bedrock/model/amazon.titan-x/invoke', 404, 'ResourceNotFoundException', 'bedrock.models'],
    ['an ARN without a model in it', '/bedrock/model/arn:aws:bedrock:us-east-1:1:application-inference-profile%2Fx/invoke', 404, 'ResourceNotFoundException', 'bedrock.models'],
    ['an id that climbs', '/bedrock/model/..%2Fanthropic.x/invoke', 400, 'ValidationException', 'id of the model'],
    ['an empty part of an id', '/bedrock/model/anthropic.x%2F%2Fy/invoke', 400, 'ValidationException', 'id of the model'],
    ['an encoded slash elsewhere', '/bedrock/model/anthropic.claude-x/invoke%2Fx', 404, 'ResourceNotFoundException', '/invoke'],
    ['an encoded dot', '/bedrock/model/%2e%2e/invoke', 400, 'ValidationException', 'encoded'],
    ['a dot segment', '/bedrock/model/../invoke', 400, 'ValidationException', 'segment'],
  ])('%s is refused in the API\'s shape, and nothing is sent', async (_what, path, status, type, part) => {
    await using pair = await startClouds();
    const raw = await sendRawRequest(pair.gateway.port, `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`);
    expect([statusOf(raw), fieldValues(raw.rawHeaders, 'x-amzn-errortype')]).toEqual([status, [type]]);
    expect((JSON.parse(raw.body.toString()) as { message: string }).message).toContain(part);
    expect(pair.cloud.requests).toEqual([]);
  });

  test('an application inference profile is served once it is listed, and only what is listed', async () => {
    await using pair = await startClouds(undefined, { bedrock: { models: ['arn:aws:bedrock:us-east-1:*:application-inference-profile/x1'] } });
    expect((await post(pair.gateway, '/bedrock/model/arn:aws:bedrock:us-east-1:1:application-inference-profile%2Fx1/invoke')).status).toBe(200);
    expect((await post(pair.gateway, INVOKE)).status).toBe(404);
  });

  test('another method is a 405 that names the one', async () => {
    await using pair = await startClouds();
    const response = await fetch(`${pair.gateway.origin}${INVOKE}`);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('a cloud that is not configured', () => {
  test.each([['/bedrock/model/anthropic.x/invoke', 'bedrock'], ['/vertex/v1/projects/p/locations/l/publishers/anthropic/models/claude-x:rawPredict', 'vertex']])('%s is a 404 that names its section, and has no series', async (path, name) => {
    await using gateway = await startTestGateway('http://127.0.0.1:1');
    const response = await post(gateway, path);
    expect([response.status, (await response.text()).includes(`section \\"${name}\\"`)]).toEqual([404, true]);
    expect(await gateway.metrics.registry.metrics()).not.toContain(`side="${name}"`);
  });
});
