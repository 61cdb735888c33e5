import { Readable } from 'node:stream';
import { openRawConnection } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { BACKEND_FAILURES, FrontDoorError, respondWithOpenAiError } from '../../src/index.ts';
import { answerEvents, answerJson, messageEvents, messageJson, sseEvent, text } from '../support/messages-upstream.ts';
import { startFrontDoor } from '../support/start-front-door.ts';

const REQUEST = { model: 'claude-sonnet-4-5', messages: [{ role: 'user', content: 'Hi' }] };
const errorOf = async (response: Response): Promise<Record<string, unknown>> => (await response.json() as { error: Record<string, unknown> }).error;
const OK = answerJson(messageJson([{ type: 'text', text: 'x' }]));

/** The codes that clients decide by, where they are not the upstream's type. */
const CODES: Readonly<Record<string, string>> = { billing_error: 'insufficient_quota', rate_limit_error: 'rate_limit_exceeded' };

describe('errors of the upstream', () => {
  it.each([
    [400, 'invalid_request_error'], [401, 'authentication_error'], [402, 'billing_error'], [403, 'permission_error'], [404, 'not_found_error'], [409, 'conflict_error'],
    [413, 'request_too_large'], [429, 'rate_limit_error'], [500, 'api_error'], [504, 'timeout_error'], [529, 'overloaded_error'],
  ])('keep status %i, in OpenAI\'s shape, streamed or not', async (status, type) => {
    const headers = { 'retry-after': '7', 'x-should-retry': 'false', 'anthropic-ratelimit-tokens-remaining': '0' };
    await using door = await startFrontDoor(answerJson({ type: 'error', error: { type, message: 'So it is.' }, request_id: 'req_01Test' }, status, headers));
    for (const stream of [false, true]) {
      const response = await door.post({ ...REQUEST, stream });
      expect(response.status).toBe(status);
      expect(await errorOf(response)).toEqual({ message: 'So it is.', type, param: null, code: CODES[type] ?? type });
      const seen = ['retry-after', 'x-should-retry', 'x-ratelimit-remaining-tokens', 'request-id', 'x-request-id'].map((name) => response.headers.get(name));
      expect(seen).toEqual(['7', 'false', '0', 'req_01Test', 'req_01Test']);
      expect(response.headers.get('x-penstock-error')).toBeNull();
    }
    expect(await door.settled(2)).toMatchObject({ outcome: 'upstream_error', status, route: '/v1/chat/completions', isEventStream: false, usageSource: 'missing' });
  });

  it('are named by their status where the body is a page', async () => {
    await using door = await startFrontDoor((_request, response) => { response.writeHead(520, { 'content-type': 'text/html' }).end('<html>secret host</html>'); });
    const response = await door.post(REQUEST);
    expect([response.status, (await errorOf(response))['message']]).toEqual([520, 'The upstream answered 520 without a readable error.']);
  });

  it.each([301, 307, 204])('never let a %i through (a redirect would carry the request elsewhere)', async (status) => {
    await using door = await startFrontDoor((_request, response) => { response.writeHead(status, { location: 'https://elsewhere.test/' }).end(); });
    const response = await door.post(REQUEST);
    expect([response.status, response.headers.get('location'), (await errorOf(response))['code']]).toEqual([502, null, 'upstream_invalid']);
  });

  it.each([
    ['overloaded_error', 529], ['rate_limit_error', 429], ['invalid_request_error', 400], ['error_of_tomorrow', 500],
  ])('have a real status when %s is the first event of a 200 (nothing was sent yet)', async (type, status) => {
    await using door = await startFrontDoor(answerEvents(sseEvent({ type: 'error', error: { type, message: 'Early' } })));
    const response = await door.post({ ...REQUEST, stream: true });
    expect([response.status, await errorOf(response)]).toEqual([status, { message: 'Early', type, param: null, code: CODES[type] ?? type }]);
    expect(await door.settled()).toMatchObject({ outcome: 'stream_error_event', errorCode: type });
  });

  it('end a stream that has begun with an error frame, without a finish reason and without [DONE]', async () => {
    const begun = messageEvents([text('Hel', 'lo')]).split('event: message_delta')[0] ?? '';
    await using door = await startFrontDoor(answerEvents(begun + sseEvent({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })));
    const body = await (await door.post({ ...REQUEST, stream: true })).text();
    expect(body).toMatch(/data: \{"error":\{"message":"Overloaded","type":"overloaded_error","param":null,"code":"overloaded_error"\}\}\n\n$/);
    expect(body).not.toMatch(/DONE|"finish_reason":"/);
    expect(await door.settled()).toMatchObject({ outcome: 'stream_error_event', usageSource: 'partial', sawStop: false, status: 200 });
  });

  it('end a stream that merely stops with an error frame', async () => {
    await using door = await startFrontDoor(answerEvents(messageEvents([text('Hel', 'lo')]).split('event: message_stop')[0] ?? ''));
    const body = await (await door.post({ ...REQUEST, stream: true })).text();
    expect(body).toMatch(/data: \{"error":\{"message":"[^"]*","type":"api_error","param":null,"code":"upstream_truncated"\}\}\n\n$/);
    expect(body).not.toMatch(/DONE|"finish_reason":"/);
    expect((await door.settled()).outcome).toBe('upstream_truncated');
  });

  it.each([
    ['an empty stream', answerEvents(''), true, 'upstream_truncated'], ['HTML instead of a stream', answerJson({}, 200), true, 'upstream_invalid'],
    ['JSON that is no message', answerJson({ a: 1 }), false, 'upstream_invalid'], ['no JSON', answerEvents('x'), false, 'upstream_invalid'],
    ['a stream that begins in the middle', answerEvents(sseEvent({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'x' } })), true, 'upstream_invalid'],
  ])('make %s a 502', async (_what, answer, stream, code) => {
    await using door = await startFrontDoor(answer);
    const response = await door.post({ ...REQUEST, stream });
    expect([response.status, response.headers.get('x-penstock-error'), (await errorOf(response))['code']]).toEqual([502, code, code]);
  });
});

describe('failures of the backend port', () => {
  const EXPECTED: Readonly<Record<string, readonly [number, string, string | null, string | null]>> = {
    slot_timeout: [429, 'overloaded', 'true', '2'], queue_full: [429, 'overloaded', 'true', '5'], draining: [503, 'draining', 'true', '1'], connect_timeout: [504, 'upstream_timeout', null, null],
    headers_timeout: [504, 'upstream_timeout', null, null], write_timeout: [504, 'upstream_timeout', null, null], unreachable: [502, 'upstream_unreachable', 'true', '1'], tls: [502, 'upstream_tls', 'false', null],
    reset: [502, 'upstream_reset', null, null], invalid_response: [502, 'upstream_invalid', 'false', null], ECONNREFUSED: [502, 'upstream_unreachable', 'true', '1'], a_code_of_tomorrow: [502, 'upstream_reset', null, null],
  };

  it.each(Object.entries(EXPECTED))('with code %s give %j', async (code, expected) => {
    const send = (): Promise<never> => Promise.reject(Object.assign(new Error('secret.internal:443'), { code }));
    await using door = await startFrontDoor(OK, { backends: { anthropic: { kind: 'anthropic', send } } });
    const response = await door.post(REQUEST);
    expect([response.status, response.headers.get('x-penstock-error'), response.headers.get('x-should-retry'), response.headers.get('retry-after')]).toEqual(expected);
    expect(await response.text()).not.toContain('secret');
  });

  it('are classified by the cause where they wrap it', async () => {
    const send = (): Promise<never> => Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'UND_ERR_HEADERS_TIMEOUT' }) }));
    await using door = await startFrontDoor(OK, { backends: { anthropic: { kind: 'anthropic', send } } });
    expect((await door.post(REQUEST)).status).toBe(504);
    expect(BACKEND_FAILURES['UND_ERR_HEADERS_TIMEOUT']?.code).toBe('upstream_timeout');
  });

  it('may be an answer of the application\'s own', async () => {
    const send = (): Promise<never> => Promise.reject(new FrontDoorError('rate_limited', 'Slow down.', { retryAfterSeconds: 2.2 }));
    await using door = await startFrontDoor(OK, { backends: { anthropic: { kind: 'anthropic', send } } });
    const response = await door.post(REQUEST);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '3']);
  });

  it('after the head are truncations, and idleness is a timeout', async () => {
    const failing = (code: string) => async () => ({
      status: 200, rawHeaders: ['content-type', 'text/event-stream'],
      body: (async function* body() {
        yield Buffer.from(messageEvents([text('x')]).slice(0, 300));
        throw Object.assign(new Error('x'), { code });
      })(),
    });
    for (const [code, outcome] of [['reset', 'upstream_truncated'], ['truncated', 'upstream_truncated'], ['idle_timeout', 'upstream_timeout'], ['unknown', 'upstream_truncated']] as const) {
      await using door = await startFrontDoor(OK, { backends: { anthropic: { kind: 'anthropic', send: failing(code) } } });
      expect(await (await door.post({ ...REQUEST, stream: true })).text()).toMatch(/data: \{"error":/);
      expect((await door.settled()).outcome).toBe(outcome);
    }
  });
});

