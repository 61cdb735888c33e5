import { Readable } from 'node:stream';
import { openRawConnection, sendRawRequest } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { FrontDoorError, type BackendRequest } from '../../src/index.ts';
import { httpBackend } from '../support/http-backend.ts';
import { answerJson, startMessagesUpstream, type Answer, type MessagesUpstream } from '../support/messages-upstream.ts';
import { startFrontDoor, type RunningFrontDoor, type StartOptions } from '../support/start-front-door.ts';

const UNUSED = answerJson({});
const REQUEST_TEXT = '{ "model":"gpt-9",  "messages":[{"role":"user","content":"\\u0048i"}], "n" : 2 }';

interface Relay extends AsyncDisposable {
  readonly door: RunningFrontDoor;
  readonly origin: MessagesUpstream;
}

async function startRelay(answer: Answer, options: StartOptions = {}): Promise<Relay> {
  const origin = await startMessagesUpstream(answer);
  const door = await startFrontDoor(UNUSED, {
    backends: { anthropic: { kind: 'anthropic', send: () => Promise.reject(new Error('not asked')) }, openai: { kind: 'openai', send: httpBackend(origin.origin, ['authorization', 'Bearer sk-own']) } },
    models: [{ match: 'claude-*', backend: 'anthropic' }, { match: 'gpt-*', backend: 'openai' }],
    relayGroups: ['front_door', 'front_door_files', 'front_door_state'], ...options,
  });
  return { door, origin, [Symbol.asyncDispose]: async () => { await door.close(); await origin.close(); } };
}

const JSON_POST = { method: 'POST', body: REQUEST_TEXT, headers: { 'content-type': 'application/json', authorization: 'Bearer sk-client', cookie: 'a=b', 'x-stainless-lang': 'js', 'openai-organization': 'org' } };

