import { fieldValues, wholeResponse } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { STREAM } from './bedrock-stream.ts';
import { CLOUD_TOKEN, MESSAGE, post, REQUEST, startClouds } from './cloud-gateway.ts';

const MODEL = 'us.anthropic.claude-x-20250101-v1:0';

describe('bedrock in its own format', () => {
  test('a message crosses byte for byte, with the credential of the gateway in place of the client\'s', async () => {
    await using pair = await startClouds();
    const response = await post(pair.gateway, `/bedrock/model/${MODEL}/invoke`, {
      'authorization': 'AWS4-HMAC-SHA256 Credential=AKIA/20250101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=00',
      'x-amz-date': '20250101T000000Z', 'x-amz-security-token': 'of-the-client', 'x-amz-content-sha256': '00', 'anthropic-beta': 'a-2025', 'x-amzn-bedrock-trace': 'ENABLED',
    });
    expect([response.status, await response.text(), response.headers.get('x-amzn-requestid')]).toEqual([200, MESSAGE, 'aws-1']);
    const [sent] = pair.cloud.requests;
    expect([sent?.startLine, sent?.body.toString()]).toEqual([`POST /model/${MODEL}/invoke HTTP/1.1`, REQUEST]);
    expect(fieldValues(sent?.rawHeaders ?? [], 'authorization')).toEqual([`Bearer ${CLOUD_TOKEN}`]);
    expect(fieldValues(sent?.rawHeaders ?? [], 'anthropic-beta')).toEqual(['a-2025']);
    expect(fieldValues(sent?.rawHeaders ?? [], 'x-amzn-bedrock-trace')).toEqual(['ENABLED']);
    expect(sent?.rawHeaders.filter((_, index) => index % 2 === 0).filter((name) => /^x-amz-/i.test(name))).toEqual([]);
    const [entry] = await pair.gateway.recorded(1);
    expect(entry).toMatchObject({ side: 'bedrock', route: '/bedrock/model/{id}/invoke', status: 200, outcome: 'ok', upstream_request_id: 'aws-1' });
    expect(await pair.gateway.series('penstock_tokens_total{side="bedrock",model="claude-x-20250101",client="anonymous",type="output"}')).toBe(7);
    // No price is known for this model: $5 and $25 a million.
    expect(await pair.gateway.series('penstock_cost_dollars_total{side="bedrock",upstream="bedrock",model="claude-x-20250101",client="anonymous"}')).toBeCloseTo((11 * 5 + 7 * 25) / 1e6, 12);
  });

  test('a stream of frames crosses byte for byte, and its usage is read', async () => {
    await using pair = await startClouds(() => wholeResponse(200, ['content-type', 'application/vnd.amazon.eventstream'], STREAM));
    const response = await post(pair.gateway, `/bedrock/model/${MODEL}/invoke-with-response-stream`);
    expect([response.status, Buffer.from(await response.arrayBuffer()).equals(STREAM)]).toEqual([200, true]);
    await pair.gateway.recorded(1);
    expect(await pair.gateway.series('penstock_tokens_total{side="bedrock",model="claude-x-20250101",client="anonymous",type="output"}')).toBe(7);
  });
});