describe('errors of the front door\'s own', () => {
  it.each([
    ['{', 'application/json', 400, 'invalid_json'], ['', 'application/json', 400, 'invalid_json'], ['{}', 'application/json', 400, 'missing_required_parameter'],
    ['{}', 'text/plain', 415, 'unsupported_media_type'], ['{"model":"gpt-9","messages":[]}', 'application/json', 404, 'model_not_found'],
  ])('body %j as %s is %i %s', async (body, type, status, code) => {
    await using door = await startFrontDoor(OK);
    const response = await fetch(`${door.baseURL}/chat/completions`, { method: 'POST', body, headers: { 'content-type': type } });
    expect(response.status).toBe(status);
    expect(await errorOf(response)).toMatchObject({ type: 'invalid_request_error', code });
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(await door.settled()).toMatchObject({ outcome: 'client_error', status, errorCode: code });
    expect(door.upstream.requests).toEqual([]);
  });

  it('names the unknown model as OpenAI does', async () => {
    await using door = await startFrontDoor(OK);
    expect(await errorOf(await door.post({ ...REQUEST, model: 'gpt-9' }))).toEqual({
      message: "The model 'gpt-9' does not exist or you do not have access to it.", type: 'invalid_request_error', param: 'model', code: 'model_not_found',
    });
  });

  it.each([
    ['GET', '/v1/chat/completions', 405, 'POST'], ['HEAD', '/v1/models', 405, 'GET'], ['DELETE', '/v1/models/claude-x', 405, 'GET'], ['POST', '/v1/embeddings', 404, null], ['GET', '/v1/responses', 405, 'POST'],
    ['POST', '/v1/completions', 404, null], ['GET', '/v1', 404, null], ['GET', '/v1/', 404, null], ['POST', '/v1/messages', 404, null], ['GET', '/v1/models/a/b', 404, null], ['HEAD', '/v1/embeddings', 404, null], ['HEAD', '/v1/models/x', 405, 'GET'], ['HEAD', '/v1/chat/completions', 405, 'POST'],
  ])('%s %s is %i in OpenAI\'s shape', async (method, path, status, allow) => {
    await using door = await startFrontDoor(OK);
    const response = await fetch(`${door.origin}${path}`, { method });
    expect([response.status, response.headers.get('allow'), response.headers.get('content-type')]).toEqual([status, allow, 'application/json; charset=utf-8']);
    expect(await door.settled()).toMatchObject({ outcome: 'client_error', status });
    if (method !== 'HEAD') expect(Object.keys(await errorOf(response))).toEqual(['message', 'type', 'param', 'code']);
  });

  it('leaves every other path to what follows', async () => {
    await using door = await startFrontDoor(OK);
    expect(await (await fetch(`${door.origin}/v12`)).text()).toBe('Not Found');
    expect(door.summaries).toEqual([]);
  });

  it('refuses a body that is announced or found too large with 413, and says so before it has all of it', async () => {
    await using door = await startFrontDoor(OK, { limits: { maxRequestBytes: 100 } });
    for (const framing of ['content-length: 1000000\r\n\r\n', `transfer-encoding: chunked\r\n\r\n80\r\n${' '.repeat(128)}\r\n`]) {
      const connection = await openRawConnection(door.port);
      connection.send(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${framing}`);
      const message = await connection.readMessage({ kind: 'response' });
      expect(message.startLine).toBe('HTTP/1.1 413 Payload Too Large');
      expect(message.body.toString()).toContain('"code":"too_large"');
      connection.close();
    }
    expect(await door.settled(2)).toMatchObject({ outcome: 'client_error', status: 413 });
  });

  it('refuses a compressed body', async () => {
    await using door = await startFrontDoor(OK);
    expect((await door.post(REQUEST, { headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } })).status).toBe(415);
  });

  it('gives every own error the id that the application chose, and every answer whose upstream gave none', async () => {
    const send = (value: unknown) => async () => ({ status: 200, rawHeaders: ['content-type', 'application/json'], body: Readable.from([Buffer.from(JSON.stringify(value))]) });
    const hooks = { requestId: () => 'pen_1' };
    const models = [{ match: 'claude-*', backend: 'anthropic' }, { match: '*', backend: 'openai' }];
    await using door = await startFrontDoor(OK, { hooks, models, backends: { anthropic: { kind: 'anthropic', send: send(messageJson([])) }, openai: { kind: 'openai', send: send({ data: [] }) } } });
    const refused = await door.post({});
    expect([refused.headers.get('x-request-id'), refused.headers.get('request-id')]).toEqual(['pen_1', 'pen_1']);
    for (const model of ['claude-x', 'gpt-x']) expect((await door.post({ ...REQUEST, model })).headers.get('x-request-id')).toBe('pen_1');
    await using identified = await startFrontDoor(OK, { hooks });
    expect((await identified.post(REQUEST)).headers.get('x-request-id')).toBe('req_01Test');
  });

  it('renders errors of middleware in front of it', async () => {
    await using door = await startFrontDoor(OK, {
      before: async (ctx, next) => {
        if (ctx.get('authorization') !== '') return next();
        respondWithOpenAiError(ctx, ctx.path.endsWith('boom') ? new Error('secret') : new FrontDoorError('unauthenticated', 'The gateway refused the key.'));
        return undefined;
      },
    });
    const refused = await fetch(`${door.baseURL}/models`);
    expect([refused.status, await errorOf(refused)]).toEqual([401, { message: 'The gateway refused the key.', type: 'authentication_error', param: null, code: 'unauthenticated' }]);
    const broken = await fetch(`${door.baseURL}/boom`);
    expect([broken.status, await broken.text()]).toEqual([500, '{"error":{"message":"The gateway could not process the request.","type":"api_error","param":null,"code":"internal"}}']);
  });

  it('never shows an unexpected failure, but hands it to the application', async () => {
    await using door = await startFrontDoor(OK, { readBody: () => Promise.reject(new Error('secret')) });
    const response = await door.post(REQUEST);
    expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining('secret')]);
    expect(door.internalErrors).toEqual([new Error('secret')]);
    expect((await door.settled()).outcome).toBe('internal');
  });
});