describe('an openai backend', () => {
  it('gets the request bytes unchanged, without the client\'s credentials', async () => {
    await using relay = await startRelay(answerJson({ id: 'x', model: 'gpt-9', usage: { prompt_tokens: 9, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 2 } } }));
    const response = await fetch(`${relay.door.baseURL}/chat/completions?a=%20b`, JSON_POST);
    expect(await response.json()).toMatchObject({ id: 'x' });
    const [request] = relay.origin.requests;
    expect([request?.bytes.toString(), request?.url]).toEqual([REQUEST_TEXT, '/v1/chat/completions?a=%20b']);
    expect(request?.headers).toMatchObject({ authorization: 'Bearer sk-own', 'x-stainless-lang': 'js', 'accept-encoding': 'identity' });
    expect(Object.keys(request?.headers ?? {})).not.toEqual(expect.arrayContaining(['cookie']));
    expect(request?.headers['openai-organization']).toBeUndefined();
    expect(await relay.door.settled()).toMatchObject({ outcome: 'ok', backend: 'openai', model: 'gpt-9', usageSource: 'final', usage: { input: 7, output: 4, cacheRead: 2 } });
  });

  it('streams its answer back byte for byte, and usage is read beside it', async () => {
    const events = 'data: {"id":"1","model":"gpt-9","choices":[]}\r\n\r\ndata: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\r\n\r\n: odd\r\n\r\ndata: [DONE]\r\n\r\n';
    await using relay = await startRelay((_request, response) => { response.writeHead(200, { 'content-type': 'text/event-stream', 'set-cookie': 'a=b', 'x-request-id': 'r1' }).end(events); });
    const response = await fetch(`${relay.door.baseURL}/chat/completions`, { ...JSON_POST, body: REQUEST_TEXT.replace('"n" : 2', '"stream":true') });
    expect(await response.text()).toBe(events);
    expect([response.headers.get('set-cookie'), response.headers.get('x-request-id'), response.headers.get('x-accel-buffering')]).toEqual([null, 'r1', 'no']);
    expect(await relay.door.settled()).toMatchObject({ outcome: 'ok', isEventStream: true, sawStop: true, model: 'gpt-9', usage: { input: 3, output: 2 }, usageSource: 'final' });
  });

  it('answers the other routes of its protocol, in either direction', async () => {
    await using relay = await startRelay((request, response) => { response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(Buffer.concat([Buffer.from(`${request.method} ${request.url} `), request.bytes])); });
    const upload = await fetch(`${relay.door.baseURL}/files?x=1`, { method: 'POST', body: Buffer.from([1, 2, 255]), headers: { 'content-type': 'multipart/form-data; boundary=x' } });
    expect(Buffer.from(await upload.arrayBuffer())).toEqual(Buffer.concat([Buffer.from('POST /v1/files?x=1 '), Buffer.from([1, 2, 255])]));
    expect(await (await fetch(`${relay.door.baseURL}/chat/completions/abc`, { method: 'DELETE' })).text()).toBe('DELETE /v1/chat/completions/abc ');
    expect(await (await fetch(`${relay.door.baseURL}/embeddings`, { ...JSON_POST, body: '{"model":"gpt-e","input":"x"}' })).text()).toContain('{"model":"gpt-e","input":"x"}');
    expect(await (await fetch(`${relay.door.baseURL}/models/gpt-9%2Fx`)).text()).toBe('GET /v1/models/gpt-9%2Fx ');
    await relay.door.settled(4);
    expect(relay.door.summaries.map((summary) => summary.route)).toEqual(['/v1/files', '/v1/chat/completions/**', '/v1/embeddings', '/v1/models/{id}']);
  });

  it('keeps its own errors as they are', async () => {
    await using relay = await startRelay(answerJson({ error: { message: 'no', type: 'x', param: null, code: 'y' } }, 418, { 'retry-after': '1' }));
    const response = await fetch(`${relay.door.baseURL}/chat/completions`, JSON_POST);
    expect([response.status, response.headers.get('retry-after'), await response.json()]).toEqual([418, '1', { error: { message: 'no', type: 'x', param: null, code: 'y' } }]);
    expect((await relay.door.settled()).outcome).toBe('upstream_error');
  });

  it('hears an origin that refuses a body before it has all of it', async () => {
    const refuse = async ({ body }: BackendRequest) => {
      // One piece is read, the rest is not wanted.
      for await (const _chunk of body as AsyncIterable<Uint8Array>) break;
      return { status: 413, rawHeaders: ['content-type', 'text/plain'], body: Readable.from([Buffer.from('too much')]) };
    };
    await using relay = await startRelay(UNUSED, { backends: { openai: { kind: 'openai', send: refuse }, anthropic: { kind: 'openai', send: refuse } } });
    const message = await sendRawRequest(relay.door.port, `POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: 100000\r\n\r\n${'x'.repeat(1000)}`);
    expect([message.startLine, message.body.toString()]).toEqual(['HTTP/1.1 413 Payload Too Large', 'too much']);
  });

  it('is not sent more of a body than its bound, and the client is told so', async () => {
    await using relay = await startRelay(UNUSED, { limits: { maxStreamedRequestBytes: 100 } });
    const message = await sendRawRequest(relay.door.port, `POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: 100000\r\n\r\n${'x'.repeat(1000)}`);
    expect([message.startLine, message.body.includes('"code":"too_large"')]).toEqual(['HTTP/1.1 413 Payload Too Large', true]);
    expect(await relay.door.settled()).toMatchObject({ outcome: 'client_error', status: 413, errorCode: 'too_large' });
  });

  it('may be given a body by a reader of the application\'s', async () => {
    await using relay = await startRelay(UNUSED, { streamBody: () => Readable.from([Buffer.from('other')]) });
    await sendRawRequest(relay.door.port, 'POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: 5\r\n\r\nbytes');
    expect(relay.origin.requests.map(({ bytes }) => bytes.toString())).toEqual(['other']);
  });

  it('has no say for a model that another backend serves', async () => {
    await using relay = await startRelay(UNUSED);
    expect((await fetch(`${relay.door.baseURL}/embeddings`, { ...JSON_POST, body: '{"model":"claude-x","input":"x"}' })).status).toBe(404);
    expect((await fetch(`${relay.door.baseURL}/embeddings`, { ...JSON_POST, body: '{"model":"unknown","input":"x"}' })).status).toBe(404);
    expect(relay.origin.requests).toEqual([]);
  });

  it('lets the application refuse on the model, and tells it when none can be read', async () => {
    const seen: unknown[] = [];
    await using relay = await startRelay(UNUSED, { hooks: { onRequestRead: (_ctx, request) => {
      seen.push([request.model, request.maxTokens, request.stream]);
      throw new FrontDoorError('forbidden', 'No.');
    } } });
    await fetch(`${relay.door.baseURL}/chat/completions`, { ...JSON_POST, body: REQUEST_TEXT.replace('"n" : 2', '"max_tokens":5,"stream":true') });
    await fetch(`${relay.door.baseURL}/audio/transcriptions`, { method: 'POST', body: 'x', headers: { 'content-type': 'multipart/form-data; boundary=x' } });
    expect([seen, relay.origin.requests.length]).toEqual([[['gpt-9', 5, true], [undefined, undefined, false]], 0]);
  });

  it.each(['/v1/files/..%2f..%2Fadmin', '/v1/files/a%2F..', '/v1/x/%2e%2e', '/v1/a//b', '/v1/a;b', '/v1/a\\b', '/v1/%2e%2e/x'])('refuses the ambiguous path %s', async (path) => {
    await using relay = await startRelay(UNUSED);
    const message = await sendRawRequest(relay.door.port, `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
    expect(message.startLine).toBe('HTTP/1.1 400 Bad Request');
    expect(relay.origin.requests).toEqual([]);
  });

  it.each(['/v1/chat/completions', '/v1/files', '/v1/models'])('refuses TRACE %s (an origin that answers it sends back our credential)', async (path) => {
    await using relay = await startRelay(UNUSED);
    const message = await sendRawRequest(relay.door.port, `TRACE ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
    expect([message.startLine, relay.origin.requests]).toEqual(['HTTP/1.1 405 Method Not Allowed', []]);
  });

  it('keeps from the origin what the client meant for us alone (RFC 9110 section 7.6.1)', async () => {
    await using relay = await startRelay(UNUSED);
    await sendRawRequest(relay.door.port, 'GET /v1/files HTTP/1.1\r\nhost: x\r\nidempotency-key: 1\r\nopenai-beta: a\r\nconnection: close, Idempotency-Key\r\n\r\n');
    expect(relay.origin.requests[0]?.headers).toMatchObject({ 'openai-beta': 'a' });
    expect(relay.origin.requests[0]?.headers['idempotency-key']).toBeUndefined();
  });

  it('has its fields cross by the backend\'s own policy where it has one, else all but hop-by-hop ones, credentials and commands', async () => {
    const fields = { 'x-accel-redirect': '/x', 'authorization': 'Bearer sk-own', 'x-penstock-error': 'overloaded', 'refresh': '0', 'cross-origin-opener-policy': 'x', 'x-kept': 'y', 'set-cookie': 'a=b' };
    const answer: Answer = (_request, response) => { response.writeHead(200, { 'content-type': 'application/json', ...fields }).end('{}'); };
    await using plain = await startRelay(answer);
    const response = await fetch(`${plain.door.baseURL}/chat/completions`, JSON_POST);
    expect(Object.keys(fields).filter((name) => response.headers.get(name) !== null)).toEqual(['x-kept']);
    const forwardResponseHeaders = (rawHeaders: readonly string[]): string[] => ['x-count', String(rawHeaders.length / 2)];
    await using own = await startRelay(answer, { backends: { anthropic: { kind: 'anthropic', send: () => Promise.reject(new Error('not asked')) }, openai: { kind: 'openai', send: httpBackend(plain.origin.origin), forwardResponseHeaders } } });
    const filtered = await fetch(`${own.door.baseURL}/chat/completions`, JSON_POST);
    expect([Number(filtered.headers.get('x-count')) > 7, filtered.headers.get('x-kept'), await filtered.text()]).toEqual([true, null, '{}']);
  });

  it('relays only what leaves nothing behind, unless more is switched on', async () => {
    await using relay = await startRelay(UNUSED, { relayGroups: undefined as never });
    for (const [path, status] of [['embeddings', 200], ['responses', 200], ['files', 404], ['threads', 404], ['organization/users', 404], ['rerank', 404]] as const) {
      expect([path, (await fetch(`${relay.door.baseURL}/${path}`, { ...JSON_POST, body: '{"model":"gpt-9"}' })).status]).toEqual([path, status]);
    }
  });

  it('never hands a redirect on', async () => {
    await using relay = await startRelay((_request, response) => { response.writeHead(307, { location: 'https://elsewhere.test' }).end(); });
    expect((await fetch(`${relay.door.baseURL}/chat/completions`, { ...JSON_POST, redirect: 'manual' })).status).toBe(502);
  });
});

