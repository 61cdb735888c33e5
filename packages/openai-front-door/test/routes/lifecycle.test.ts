import { once } from 'node:events';
import { Readable } from 'node:stream';
import { connect } from 'node:net';
import { openRawConnection } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { FrontDoorError, type BackendRequest } from '../../src/index.ts';
import { answerEvents, answerJson, messageEvents, messageJson, sseEvent, text } from '../support/messages-upstream.ts';
import { startFrontDoor } from '../support/start-front-door.ts';

const REQUEST = { model: 'claude-sonnet-4-5', messages: [{ role: 'user', content: 'Hi' }] };
const WHOLE = answerJson(messageJson([{ type: 'text', text: 'x' }]));
const BEGUN = messageEvents([text('Hel', 'lo')]).split('event: message_delta')[0] ?? '';

function rawPost(body: unknown): string {
  const bytes = JSON.stringify(body);
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(bytes)}\r\n\r\n${bytes}`;
}

describe('the outbound request', () => {
  it('carries the pinned version and a header made here, and nothing of the client\'s credentials', async () => {
    await using door = await startFrontDoor(WHOLE);
    await door.post(REQUEST, { headers: { 'content-type': 'application/json', authorization: 'Bearer sk-secret', 'openai-organization': 'org', cookie: 'a=b', 'x-api-key': 'sk-other', 'anthropic-version': '1999-01-01', 'anthropic-beta': 'x', traceparent: '00-1-2-01' } });
    const { headers, method, url } = door.upstream.requests[0] ?? { headers: {}, method: '', url: '' };
    const { host: _host, connection: _connection, 'content-length': _length, ...sent } = headers;
    expect([method, url]).toEqual(['POST', '/v1/messages']);
    expect(sent).toEqual({
      accept: 'application/json', 'accept-encoding': 'identity', 'anthropic-version': '2023-06-01', 'content-type': 'application/json', traceparent: '00-1-2-01', 'x-api-key': 'test-key',
    });
  });

  it('the outbound request: passes the expected kind of answer to the backend port, and uses the configured version', async () => {
    const seen: BackendRequest[] = [];
    const send = (request: BackendRequest): Promise<never> => {
      seen.push(request);
      return Promise.reject(new Error('x'));
    };
    await using door = await startFrontDoor(WHOLE, { backends: { anthropic: { kind: 'anthropic', send, anthropicVersion: '2026-10-21' } } });
    for (const stream of [true, false]) await door.post({ ...REQUEST, stream });
    await fetch(`${door.baseURL}/models`);
    expect(seen.map((request) => request.responseKind)).toEqual(['event-stream', 'message', 'quick']);
    expect(seen[0]?.headers).toContain('2026-10-21');
  });
});

it.each([['2023-06-01', 0.5, null], ['2026-10-21', undefined, 'temperature']])('under version %s sends temperature %s (from 2026-10-21 on every model refuses it)', async (anthropicVersion, temperature, ignored) => {
  const bodies: Uint8Array[] = [];
  const send = async ({ body }: BackendRequest) => {
    bodies.push(body as Uint8Array);
    return { status: 200, rawHeaders: [], body: Readable.from([Buffer.from(JSON.stringify(messageJson([])))]) };
  };
  await using door = await startFrontDoor(WHOLE, { backends: { anthropic: { kind: 'anthropic', send, anthropicVersion } } });
  const response = await door.post({ ...REQUEST, temperature: 0.5 });
  expect([response.status, JSON.parse(Buffer.concat(bodies).toString()).temperature, response.headers.get('x-penstock-ignored-params')]).toEqual([200, temperature, ignored]);
});

describe('the summary', () => {
  it('the summary: has every field of a streamed answer, and is emitted once', async () => {
    const usage = { input_tokens: 3, cache_read_input_tokens: 4, cache_creation_input_tokens: 9, cache_creation: { ephemeral_1h_input_tokens: 2 }, output_tokens: 5 };
    await using door = await startFrontDoor(answerEvents(messageEvents([text('Hi')], { usage })));
    const body = await (await door.post({ ...REQUEST, stream: true })).text();
    const summary = await door.settled();
    expect(summary).toEqual({
      route: '/v1/chat/completions', method: 'POST', status: 200, outcome: 'ok', backend: 'anthropic', model: 'claude-sonnet-4-5-20250929', isEventStream: true, sawStop: true, stopReason: 'end_turn', upstreamStatus: 200,
      usage: { input: 3, output: 5, cacheRead: 4, cacheWrite5m: 7, cacheWrite1h: 2 }, usageSource: 'final', requestBytes: JSON.stringify({ ...REQUEST, stream: true }).length, responseBytes: Buffer.byteLength(body),
      durationMs: expect.any(Number), firstByteMs: expect.any(Number), largestGapMs: expect.any(Number), requestedModel: 'claude-sonnet-4-5',
    });
    expect(summary.firstByteMs).toBeLessThanOrEqual(summary.durationMs);
    expect(door.summaries).toHaveLength(1);
  });

  it('counts what the model wrote where the application asks for it', async () => {
    await using streaming = await startFrontDoor(answerEvents(messageEvents([text('Héllo')])), { hooks: { measuresText: () => true } });
    await (await streaming.post({ ...REQUEST, stream: true })).text();
    await using whole = await startFrontDoor(WHOLE, { hooks: { measuresText: () => true } });
    await (await whole.post(REQUEST)).text();
    expect((await streaming.settled()).textBytes).toBe(6);
    expect((await whole.settled()).textBytes).toBe(JSON.stringify(messageJson([{ type: 'text', text: 'x' }])).length);
  });

  it('the summary: has every field of a whole answer', async () => {
    await using door = await startFrontDoor(WHOLE);
    const body = await (await door.post(REQUEST)).text();
    expect(await door.settled()).toMatchObject({ outcome: 'ok', isEventStream: false, usage: { input: 10, output: 5 }, usageSource: 'final', responseBytes: Buffer.byteLength(body), stopReason: 'end_turn' });
    expect('sawStop' in (door.summaries[0] ?? {})).toBe(false);
  });

  it('is not lost to a hook that throws, nor is the answer', async () => {
    await using door = await startFrontDoor(WHOLE, { hooks: { onRequestSettled: () => { throw new Error('observer'); } } });
    expect((await door.post(REQUEST)).status).toBe(200);
    await door.settled();
    await expect.poll(() => door.internalErrors).toEqual([new Error('observer')]);
  });
});

describe('the application\'s part', () => {
  it('may refuse once model and bound are known, before the upstream is called', async () => {
    const seen: unknown[] = [];
    await using door = await startFrontDoor(WHOLE, { hooks: { onRequestRead: async (_ctx, request) => {
      seen.push(request);
      await Promise.resolve();
      throw new FrontDoorError('forbidden', 'This client may not use the model.', { param: 'model' });
    } } });
    const response = await door.post({ ...REQUEST, max_tokens: 7 });
    expect([response.status, door.upstream.requests.length]).toEqual([403, 0]);
    expect(seen).toEqual([{ model: 'claude-sonnet-4-5', maxTokens: 7, choices: 1, stream: false, jsonBytes: expect.any(Number), requestBytes: JSON.stringify({ ...REQUEST, max_tokens: 7 }).length }]);
    expect(await door.settled()).toMatchObject({ outcome: 'client_error', status: 403, errorCode: 'forbidden' });
  });

  it('is told when the head of the answer came, before the answer ends', async () => {
    const heads: string[] = [];
    const told = Promise.withResolvers<void>();
    await using door = await startFrontDoor(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(BEGUN);
      await told.promise;
      response.end();
    }, { hooks: { onUpstreamHead: (ctx) => {
      heads.push(ctx.path);
      told.resolve();
    } } });
    await (await door.post({ ...REQUEST, stream: true })).text();
    expect(heads).toEqual(['/v1/chat/completions']);
  });

  it('may read the body itself', async () => {
    await using door = await startFrontDoor(WHOLE, { readBody: async (ctx) => {
      for await (const _chunk of ctx.req);
      const json = Buffer.from(JSON.stringify(REQUEST));
      return { bytes: json, json };
    } });
    expect((await door.post({ other: true })).status).toBe(200);
  });

  it('keeps the header fields that middleware has set', async () => {
    await using door = await startFrontDoor(WHOLE, { before: (ctx, next) => {
      ctx.set('x-penstock-request-id', 'pen_1');
      return next();
    } });
    expect((await door.post(REQUEST)).headers.get('x-penstock-request-id')).toBe('pen_1');
    expect((await door.post({})).headers.get('x-penstock-request-id')).toBe('pen_1');
  });
});

describe('a client that leaves', () => {
  it.each([true, false])('a client that leaves before the head: cancels the upstream request (no tokens are paid for in vain; stream %s)', async (stream) => {
    const arrived = Promise.withResolvers<void>();
    await using door = await startFrontDoor(() => { arrived.resolve(); });
    const connection = await openRawConnection(door.port);
    connection.send(rawPost({ ...REQUEST, stream }));
    await arrived.promise;
    connection.close();
    await door.upstream.requests[0]?.dropped;
    expect(await door.settled()).toMatchObject({ outcome: 'client_gone', status: 499, responseBytes: 0 });
    expect(door.frontDoor.openRequests()).toBe(0);
  });

  it('in the middle of a stream cancels the upstream request', async () => {
    await using door = await startFrontDoor((_request, response) => { response.writeHead(200, { 'content-type': 'text/event-stream' }).write(BEGUN); });
    const connection = await openRawConnection(door.port);
    connection.send(rawPost({ ...REQUEST, stream: true }));
    await connection.waitFor((bytes) => bytes.includes('lo'));
    connection.close();
    await door.upstream.requests[0]?.dropped;
    expect(await door.settled()).toMatchObject({ outcome: 'client_gone', status: 200, usageSource: 'partial', usage: { input: 10 } });
  });

  it('in the middle of its request is told apart from a bad request', async () => {
    await using door = await startFrontDoor(WHOLE);
    const connection = await openRawConnection(door.port);
    connection.send('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{');
    await expect.poll(() => door.frontDoor.openRequests()).toBe(1);
    connection.close();
    expect(await door.settled()).toMatchObject({ outcome: 'client_gone', status: 499 });
  });
});

it('leaves nothing open behind 200 clients that leave, half of them before the head (no orphaned generations, no leaked requests)', async () => {
  let arrived = 0;
  let dropped = 0;
  await using door = await startFrontDoor((_request, response) => {
    arrived += 1;
    response.once('close', () => { dropped += 1; });
    if (arrived % 2 === 0) response.writeHead(200, { 'content-type': 'text/event-stream' }).write(BEGUN);
  });
  for (let round = 0; round < 10; round += 1) {
    const connections = await Promise.all(Array.from({ length: 20 }, () => openRawConnection(door.port)));
    for (const connection of connections) connection.send(rawPost({ ...REQUEST, stream: true }));
    await expect.poll(() => arrived).toBe((round + 1) * 20);
    for (const connection of connections) connection.close();
  }
  await door.settled(200);
  await expect.poll(() => dropped).toBe(200);
  expect(door.frontDoor.openRequests()).toBe(0);
  expect(door.summaries.every((summary) => summary.outcome === 'client_gone')).toBe(true);
  expect(door.summaries).toHaveLength(200);
});

describe('a client that does not read', () => {
  const FLOOD = sseEvent({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'x'.repeat(10_000) } });

  it('holds the upstream back (no growth here), and is given up after its time', async () => {
    let produced = 0;
    const cancelled = Promise.withResolvers<void>();
    const send = async (_request: BackendRequest, signal: AbortSignal) => ({
      status: 200, rawHeaders: ['content-type', 'text/event-stream'],
      body: (async function* body() {
        signal.addEventListener('abort', () => { cancelled.resolve(); });
        yield Buffer.from(messageEvents([]).split('event: message_delta')[0] ?? '');
        for (;;) {
          produced += FLOOD.length;
          yield Buffer.from(FLOOD);
        }
      })(),
    });
    await using door = await startFrontDoor(WHOLE, { backends: { anthropic: { kind: 'anthropic', send } }, limits: { clientStallMs: 300 } });
    const socket = connect({ port: door.port, host: '127.0.0.1' });
    await once(socket, 'connect');
    socket.pause();
    socket.write(rawPost({ ...REQUEST, stream: true }));
    const summary = await door.settled();
    expect(summary).toMatchObject({ outcome: 'client_stalled', status: 200 });
    await cancelled.promise;
    // What fits into the sockets' buffers, and no more.
    expect(produced).toBeLessThan(32 * 1024 * 1024);
    socket.destroy();
  });
});

describe('silence', () => {
  it('is filled with comments where that is switched on', async () => {
    const release = Promise.withResolvers<void>();
    await using door = await startFrontDoor(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(BEGUN);
      await release.promise;
      response.end(sseEvent({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: {} }) + sseEvent({ type: 'message_stop' }));
    }, { limits: { keepAliveMs: 10 } });
    const connection = await openRawConnection(door.port);
    connection.send(rawPost({ ...REQUEST, stream: true }));
    await connection.waitFor((bytes) => (bytes.toString().match(/: keep-alive/g) ?? []).length >= 4);
    release.resolve();
    const bytes = await connection.waitFor((received) => received.includes('DONE'));
    expect(bytes.toString()).toMatch(/: keep-alive\n\n[^]*\[DONE\]/);
    connection.close();
  });
});

describe('interrupt', () => {
  it('ends an open stream with an error frame and a waiting request with 503', async () => {
    const streaming = Promise.withResolvers<void>();
    const waiting = Promise.withResolvers<void>();
    await using door = await startFrontDoor((request, response) => {
      if (!request.bytes.includes('"stream":true')) return waiting.resolve();
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(BEGUN);
      return streaming.resolve();
    });
    const stream = await door.post({ ...REQUEST, stream: true });
    const whole = door.post(REQUEST);
    await Promise.all([streaming.promise, waiting.promise]);
    door.frontDoor.interrupt();
    expect(await stream.text()).toMatch(/data: \{"error":\{"message":"The gateway is shutting down. Retry.","type":"api_error","param":null,"code":"draining"\}\}\n\n$/);
    const refused = await whole;
    expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('connection')]).toEqual([503, '1', 'close']);
    await door.settled(2);
    expect(door.summaries.map((summary) => summary.outcome)).toEqual(['draining', 'draining']);
  });
});

it('does not make the client wait for the end of the upstream\'s body after message_stop, but settles when it is over', async () => {
  const finish = Promise.withResolvers<void>();
  await using door = await startFrontDoor(async (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(messageEvents([text('x')]));
    await finish.promise;
    response.end();
  });
  expect(await (await door.post({ ...REQUEST, stream: true })).text()).toMatch(/\[DONE\]\n\n$/);
  finish.resolve();
  expect((await door.settled()).outcome).toBe('ok');
});
