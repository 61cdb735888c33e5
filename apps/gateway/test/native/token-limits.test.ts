import { answerAlways, openRawConnection, startScriptedUpstream, statusOf, wholeResponse, type ConnectionScript, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ClientLimits } from '../../src/config/sections/clients-section.ts';
import { ask, chunk, JSON_TYPE, LAST_CHUNK, requestBytes, STREAM_HEAD } from '../field-reports/native-request.ts';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

const KEY = 'pen_a-client-whose-tokens-are-limited';
const FIELDS = `${JSON_TYPE}x-api-key: ${KEY}\r\n`;
const JSON_ANSWER = ['content-type', 'application/json'];
const event = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;
const START = event('message_start', { message: { model: 'm', usage: { input_tokens: 5, output_tokens: 1 } } });
const text = (content: string): string => event('content_block_delta', { delta: { type: 'text_delta', text: content } });
const END = event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5_000 } }) + event('message_stop', {});
const body = (more: object): string => JSON.stringify({ model: 'm', max_tokens: 9_000, messages: [], ...more });

interface World extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly upstream: ScriptedUpstream;
  post(more: object, path?: string): Promise<WireMessage>;
  status(more: object, path?: string): Promise<number>;
  /** Sends a request for a stream and leaves when `until` has come. */
  leaveAt(until: string, more?: object): Promise<void>;
}

async function start(limits: ClientLimits, script: ConnectionScript, document: object = {}): Promise<World> {
  const upstream = await startScriptedUpstream(script);
  const gateway = await startTestGateway(upstream.origin, { clients: [{ name: 'limited', key_sha256: createHash('sha256').update(KEY).digest('hex'), limits }], ...document });
  let asked = 0;
  const post = async (more: object, path = '/v1/messages'): Promise<WireMessage> => {
    const answer = await ask(gateway.port, { path, fields: FIELDS, body: body(more) });
    await gateway.recorded(asked += 1);
    return answer;
  };
  return {
    gateway, upstream, post,
    status: async (more, path) => statusOf(await post(more, path)),
    async leaveAt(until, more = {}) {
      const connection = await openRawConnection(gateway.port);
      connection.send(requestBytes({ fields: FIELDS, body: body({ stream: true, ...more }) }));
      await expect.poll(() => Buffer.from(connection.received()).includes(until), { interval: 5 }).toBe(true);
      connection.close();
      await gateway.recorded(asked += 1);
    },
    [Symbol.asyncDispose]: async () => {
      await gateway.close();
      await upstream.close();
    },
  };
}

/** Writes a message and holds its end back. */
const endless = (...pieces: readonly string[]): ConnectionScript => async (connection) => {
  await connection.nextRequest();
  connection.send(Buffer.concat([Buffer.from(STREAM_HEAD), ...pieces.map((piece) => chunk(piece))]));
};

describe('a stream that is left before it says what it cost', () => {
  it('is charged what flowed (its tokens are not free)', async () => {
    await using world = await start({ output_tokens_per_minute: 1000 }, endless(START, text('x'.repeat(4_000)), event('content_block_stop', { index: 0 })));
    await world.leaveAt('content_block_stop');
    expect(await world.status({ max_tokens: 1 })).toBe(429);
  });

  it('is charged no more than its bound', async () => {
    await using world = await start({ output_tokens_per_minute: 1000 }, endless(START, text('x'.repeat(4_000)), event('content_block_stop', { index: 0 })));
    await world.leaveAt('content_block_stop', { max_tokens: 100 });
    await world.leaveAt('content_block_stop', { max_tokens: 900 });
    expect(await world.status({ max_tokens: 1 })).toBe(429);
  });

  it('is charged for thinking that is hidden by the length of its signature', async () => {
    await using world = await start({ output_tokens_per_minute: 1000 }, endless(START, event('content_block_delta', { delta: { type: 'signature_delta', signature: 'x'.repeat(4_000) } }), event('content_block_stop', { index: 0 })));
    await world.leaveAt('content_block_stop');
    expect(await world.status({ max_tokens: 1 })).toBe(429);
  });

  it('is charged by the bytes that a token of its model has, once that was seen', async () => {
    let isWhole = true;
    // Tokens of two bytes.
    const whole = Buffer.concat([Buffer.from(STREAM_HEAD), ...[START, text('x'.repeat(200)), event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 100 } }) + event('message_stop', {})].map((piece) => chunk(piece)), Buffer.from(LAST_CHUNK)]);
    await using world = await start({ output_tokens_per_minute: 1000 }, async (connection) => {
      for (;;) {
        await connection.nextRequest();
        connection.send(isWhole ? whole : Buffer.concat([Buffer.from(STREAM_HEAD), chunk(START), chunk(text('x'.repeat(1_000))), chunk(event('content_block_stop', { index: 0 }))]));
      }
    });
    expect(await world.status({ stream: true, max_tokens: 500 })).toBe(200);
    isWhole = false;
    await world.leaveAt('content_block_stop', { max_tokens: 900 });
    // 100 reported and 500 estimated.
    expect(await world.status({ max_tokens: 401 })).toBe(429);
    isWhole = true;
    expect(await world.status({ stream: true, max_tokens: 400 })).toBe(200);
  });
});

