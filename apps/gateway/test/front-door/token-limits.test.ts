import { answerAlways, openRawConnection, startScriptedUpstream, wholeResponse, type ConnectionScript, type ScriptedUpstream } from '@penstock/test-support';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ClientLimits } from '../../src/config/sections/clients-section.ts';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

const KEY = 'pen_a-client-whose-tokens-are-limited';
const EVENT_STREAM = ['content-type', 'text/event-stream'];
const frame = (content: string): string => `data: {"id":"1","model":"gpt-x","choices":[{"index":0,"delta":{"content":"${content}"},"finish_reason":null}]}\n\n`;
const LAST = 'data: {"id":"1","model":"gpt-x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
const saying = (...texts: readonly string[]): ConnectionScript => answerAlways(wholeResponse(200, EVENT_STREAM, texts.map(frame).join('') + LAST));
const json = (value: unknown): ConnectionScript => answerAlways(wholeResponse(200, ['content-type', 'application/json'], JSON.stringify(value)));

interface World extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly origin: ScriptedUpstream;
  ask(body: object, path?: string): Promise<Response>;
  status(body: object, path?: string): Promise<number>;
}

async function start(limits: ClientLimits, script: ConnectionScript, frontDoor: object = {}): Promise<World> {
  const origin = await startScriptedUpstream(script);
  const gateway = await startTestGateway('http://127.0.0.1:1', {
    clients: [{ name: 'limited', key_sha256: createHash('sha256').update(KEY).digest('hex'), limits }],
    openai_front_door: { backends: [{ name: 'other', kind: 'openai', base_url: `${origin.origin}/v1`, api_key: 'k' }], max_output_tokens: 900, ...frontDoor },
  });
  let asked = 0;
  const ask = async (body: object, path = '/v1/chat/completions'): Promise<Response> => {
    const response = await fetch(`${gateway.origin}${path}`, {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` }, body: JSON.stringify({ model: 'gpt-x', ...body }),
    });
    await response.clone().text();
    await gateway.recorded(asked += 1);
    return response;
  };
  return {
    gateway, origin, ask,
    status: async (body, path) => (await ask(body, path)).status,
    [Symbol.asyncDispose]: async () => {
      await gateway.close();
      await origin.close();
    },
  };
}

const HELLO = { messages: [{ role: 'user', content: 'Hi' }] };

describe('an answer without usage', () => {
  it('a short answer without usage: is charged a few tokens (a client that streams without include_usage is not charged its whole bound)', async () => {
    await using world = await start({ output_tokens_per_minute: 1000 }, saying('Hello there!'));
    for (let turn = 0; turn < 30; turn += 1) expect(await world.status({ ...HELLO, stream: true })).toBe(200);
  });

  it('costs what was said: its bytes over those of a token', async () => {
    await using world = await start({ output_tokens_per_minute: 1000 }, saying('x'.repeat(2_000), 'x'.repeat(1_200)));
    expect(await world.status({ ...HELLO, stream: true })).toBe(200);
    // 3,200 bytes are 800 tokens.
    expect(await world.status({ ...HELLO, max_tokens: 201 })).toBe(429);
    expect(await world.status({ ...HELLO, max_tokens: 200, stream: true })).toBe(200);
  });

  it('costs its input by the length of the request', async () => {
    await using world = await start({ input_tokens_per_minute: 1000 }, saying('Hi'));
    const long = { stream: true, messages: [{ role: 'user', content: 'x'.repeat(1_600) }] };
    const statuses: number[] = [];
    for (let turn = 0; turn < 4; turn += 1) statuses.push(await world.status(long));
    expect(statuses).toEqual([200, 200, 429, 429]);
  });

  it.each([
    ['a response of two megabytes that repeats its instructions', '/v1/responses', { max_output_tokens: 500, input: 'Hi' }, { model: 'gpt-x', instructions: 'x'.repeat(2_000_000) }],
    ['a whole chat', '/v1/chat/completions', { ...HELLO, max_tokens: 500 }, { model: 'gpt-x', choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(4_000) }, finish_reason: 'stop' }] }],
  ])('costs at most its bound: %s', async (_what, path, request, answer) => {
    await using world = await start({ output_tokens_per_minute: 1000 }, json(answer));
    expect(await world.status(request, path)).toBe(200);
    expect(await world.status({ ...request, max_tokens: 501, max_output_tokens: 501 }, path)).toBe(429);
    expect(await world.status(request, path)).toBe(200);
  });
});

describe('what a request reserves', () => {
  const held: ConnectionScript = async (connection) => { await connection.nextRequest(); };

  it.each([
    ['the largest of its bounds', '/v1/chat/completions', { ...HELLO, max_completion_tokens: 1, max_tokens: 600 }],
    ['its bound for each answer', '/v1/chat/completions', { ...HELLO, max_tokens: 100, n: 6 }],
    ['its bound for the best of several', '/v1/completions', { prompt: 'Hi', max_tokens: 100, n: 1, best_of: 6 }],
    ['its bound for each prompt', '/v1/completions', { prompt: ['a', 'b', 'c'], max_tokens: 200 }],
    ['the bound of the Responses API', '/v1/responses', { input: 'Hi', max_output_tokens: 600 }],
    ['the bound of the configuration where it gives none', '/v1/chat/completions', HELLO],
    ['the whole limit where its bound is no number', '/v1/chat/completions', { ...HELLO, max_tokens: '600' }],
  ])('is %s', async (_what, path, request) => {
    await using world = await start({ output_tokens_per_minute: 1000 }, held);
    const first = await openRawConnection(world.gateway.port);
    const body = JSON.stringify({ model: 'gpt-x', ...request });
    first.send(`POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${KEY}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    await expect.poll(() => world.origin.requests.length).toBe(1);
    const refused = await world.ask({ ...HELLO, max_tokens: 500 });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await refused.json()).toMatchObject({ error: { message: expect.stringContaining('output_tokens_per_minute') } });
    first.close();
  });

  it('is given back when its client leaves before anything was sent, and when the upstream refuses it', async () => {
    let isRefusing = true;
    await using world = await start({ output_tokens_per_minute: 1000 }, answerAlways(() => (isRefusing ? wholeResponse(500, ['content-type', 'application/json'], '{"error":{"message":"no"}}') : wholeResponse(200, EVENT_STREAM, LAST))));
    for (let turn = 0; turn < 5; turn += 1) expect(await world.status({ ...HELLO, max_tokens: 5_000 })).toBe(500);
    isRefusing = false;
    expect(await world.status({ ...HELLO, max_tokens: 5_000, stream: true })).toBe(200);
  });

  it('is nothing for embeddings but their input', async () => {
    await using world = await start({ input_tokens_per_minute: 1000, output_tokens_per_minute: 10 }, json({ model: 'gpt-x', data: [{ embedding: Array.from({ length: 50_000 }, () => 0.123) }], usage: { prompt_tokens: 400, total_tokens: 400 } }));
    expect(await world.status({ input: 'x' }, '/v1/embeddings')).toBe(200);
    expect(await world.status({ input: 'x' }, '/v1/embeddings')).toBe(200);
    expect(await world.status({ input: 'x' }, '/v1/embeddings')).toBe(200);
    const refused = await world.ask({ input: 'x' }, '/v1/embeddings');
    expect([refused.status, await refused.text()]).toEqual([429, expect.stringContaining('input_tokens_per_minute')]);
  });
});

describe('requests whose tokens are spent after their answer', () => {
  it.each([
    ['/v1/batches', { input_file_id: 'f', endpoint: '/v1/chat/completions', completion_window: '24h' }],
    ['/v1/batches/', { input_file_id: 'f' }],
    ['/v1/fine_tuning/jobs', { training_file: 'f' }],
    ['/v1/responses', { input: 'Hi', background: true }],
  ])('are closed to a client with a limit in tokens: POST %s', async (path, body) => {
    await using world = await start({ output_tokens_per_minute: 1000 }, json({}), { route_groups: ['front_door', 'front_door_files', 'front_door_batches', 'front_door_state', 'front_door_admin'] });
    const refused = await world.ask(body, path);
    expect([refused.status, await refused.text(), world.origin.requests.length]).toEqual([403, expect.stringContaining('(output_tokens_per_minute)'), 0]);
  });

  it('are open to a client without, and their cancellation to any', async () => {
    await using free = await start({ requests_per_minute: 10 }, json({}));
    expect(await free.status({ input_file_id: 'f' }, '/v1/batches')).toBe(200);
    await using limited = await start({ output_tokens_per_minute: 1000 }, json({}));
    expect(await limited.status({}, '/v1/batches/b/cancel')).toBe(200);
  });
});