describe('a relayed answer that breaks', () => {
  const breaking = (...chunks: readonly string[]) => async (_request: BackendRequest) => ({
    status: 200, rawHeaders: ['content-type', 'text/event-stream'],
    body: (async function* body() {
      for (const chunk of chunks) yield Buffer.from(chunk);
      throw Object.assign(new Error('x'), { code: 'reset' });
    })(),
  });

  it('gets an error frame at an event\'s end', async () => {
    await using relay = await startRelay(UNUSED, { backends: { openai: { kind: 'openai', send: breaking('data: {}\r\n', '\r\n') }, anthropic: { kind: 'openai', send: breaking() } } });
    const text = await (await fetch(`${relay.door.baseURL}/chat/completions`, JSON_POST)).text();
    expect(text).toBe('data: {}\r\n\r\ndata: {"error":{"message":"The upstream broke off its answer.","type":"api_error","param":null,"code":"upstream_truncated"}}\n\n');
    expect((await relay.door.settled()).outcome).toBe('upstream_truncated');
  });

  it.each([
    ['whose length was announced (its client would wait for the rest for ever)', 'content-length: 1000', 'data: {}\n\n'],
    ['that is compressed', 'content-encoding: gzip\r\ntransfer-encoding: chunked', ''],
  ])('loses its connection at an event\'s end as well when it is one %s', async (_what, fields, begun) => {
    await using relay = await startRelay((_request, response) => {
      response.socket?.write(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n${fields}\r\n\r\n${begun}`, () => { response.socket?.destroySoon(); });
    });
    const message = await sendRawRequest(relay.door.port, `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${REQUEST_TEXT.length}\r\n\r\n${REQUEST_TEXT}`);
    expect([message.complete, message.body.toString()]).toEqual([false, begun]);
    expect((await relay.door.settled()).outcome).toBe('upstream_truncated');
  });

  it.each([
    ['data: {"choices":[{"delta":{"content":"x"},"finish_reason":null}]}\n\n', 'upstream_truncated'],
    ['data: {"choices":[{"delta":{},"finish_reason": "stop"}]}\n\n', 'ok'], ['data: [DONE]\n\n', 'ok'], ['data: {"error":{"message":"x"}}\n\n', 'stream_error_event'], ['', 'upstream_truncated'],
  ])('a relayed answer delimited by close: is whole only with an end mark (%j is %s: a cut looks like an end)', async (events, outcome) => {
    await using relay = await startRelay((_request, response) => { response.socket?.end(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n${events}`); });
    const body = await (await fetch(`${relay.door.baseURL}/chat/completions`, JSON_POST)).text();
    expect(body.startsWith(events)).toBe(true);
    expect(body.slice(events.length).includes('"code":"upstream_truncated"')).toBe(outcome === 'upstream_truncated');
    expect((await relay.door.settled()).outcome).toBe(outcome);
  });

  it('loses its connection inside an event (nothing may be added there)', async () => {
    await using relay = await startRelay(UNUSED, { backends: { openai: { kind: 'openai', send: breaking('data: {}\n\ndata: {"a') }, anthropic: { kind: 'openai', send: breaking() } } });
    await expect(fetch(`${relay.door.baseURL}/chat/completions`, JSON_POST).then((response) => response.text())).rejects.toThrow();
    expect((await relay.door.settled()).outcome).toBe('upstream_truncated');
  });

  it('resets the connection of an HTTP/1.0 client (its end alone would be the end of the answer)', async () => {
    await using relay = await startRelay(UNUSED, { backends: { openai: { kind: 'openai', send: breaking('data: {}\n\ndata: {"a') }, anthropic: { kind: 'openai', send: breaking() } } });
    const client = await openRawConnection(relay.door.port);
    client.send(`POST /v1/chat/completions HTTP/1.0\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${REQUEST_TEXT.length}\r\n\r\n${REQUEST_TEXT}`);
    expect(await client.closed()).toBe('reset');
    expect(client.received().toString()).not.toMatch(/transfer-encoding|content-length/i);
    expect((await relay.door.settled()).outcome).toBe('upstream_truncated');
  });

  it('is not disturbed by what cannot be read along', async () => {
    await using relay = await startRelay((_request, response) => { response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"usage"\n\ndata: [DONE]\n\n'); });
    expect(await (await fetch(`${relay.door.baseURL}/chat/completions`, JSON_POST)).text()).toBe('data: {"usage"\n\ndata: [DONE]\n\n');
    expect((await relay.door.settled()).outcome).toBe('ok');
    expect(relay.door.internalErrors).toHaveLength(1);
  });
});
