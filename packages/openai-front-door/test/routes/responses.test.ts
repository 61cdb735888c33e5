import { describe, expect, it } from 'vitest';
import { answerEvents, answerJson, messageEvents, messageJson, startMessagesUpstream, text } from '../support/messages-upstream.ts';
import { httpBackend } from '../support/http-backend.ts';
import { readResponseEvents } from '../support/response-events.ts';
import { startFrontDoor, type RunningFrontDoor } from '../support/start-front-door.ts';

function respond(door: RunningFrontDoor, body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(`${door.baseURL}/responses`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), ...init });
}

describe('POST /v1/responses', () => {
  it.each([false, true])('is recorded with its route, model, stop reason and usage (stream %s)', async (stream) => {
    await using door = await startFrontDoor(stream ? answerEvents(messageEvents([text('Hello')])) : answerJson(messageJson([{ type: 'text', text: 'Hello' }])), { hooks: { measuresText: () => true } });
    await (await respond(door, { model: 'claude-x', input: 'Hi', stream })).text();
    expect(await door.settled()).toMatchObject({
      route: '/v1/responses', outcome: 'ok', status: 200, requestedModel: 'claude-x', model: 'claude-sonnet-4-5-20250929', stopReason: 'end_turn', usage: { input: 10, output: 5 }, usageSource: 'final', isEventStream: stream,
      ...(stream ? { sawStop: true, textBytes: 5 } : {}),
    });
  });

  it('is admitted with the output bound that is sent', async () => {
    const read: unknown[] = [];
    await using door = await startFrontDoor(answerJson(messageJson([])), { hooks: { onRequestRead: (_ctx, request) => { read.push(request); } } });
    await respond(door, { model: 'claude-x', input: 'Hi', max_output_tokens: 77, stream: false });
    expect(read).toEqual([expect.objectContaining({ model: 'claude-x', maxTokens: 77, choices: 1, stream: false })]);
  });

  it('names what it ignored, and what it refuses', async () => {
    await using door = await startFrontDoor(answerJson(messageJson([])));
    expect((await respond(door, { model: 'claude-x', input: 'Hi', metadata: { a: 'b' }, tools: [{ type: 'tool_search' }] })).headers.get('x-penstock-ignored-params')).toBe('metadata, tools.tool_search');
    const refused = await respond(door, { model: 'claude-x', input: 'Hi', previous_response_id: 'resp_1' });
    expect([refused.status, await refused.json()]).toEqual([400, { error: { message: expect.stringContaining('send the whole input') as string, type: 'invalid_request_error', param: 'previous_response_id', code: 'unsupported_parameter' } }]);
    expect(await door.settled(2)).toMatchObject({ route: '/v1/responses', outcome: 'client_error', requestedModel: 'claude-x', errorCode: 'unsupported_parameter' });
  });

  it.each([
    ['an error event', 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n', 'server_is_overloaded', 'stream_error_event'],
    ['the end of the body', '', 'server_error', 'upstream_truncated'],
  ] as const)('fails as a response when %s comes after the first event', async (_name, rest, code, outcome) => {
    const begun = messageEvents([text('Hello')]).split('event: message_delta')[0] ?? '';
    await using door = await startFrontDoor((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(begun);
      setImmediate(() => { response.end(rest); });
    });
    const events = readResponseEvents(await (await respond(door, { model: 'claude-x', input: 'Hi', stream: true })).text());
    expect(events.at(-2)).toMatchObject({ type: 'response.failed', response: { status: 'failed', error: { code } } });
    expect((await door.settled()).outcome).toBe(outcome);
  });

  it('answers an error before the first event by its status', async () => {
    await using door = await startFrontDoor(answerEvents('event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'));
    const answer = await respond(door, { model: 'claude-x', input: 'Hi', stream: true });
    expect([answer.status, await answer.json()]).toMatchObject([529, { error: { type: 'overloaded_error' } }]);
  });

  it('fails an open response at the end of a drain, with a code that a client repeats on', async () => {
    await using door = await startFrontDoor((_request, response) => { response.writeHead(200, { 'content-type': 'text/event-stream' }).write(messageEvents([text('Hello')]).split('event: message_delta')[0]); });
    const answer = await respond(door, { model: 'claude-x', input: 'Hi', stream: true });
    door.frontDoor.interrupt();
    expect(readResponseEvents(await answer.text()).at(-2)).toMatchObject({ type: 'response.failed', response: { error: { code: 'server_error' } } });
    expect((await door.settled()).outcome).toBe('draining');
  });

  it('breaks no more of an answer than its bound: a larger one fails', async () => {
    const [begun = '', rest = ''] = messageEvents([text('x'.repeat(600), 'y'.repeat(600))]).split(/(?=event: content_block_delta\ndata: .*yyy)/);
    await using door = await startFrontDoor((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(begun);
      setImmediate(() => { response.end(rest); });
    }, { limits: { maxResponseBytes: 1024 } });
    expect(readResponseEvents(await (await respond(door, { model: 'claude-x', input: 'Hi', stream: true })).text()).at(-2)).toMatchObject({ type: 'response.failed' });
  });

  it('is relayed for a model of an openai backend, and where no model is named', async () => {
    await using origin = await startMessagesUpstream(answerJson({ id: 'resp_of_origin', object: 'response' }));
    await using anthropic = await startMessagesUpstream(answerJson({}));
    const backends = { anthropic: { kind: 'anthropic' as const, send: httpBackend(anthropic.origin) }, openai: { kind: 'openai' as const, send: httpBackend(origin.origin) } };
    const models = [{ match: 'claude-*', backend: 'anthropic' }, { match: '*', backend: 'openai' }];
    await using door = await startFrontDoor(answerJson({}), { backends, models, relayGroups: ['front_door', 'front_door_state'] });
    for (const body of [{ model: 'gpt-x', previous_response_id: 'resp_1', input: 'Hi' }, { prompt: { id: 'p' } }]) expect(await (await respond(door, body)).json()).toEqual({ id: 'resp_of_origin', object: 'response' });
    expect(origin.requests.map(({ url, body }) => [url, body])).toEqual([['/v1/responses', { model: 'gpt-x', previous_response_id: 'resp_1', input: 'Hi' }], ['/v1/responses', { prompt: { id: 'p' } }]]);
    await using closed = await startFrontDoor(answerJson({}), { backends, models, relayGroups: ['front_door_files'] });
    expect((await respond(closed, { model: 'gpt-x', input: 'Hi' })).status).toBe(404);
  });

  it('needs a model where every backend translates', async () => {
    await using door = await startFrontDoor(answerJson({}));
    expect(await (await respond(door, { input: 'Hi' })).json()).toMatchObject({ error: { code: 'missing_required_parameter', param: 'model' } });
  });
});
