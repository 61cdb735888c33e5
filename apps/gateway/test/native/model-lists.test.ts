import Anthropic from '@anthropic-ai/sdk';
import { startScriptedUpstream, wholeResponse, fieldValues, type ScriptedUpstream } from '@penstock/test-support';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createClientKey, hashClientKey } from '../../src/access/clients/client-key.ts';
import { LONGEST_MODEL_LIST_BYTES } from '../../src/native/narrow-model-list.ts';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

const [NARROW, WIDE, OPEN] = [createClientKey(), createClientKey(), createClientKey()];
const model = (id: string): object => ({ type: 'model', id, display_name: id, created_at: '2026-01-01T00:00:00Z', max_input_tokens: 200_000 });
const IDS = ['claude-opus-4-8', 'claude-haiku-4-5', 'claude-sonnet-5-5'];
const LIST = JSON.stringify({ data: IDS.map(model), has_more: false, first_id: IDS[0], last_id: IDS[2], later: { 'member': 1.50 } }, null, 1);

let upstream: ScriptedUpstream;
let gateway: TestGateway;
let answer: { status: number; fields: readonly string[]; body: string };

beforeAll(async () => {
  upstream = await startScriptedUpstream(async (connection) => {
    for (;;) {
      await connection.nextRequest();
      connection.send(wholeResponse(answer.status, ['content-type', 'application/json', 'etag', '"whole"', ...answer.fields], answer.body));
    }
  });
  gateway = await startTestGateway(upstream.origin, { clients: [
    { name: 'narrow', key_sha256: hashClientKey(NARROW), models: ['claude-haiku-*', 'none'] },
    { name: 'wide', key_sha256: hashClientKey(WIDE), models: ['claude-*'] },
    { name: 'open', key_sha256: hashClientKey(OPEN) },
  ] });
});
afterAll(async () => {
  await Promise.all([gateway.close(), upstream.close()]);
});
beforeEach(() => { answer = { status: 200, fields: [], body: LIST }; });

const list = (key: string, path = '/v1/models?limit=1000'): Promise<Response> => fetch(gateway.anthropic + path, { headers: { 'x-api-key': key, 'accept-encoding': 'gzip' } });

describe('the list of models', () => {
  test('holds what the caller may use, whole entries and every other member', async () => {
    const narrowed = await list(NARROW);
    expect([narrowed.status, narrowed.headers.get('etag')]).toEqual([200, null]);
    expect(await narrowed.json()).toEqual({ data: [model('claude-haiku-4-5')], has_more: false, first_id: 'claude-haiku-4-5', last_id: 'claude-haiku-4-5', later: { member: 1.5 } });
    expect(fieldValues(upstream.requests.at(-1)?.rawHeaders ?? [], 'accept-encoding')).toEqual(['identity']);
    expect(upstream.requests.at(-1)?.startLine).toBe('GET /v1/models?limit=1000 HTTP/1.1');
  });

  test.each([['whose models are not restricted', OPEN], ['who may use all that are listed', WIDE]])('crosses byte for byte to a caller %s', async (_who, key) => {
    const whole = await list(key);
    expect([await whole.text(), whole.headers.get('etag')]).toEqual([LIST, '"whole"']);
  });

  test('keeps the places of the next page while there is one', async () => {
    answer.body = JSON.stringify({ data: [model('claude-opus-4-8')], has_more: true, first_id: 'claude-opus-4-8', last_id: 'claude-opus-4-8' });
    expect(await (await list(NARROW)).json()).toEqual({ data: [], has_more: true, first_id: 'claude-opus-4-8', last_id: 'claude-opus-4-8' });
  });

  test('is read by the official SDK', async () => {
    const client = new Anthropic({ apiKey: NARROW, baseURL: gateway.anthropic });
    const ids: string[] = [];
    for await (const { id } of client.models.list()) ids.push(id);
    expect(ids).toEqual(['claude-haiku-4-5']);
  });

  test('of an error is none: it crosses as it is', async () => {
    answer = { status: 529, fields: [], body: '{"type":"error","error":{"type":"overloaded_error","message":"claude-opus-4-8"}}' };
    const refused = await list(NARROW);
    expect([refused.status, await refused.text()]).toEqual([529, answer.body]);
  });

  test.each<[string, Partial<typeof answer>]>([
    ['no JSON', { body: 'claude-opus-4-8' }], ['no list', { body: '{"data":{"id":"claude-opus-4-8"}}' }], ['a list of something else', { body: '{"data":["claude-opus-4-8"]}' }],
    ['compressed although it was not asked for', { fields: ['content-encoding', 'gzip'] }], ['longer than any', { body: LIST.padEnd(LONGEST_MODEL_LIST_BYTES + 1) }],
  ])('does not pass unread: %s', async (_what, changes) => {
    answer = { ...answer, ...changes };
    const refused = await list(NARROW);
    expect([refused.status, refused.headers.get('x-penstock-error')]).toEqual([502, 'upstream_invalid']);
    expect(await refused.text()).not.toContain('opus');
  });
});

describe('one model', () => {
  test.each([['claude-opus-4-8', 404], ['claude%3Aopus', 404], ['claude-haiku-4-5', 200], ['claude-haiku-4-5%40latest', 200], ['claude%2dhaiku', 400], ['%ff', 400]])('%s of a caller who may use others: %i', async (id, status) => {
    const before = upstream.requests.length;
    const asked = await list(NARROW, `/v1/models/${id}`);
    expect(asked.status).toBe(status);
    if (status === 404) expect(await asked.json()).toMatchObject({ type: 'error', error: { type: 'not_found_error', message: expect.stringContaining('"claude-haiku-*"') as string } });
    expect(upstream.requests.length - before).toBe(status === 200 ? 1 : 0);
  });
});
