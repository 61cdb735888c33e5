import { expect, it } from 'vitest';
import { answerJson, startMessagesUpstream } from '../support/messages-upstream.ts';
import { httpBackend } from '../support/http-backend.ts';
import { startFrontDoor, type RunningFrontDoor } from '../support/start-front-door.ts';

function count(door: RunningFrontDoor, body: unknown): Promise<Response> {
  return fetch(`${door.baseURL}/responses/input_tokens`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

it('POST /v1/responses/input_tokens counts what a response would be asked with', async () => {
  await using door = await startFrontDoor(answerJson({ input_tokens: 42 }));
  const response = await count(door, { model: 'claude-sonnet-5', instructions: 'Be brief.', input: 'Hi', tools: [{ type: 'function', name: 'a' }], max_output_tokens: 99, temperature: 1, stream: true, prompt_cache_key: 'k', user: 'u' });
  expect([response.status, await response.json()]).toEqual([200, { object: 'response.input_tokens', input_tokens: 42 }]);
  expect(door.upstream.requests.map(({ url, body }) => [url, body])).toEqual([['/v1/messages/count_tokens', {
    model: 'claude-sonnet-5', tools: [{ name: 'a', input_schema: { type: 'object', properties: {} } }], system: [{ type: 'text', text: 'Be brief.' }], messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
  }]]);
  const summary = await door.settled();
  expect(summary).toMatchObject({ route: '/v1/responses/input_tokens', outcome: 'ok', requestedModel: 'claude-sonnet-5' });
  expect([summary.usageSource, summary.isEventStream]).toEqual([undefined, false]);
});

it('a count is admitted as a request that no model answers (it costs no tokens)', async () => {
  const read: unknown[] = [];
  await using door = await startFrontDoor(answerJson({ input_tokens: 1 }), { hooks: { onRequestRead: (_ctx, request) => { read.push(request); } } });
  await count(door, { model: 'claude-x', input: 'Hi' });
  expect(read).toEqual([expect.objectContaining({ model: 'claude-x', maxTokens: undefined })]);
  expect(read[0]).not.toHaveProperty('choices');
});

it('a count is refused as its response would be, and an upstream without one is named', async () => {
  await using door = await startFrontDoor(answerJson({ total: 1 }));
  expect(await (await count(door, { model: 'claude-x', input: 'Hi', previous_response_id: 'resp_1' })).json()).toMatchObject({ error: { param: 'previous_response_id' } });
  const unread = await count(door, { model: 'claude-x', input: 'Hi' });
  expect([unread.status, unread.headers.get('x-penstock-error')]).toEqual([502, 'upstream_invalid']);
});

it('a count for a model of an openai backend is relayed', async () => {
  await using origin = await startMessagesUpstream(answerJson({ object: 'response.input_tokens', input_tokens: 7 }));
  await using anthropic = await startMessagesUpstream(answerJson({}));
  const backends = { anthropic: { kind: 'anthropic' as const, send: httpBackend(anthropic.origin) }, openai: { kind: 'openai' as const, send: httpBackend(origin.origin) } };
  await using door = await startFrontDoor(answerJson({}), { backends, models: [{ match: 'claude-*', backend: 'anthropic' }, { match: '*', backend: 'openai' }] });
  expect(await (await count(door, { model: 'gpt-x', input: 'Hi' })).json()).toMatchObject({ input_tokens: 7 });
  expect(origin.requests[0]).toMatchObject({ url: '/v1/responses/input_tokens', body: { model: 'gpt-x', input: 'Hi' } });
});