describe('many requests at once', () => {
  it('run only as far as their bounds fit into the limit; a bound above it runs alone', async () => {
    let served = 0;
    const release = Promise.withResolvers<void>();
    await using world = await start({ output_tokens_per_minute: 1000 }, async (connection) => {
      await connection.nextRequest();
      served += 1;
      await release.promise;
      connection.send(wholeResponse(200, JSON_ANSWER, '{"model":"m","usage":{"input_tokens":5,"output_tokens":5000}}'));
    }, { anthropic_native: { pool: { max_connections: 100 } } });
    const asked = Array.from({ length: 60 }, () => ask(world.gateway.port, { fields: FIELDS, body: body({ max_tokens: 5_000 }) }));
    await world.gateway.recorded(59);
    release.resolve();
    const statuses = (await Promise.all(asked)).map((answer) => statusOf(answer));
    expect([served, statuses.filter((status) => status === 200).length, statuses.filter((status) => status === 429).length]).toEqual([1, 1, 59]);
  });

  it('have their input reserved, too', async () => {
    const release = Promise.withResolvers<void>();
    await using world = await start({ input_tokens_per_minute: 1000 }, async (connection) => {
      await connection.nextRequest();
      await release.promise;
      connection.send(wholeResponse(200, JSON_ANSWER, '{"model":"m","usage":{"input_tokens":300,"output_tokens":1}}'));
    });
    const asked = Array.from({ length: 10 }, () => ask(world.gateway.port, { fields: FIELDS, body: body({ system: 'x'.repeat(1_500) }) }));
    await world.gateway.recorded(8);
    release.resolve();
    expect((await Promise.all(asked)).filter((answer) => statusOf(answer) === 200)).toHaveLength(2);
  });
});

it('a compressed request reserves the input of its whole text', async () => {
  await using world = await start({ input_tokens_per_minute: 1000 }, endless(START));
  const first = await openRawConnection(world.gateway.port);
  first.send(requestBytes({ fields: `${FIELDS}content-encoding: gzip\r\n`, body: gzipSync(body({ stream: true, system: 'x'.repeat(3_000) })) }));
  await expect.poll(() => world.upstream.requests.length).toBe(1);
  expect(await world.status({ system: 'x'.repeat(1_000) })).toBe(429);
  first.close();
});

describe('a reservation', () => {
  it.each([
    ['an upstream that refuses', answerAlways(wholeResponse(529, JSON_ANSWER, '{"type":"error","error":{"type":"overloaded_error"}}')), 529],
    ['an upstream that closes before its head', async (connection: Parameters<ConnectionScript>[0]) => { await connection.nextRequest(); connection.close(); }, 502],
    ['an answer that costs nothing', answerAlways(wholeResponse(200, JSON_ANSWER, '{"model":"m","usage":{"input_tokens":0,"output_tokens":0}}')), 200],
  ])('comes back whole from %s', async (_what, script, status) => {
    await using world = await start({ input_tokens_per_minute: 1000, output_tokens_per_minute: 1000 }, script);
    for (let turn = 0; turn < 5; turn += 1) expect(await world.status({ max_tokens: 1_000 })).toBe(status);
  });

  it('a reservation: is the whole limit for a request without a readable bound', async () => {
    await using world = await start({ output_tokens_per_minute: 1000 }, endless(START));
    const first = await openRawConnection(world.gateway.port);
    first.send(requestBytes({ fields: FIELDS, body: body({ stream: true, max_tokens: '10' }) }));
    await expect.poll(() => world.upstream.requests.length).toBe(1);
    const refused = await ask(world.gateway.port, { fields: FIELDS, body: body({ max_tokens: 1 }) });
    expect([statusOf(refused), refused.body.toString()]).toEqual([429, expect.stringContaining('output_tokens_per_minute')]);
    first.close();
  });
});

