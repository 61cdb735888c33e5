import { fieldValues, sendRawRequest, statusOf, wholeResponse } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { MESSAGE, post, REQUEST, startClouds, type CloudPair } from './cloud-gateway.ts';

const INVOKE = '/bedrock/model/anthropic.claude-x-v1:0/invoke';
const RAW_PREDICT = '/vertex/v1/projects/p1/locations/us-east5/publishers/anthropic/models/claude-x:rawPredict';

/** Sends one request with no other fields than these, and gives its status. */
async function send({ gateway }: CloudPair, path: string, fields: readonly string[], body: string = REQUEST): Promise<number> {
  const head = [`POST ${path} HTTP/1.1`, 'host: 127.0.0.1', ...fields, `content-length: ${Buffer.byteLength(body)}`, 'connection: close', '', ''];
  return statusOf(await sendRawRequest(gateway.port, head.join('\r\n') + body));
}

describe('the content type of a request', () => {
  test.each([['absent', []], ['application/octet-stream', ['content-type: application/octet-stream']]])('is no matter to bedrock (%s), which gets it and the body as they came', async (type, fields) => {
    await using pair = await startClouds();
    expect(await send(pair, INVOKE, fields)).toBe(200);
    const [sent] = pair.cloud.requests;
    expect([sent?.body.toString(), fieldValues(sent?.rawHeaders ?? [], 'content-type')]).toEqual([REQUEST, type === 'absent' ? [] : [type]]);
  });

  test('of a body of bedrock that is not JSON makes it no JSON', async () => {
    await using pair = await startClouds();
    expect(await send(pair, INVOKE, ['content-type: application/octet-stream'], 'no JSON')).toBe(400);
    expect(pair.cloud.requests).toEqual([]);
  });

  test.each([['absent', []], ['application/octet-stream', ['content-type: application/octet-stream']]])('must be JSON for Vertex AI (%s)', async (_type, fields) => {
    await using pair = await startClouds();
    expect(await send(pair, RAW_PREDICT, fields)).toBe(415);
    expect(pair.cloud.requests).toEqual([]);
  });
});

describe('a query of a client', () => {
  test.each(['?access_token=ya29.of-the-client', '?alt=sse', '?&X-Amz-Signature=00'])('is refused by bedrock in its shape, by the name of the parameter (%s)', async (query) => {
    await using pair = await startClouds();
    const response = await post(pair.gateway, INVOKE + query);
    expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([400, 'ValidationException']);
    const { message } = await response.json() as { message: string };
    expect(message).toContain(`"${/(\w[\w-]*)=/.exec(query)?.[1]}"`);
    expect(message).not.toContain('ya29');
    expect(pair.cloud.requests).toEqual([]);
    expect(await pair.gateway.recorded(1)).toMatchObject([{ side: 'bedrock', route: '/bedrock/model/{id}/invoke', outcome: 'client_error' }]);
  });

  test('goes to Vertex AI where it is alt=sse', async () => {
    await using pair = await startClouds();
    const path = RAW_PREDICT.replace('rawPredict', 'streamRawPredict');
    expect((await post(pair.gateway, `${path}?alt=sse`)).status).toBe(200);
    expect(pair.cloud.requests[0]?.startLine).toBe(`POST ${path.slice('/vertex'.length)}?alt=sse HTTP/1.1`);
  });

  test.each([['access_token', '?alt=sse&access_token=ya29.of-the-client&key=AIza'], ['key', '?key=AIza'], ['alt', '?alt=json'], ['%61lt', '?%61lt=sse']])('is refused by Vertex AI in its shape, by the name of the parameter (%s)', async (name, query) => {
    await using pair = await startClouds();
    const response = await post(pair.gateway, RAW_PREDICT + query);
    const { error } = await response.json() as { error: { status: string; message: string } };
    expect([response.status, error.status]).toEqual([400, 'INVALID_ARGUMENT']);
    expect(error.message).toContain(`"${name}"`);
    expect(pair.cloud.requests).toEqual([]);
  });
});

describe('the request id of an answer with two', () => {
  const ids = ['request-id', 'req_1', 'x-amzn-requestid', 'aws-1'];

  test.each([['first', ids], ['last', [...ids.slice(2), ...ids.slice(0, 2)]]])('is the one of the API (%s)', async (_where, fields) => {
    await using pair = await startClouds(() => wholeResponse(200, ['content-type', 'application/json', ...fields], MESSAGE));
    expect((await post(pair.gateway, INVOKE)).status).toBe(200);
    expect(await pair.gateway.recorded(1)).toMatchObject([{ upstream_request_id: 'req_1' }]);
  });
});
