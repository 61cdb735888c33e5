import { fieldValues, wholeResponse } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { CLOUD_TOKEN, MESSAGE, post, REQUEST, startClouds } from './cloud-gateway.ts';

const MODELS = '/v1/projects/p1/locations/us-east5/publishers/anthropic/models';
const STREAM = [
  'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-x-20250101","usage":{"input_tokens":11,"output_tokens":1}}}\n\n',
  'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}\n\n',
  'event: message_stop\ndata: {"type":"message_stop"}\n\n',
].join('');
const OUTPUT_TOKENS = 'penstock_tokens_total{side="vertex",model="claude-x-20250101",client="anonymous",type="output"}';

describe('Vertex AI in its own format', () => {
  test.each(['claude-x@20250101', 'claude-x%4020250101'])('a message for %s crosses byte for byte, with the credential of the gateway in place of the client\'s', async (model) => {
    await using pair = await startClouds();
    const response = await post(pair.gateway, `/vertex${MODELS}/${model}:rawPredict`, { 'authorization': 'Bearer ya29.of-the-client', 'x-goog-api-key': 'of-the-client', 'x-goog-user-project': 'another', 'anthropic-beta': 'a-2025' });
    expect([response.status, await response.text()]).toEqual([200, MESSAGE]);
    const [sent] = pair.cloud.requests;
    expect([sent?.startLine, sent?.body.toString()]).toEqual([`POST ${MODELS}/${model}:rawPredict HTTP/1.1`, REQUEST]);
    expect(fieldValues(sent?.rawHeaders ?? [], 'authorization')).toEqual([`Bearer ${CLOUD_TOKEN}`]);
    expect(fieldValues(sent?.rawHeaders ?? [], 'anthropic-beta')).toEqual(['a-2025']);
    expect(sent?.rawHeaders.join(' ')).not.toContain('of-the-client');
    expect(fieldValues(sent?.rawHeaders ?? [], 'x-goog-user-project')).toEqual([]);
    const [entry] = await pair.gateway.recorded(1);
    expect(entry).toMatchObject({ side: 'vertex', route: '/vertex/v1/projects/{project}/locations/{location}/publishers/anthropic/models/{id}:rawPredict', requested_model: 'claude-x@20250101', outcome: 'ok' });
    expect(await pair.gateway.series(OUTPUT_TOKENS)).toBe(7);
  });

  test('a stream crosses byte for byte, and its usage is read', async () => {
    await using pair = await startClouds(() => wholeResponse(200, ['content-type', 'text/event-stream'], STREAM));
    const response = await post(pair.gateway, `/vertex${MODELS}/claude-x@20250101:streamRawPredict`);
    expect([response.status, await response.text()]).toEqual([200, STREAM]);
    await pair.gateway.recorded(1);
    expect(await pair.gateway.series(OUTPUT_TOKENS)).toBe(7);
  });

  test('a count of tokens has its model in the body', async () => {
    await using pair = await startClouds(() => wholeResponse(200, ['content-type', 'application/json'], '{"input_tokens":5}'));
    const counted = await post(pair.gateway, `/vertex${MODELS}/count-tokens:rawPredict`, {}, '{"model":"claude-x","messages":[]}');
    expect([counted.status, await counted.text()]).toEqual([200, '{"input_tokens":5}']);
    const without = await post(pair.gateway, `/vertex${MODELS}/count-tokens:rawPredict`, {}, '{"messages":[]}');
    expect([without.status, await without.json()]).toEqual([400, { error: { code: 400, message: 'The request body has no readable "model".', status: 'INVALID_ARGUMENT' } }]);
    const other = await post(pair.gateway, `/vertex${MODELS}/count-tokens:rawPredict`, {}, '{"model":"gemini-x","messages":[]}');
    expect(other.status).toBe(404);
    expect(pair.cloud.requests).toHaveLength(1);
  });

  test.each([
    ['another project', '/v1/projects/p2/locations/us-east5/publishers/anthropic/models/claude-x:rawPredict', 403, 'PERMISSION_DENIED', 'vertex.project_id'],
    ['another location', '/v1/projects/p1/locations/europe-west1/publishers/anthropic/models/claude-x:rawPredict', 404, 'NOT_FOUND', 'us-east5'],
    ['another publisher', '/v1/projects/p1/locations/us-east5/publishers/google/models/gemini-x:rawPredict', 404, 'NOT_FOUND', 'publisher'],
    ['another maker\'s model', `${MODELS}/gemini-x:rawPredict`, 404, 'NOT_FOUND', 'Anthropic'],
    ['another action', `${MODELS}/claude-x:predict`, 404, 'NOT_FOUND', ':rawPredict'],
    ['a base URL without its version', '/projects/p1/locations/us-east5/publishers/anthropic/models/claude-x:rawPredict', 404, 'NOT_FOUND', '/vertex/v1'],
    ['an encoded slash', '/v1/projects/p1%2F/locations/us-east5/publishers/anthropic/models/claude-x:rawPredict', 400, 'INVALID_ARGUMENT', 'encoded'],
  ])('a request for %s is refused in the API\'s shape, and nothing is sent', async (_what, path, status, word, part) => {
    await using pair = await startClouds();
    const response = await post(pair.gateway, `/vertex${path}`);
    const { error } = await response.json() as { error: { code: number; message: string; status: string } };
    expect([response.status, error.code, error.status, response.headers.get('x-should-retry')]).toEqual([status, status, word, 'false']);
    expect(error.message).toContain(part);
    expect(pair.cloud.requests).toEqual([]);
  });
});