describe('a compressed answer', () => {
  it('an unrequested compressed answer: is decoded, and its reported usage is charged', async () => {
    await using world = await start({ output_tokens_per_minute: 1000 }, answerAlways(wholeResponse(200, [...JSON_ANSWER, 'content-encoding', 'gzip'], gzipSync('{"model":"m","usage":{"input_tokens":5,"output_tokens":600}}'))));
    expect(await world.status({ max_tokens: 700 })).toBe(200);
    expect(await world.status({ max_tokens: 401 })).toBe(429);
    expect(await world.status({ max_tokens: 400 })).toBe(200);
  });

  it('an undecodable compressed answer: is charged four times its bytes', async () => {
    await using world = await start({ output_tokens_per_minute: 1000 }, answerAlways(wholeResponse(200, [...JSON_ANSWER, 'content-encoding', 'snappy'], 'x'.repeat(600))));
    expect(await world.status({ max_tokens: 700 })).toBe(200);
    expect(await world.status({ max_tokens: 401 })).toBe(429);
  });
});

describe('work whose tokens are spent after its answer', () => {
  it.each(['/v1/messages/batches', '/v1/messages/batches/anything/new'])('is closed to a client with a limit in tokens, which the refusal names: POST %s', async (path) => {
    await using world = await start({ input_tokens_per_minute: 1 }, answerAlways(wholeResponse(200, JSON_ANSWER, '{}')));
    const refused = await world.post({}, path);
    expect(statusOf(refused)).toBe(403);
    expect(JSON.parse(refused.body.toString())).toMatchObject({ type: 'error', error: { type: 'permission_error', message: expect.stringContaining('(input_tokens_per_minute)') } });
    expect(world.upstream.requests).toEqual([]);
  });

  it('may be looked at and cancelled', async () => {
    await using world = await start({ input_tokens_per_minute: 1 }, answerAlways(wholeResponse(200, JSON_ANSWER, '{}')));
    expect(await world.status({}, '/v1/messages/batches/b/cancel')).toBe(200);
    expect(statusOf(await ask(world.gateway.port, { method: 'GET', path: '/v1/messages/batches', fields: `x-api-key: ${KEY}\r\n` }))).toBe(200);
  });

  it('is closed in agent sessions as well', async () => {
    await using world = await start({ output_tokens_per_minute: 1 }, answerAlways(wholeResponse(200, JSON_ANSWER, '{}')), { anthropic_native: { route_groups: ['messages', 'agents'] } });
    expect(await world.status({}, '/v1/sessions')).toBe(403);
    expect(await world.status({}, '/v1/memory_stores')).toBe(200);
  });
});

it('an answer of an unknown route costs only what it reports (a long list is no text of a model)', async () => {
  await using world = await start({ output_tokens_per_minute: 100 }, answerAlways(wholeResponse(200, JSON_ANSWER, JSON.stringify({ data: 'x'.repeat(10_000) }))), { anthropic_native: { allow_unknown_routes: true } });
  for (let turn = 0; turn < 3; turn += 1) expect(await world.status({}, '/v1/something/new')).toBe(200);
});

it('a whole stream is charged what it reports', async () => {
  await using world = await start({ output_tokens_per_minute: 10_000 }, answerAlways(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(START + text('hi') + END), Buffer.from(LAST_CHUNK)])));
  expect(await world.status({ stream: true })).toBe(200);
  expect(await world.status({ max_tokens: 5_001 })).toBe(429);
  expect(await world.status({ max_tokens: 5_000, stream: true })).toBe(200);
});
