import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RELAY_ROUTES } from '../../src/index.ts';
import { httpBackend } from '../support/http-backend.ts';
import { answerJson, messageJson } from '../support/messages-upstream.ts';
import { startFrontDoor, type RunningFrontDoor } from '../support/start-front-door.ts';

interface ErrorAnswer {
  readonly error: { readonly message: string; readonly type: string; readonly param: string | null; readonly code: string | null };
}

let door: RunningFrontDoor;
beforeAll(async () => { door = await startFrontDoor(answerJson(messageJson([])), { settingNames: { backends: 'the.backends', relayGroups: 'the.groups' } }); });
afterAll(() => door.close());

const post = (path: string, body: object): Promise<Response> => fetch(`${door.origin}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

/** Every route of the OpenAI API, written as a client would. */
const ROUTES = RELAY_ROUTES.flatMap(({ template, methods }) => methods.map((method) => [method, template.replaceAll(/\{\w+\}/g, 'id_1').replace('**', 'id_1')] as const))
  .filter(([method, path]) => !(method === 'POST' && (path === '/v1/responses' || path === '/v1/responses/input_tokens')));

describe('a route of the OpenAI API that Claude has no counterpart of', () => {
  it.each(ROUTES)('%s %s is a 404 or 405 that says why, what is served and what to set, and reaches no upstream', async (method, path) => {
    const response = await fetch(`${door.origin}${path}`, { method });
    const { error } = await response.json() as ErrorAnswer;
    expect([404, 405]).toContain(response.status);
    expect(error).toMatchObject({ type: expect.any(String), param: null, code: response.status === 404 ? 'not_found' : 'method_not_allowed' });
    if (response.status === 404) expect(error.message).toMatch(/^Unknown request URL: \w+ \/v1\/\S+ [A-Z][^.]+\. POST \/v1\/chat\/completions, [^.]+ are served here; this route needs a backend of kind "openai" in the\.backends\.$/);
    expect(door.upstream.requests).toEqual([]);
  });

  it.each([['embeddings', 'no embeddings'], ['completions', 'is_chat_model'], ['files', 'file_data'], ['responses/resp_1/cancel', '"store": false'], ['audio/speech', 'neither hears nor speaks']])('%s: names the way out, %s', async (path, wayOut) => {
    const { error } = await (await post(`/v1/${path}`, {})).json() as ErrorAnswer;
    expect(error.message).toContain(wayOut);
  });

  it('has the answer of a known model that is served elsewhere as well', async () => {
    await using mixed = await startFrontDoor(answerJson(messageJson([])), {
      backends: { claude: { kind: 'anthropic', send: httpBackend(door.upstream.origin) }, other: { kind: 'openai', send: httpBackend(door.upstream.origin) } },
      models: [{ match: 'claude-*', backend: 'claude' }, { match: '*', backend: 'other' }],
    });
    const response = await fetch(`${mixed.origin}/v1/embeddings`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'claude-x', input: 'x' }) });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: 'not_found', message: expect.stringMatching(/of kind "anthropic", where Claude has no embeddings\. Name a model of a backend of kind "openai"/) as string } });
  });

  it('is answered to HEAD without a body', async () => {
    for (const path of ['/v1/embeddings', '/v1/chat/completions', '/v1/nothing']) {
      const response = await fetch(`${door.origin}${path}`, { method: 'HEAD' });
      expect([response.status >= 404, response.status < 406, await response.text()]).toEqual([true, true, '']);
    }
  });
});

describe('a body of the other protocol', () => {
  it.each([
    ['/v1/chat/completions', { model: 'claude-x', input: 'Hi' }, 'messages', '/v1/responses'],
    ['/v1/responses', { model: 'claude-x', messages: [{ role: 'user', content: 'Hi' }] }, 'input', '/v1/chat/completions'],
  ])('at %s is a 400 that names the path it belongs to', async (path, body, param, belongs) => {
    const response = await post(path, body);
    expect([response.status, await response.json()]).toEqual([400, { error: expect.objectContaining({ param, code: 'missing_required_parameter', message: expect.stringContaining(belongs) }) as object }]);
  });
});
