import { openSqliteDatabase } from '@penstock/claude-code-gateway/store';
import { answerAlways, startScriptedUpstream, wholeResponse, type ConnectionScript } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { startTestGateway, type ConfigDocument } from '../start-test-gateway.ts';

describe('requests that are relayed to an OpenAI-compatible origin', () => {
  const CHAT = { model: 'local-1', messages: [{ role: 'user', content: 'x' }] };
  const PRICE = { model: '*', upstream: 'front_door_local', unit: 'usd_per_million_tokens', input: '1', output: '2', cache_read: '0.5' };
  const usage = { prompt_tokens: 30, completion_tokens: 10, prompt_tokens_details: { cached_tokens: 20 } };
  const JSON_HEAD = ['content-type', 'application/json'];
  const delta = JSON.stringify({ model: 'local-1', choices: [{ index: 0, delta: { content: 'w'.repeat(40) } }] });
  const events = (...data: readonly string[]): ConnectionScript => answerAlways(wholeResponse(200, ['content-type', 'text/event-stream'], data.map((one) => `data: ${one}\n\n`).join('')));
  const body = JSON.stringify({ ...CHAT, stream: true });

  test.each<[string, ConnectionScript, string, number, boolean | undefined]>([
    ['usage of an answer', answerAlways(wholeResponse(200, JSON_HEAD, JSON.stringify({ model: 'local-1', choices: [], usage }))), JSON.stringify(CHAT), 0.000_04, undefined],
    ['usage of a stream', events(delta, JSON.stringify({ model: 'local-1', choices: [], usage }), '[DONE]'), body, 0.000_04, undefined],
    ['the length of request and text of a stream without usage, as an estimate', events(delta, delta, '[DONE]'), body, Number((Math.ceil(body.length / 4) * 1e-6 + 20 * 2e-6).toFixed(9)), true],
  ])('are charged by the %s', async (_what, script, sent, expected, isEstimated) => {
    await using upstream = await startScriptedUpstream(script);
    await using gateway = await startTestGateway(upstream.origin, {
      prices: [PRICE], openai_front_door: { backends: [{ name: 'local', kind: 'openai', base_url: `${upstream.origin}/v1` }] }, state: { flush_interval: 60 },
    }, { database: openSqliteDatabase(':memory:') });
    await (await fetch(`${gateway.origin}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: sent })).arrayBuffer();
    const [line = {}] = await gateway.recorded(1);
    expect([line['cost_dollars'], line['cost_estimated']]).toEqual([expected, isEstimated]);
    expect(await gateway.sum('penstock_cost_dollars_total{side="front_door",upstream="front_door_local"}')).toBe(expected);
  });
});

const GROUPS = ['front_door', 'front_door_files', 'front_door_batches', 'front_door_state', 'front_door_unknown'];
const local = (origin: string): ConfigDocument => ({
  prices: [{ model: '*', upstream: 'front_door_local', unit: 'usd_per_million_tokens', input: '1', output: '2' }],
  openai_front_door: { route_groups: GROUPS, backends: [{ name: 'local', kind: 'openai', base_url: `${origin}/v1` }] },
});
const JSON_FIELDS = { 'content-type': 'application/json' };

describe('an answer that a backend keeps', () => {
  const stored = JSON.stringify({ id: 'resp_1', object: 'response', model: 'local-1', output: [], usage: { input_tokens: 1_000, output_tokens: 1_000 } });

  test('costs its tokens when it is made, and nothing when it is read, changed or cancelled', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], stored)));
    await using gateway = await startTestGateway(upstream.origin, local(upstream.origin));
    const requests: readonly (readonly [string, string, string?])[] = [
      ['POST', '/responses', '{"model":"local-1","input":"x"}'], ['GET', '/responses/resp_1'], ['POST', '/responses/resp_1/cancel'], ['POST', '/responses/resp_1/cancel', '{}'],
      ['GET', '/chat/completions/c_1'], ['POST', '/chat/completions/c_1', '{"metadata":{"a":"b"}}'], ['DELETE', '/responses/resp_1'], ['GET', '/batches/b_1'], ['POST', '/batches/b_1/cancel'],
    ];
    for (const [index, [method, path, body]] of requests.entries()) {
      const response = await fetch(`${gateway.origin}/v1${path}`, { method, ...(body === undefined ? {} : { body, headers: JSON_FIELDS }) });
      expect([method, path, response.status, await response.text()]).toEqual([method, path, 200, stored]);
      await gateway.recorded(index + 1);
    }
    const lines = await gateway.recorded(requests.length);
    expect(lines.map((line) => line['cost_dollars'])).toEqual([0.003, ...requests.slice(1).map(() => undefined)]);
    expect(await gateway.sum('penstock_cost_dollars_total{upstream="front_door_local"}')).toBe(0.003);
  });

  test.each(['/responses/compact/', '/new/models'])('is not what a POST to %s reads, which an origin may take for one that makes an answer', async (path) => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], stored)));
    await using gateway = await startTestGateway(upstream.origin, local(upstream.origin));
    await (await fetch(`${gateway.origin}/v1${path}`, { method: 'POST', headers: JSON_FIELDS, body: '{"model":"local-1","input":"x"}' })).arrayBuffer();
    expect(await gateway.recorded(1)).toMatchObject([{ outcome: 'ok', cost_dollars: 0.003 }]);
  });
});

test.each([{ max_completion_tokens: 1 }, { max_tokens: 0 }, { max_completion_tokens: 1, n: 2 }])('the text of a stream that was measured is charged whole, whatever bound its client gave (%j)', async (bound) => {
  const delta = JSON.stringify({ model: 'local-1', choices: [{ index: 0, delta: { content: 'w'.repeat(40_000) } }] });
  await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'text/event-stream'], `data: ${delta}\n\ndata: [DONE]\n\n`)));
  await using gateway = await startTestGateway(upstream.origin, { ...local(upstream.origin), state: { flush_interval: 60 } }, { database: openSqliteDatabase(':memory:') });
  const body = JSON.stringify({ model: 'local-1', messages: [], stream: true, ...bound });
  await (await fetch(`${gateway.origin}/v1/chat/completions`, { method: 'POST', headers: JSON_FIELDS, body })).arrayBuffer();
  expect(await gateway.recorded(1)).toMatchObject([{ cost_dollars: Number((Math.ceil(body.length / 4) * 1e-6 + 10_000 * 2e-6).toFixed(9)), cost_estimated: true }]);
});

describe('numbers that are no counts', () => {
  const answer = JSON.stringify({ model: 'local-1', choices: [{ message: { content: 'w'.repeat(400) } }] });

  test.each<[string, object]>([
    ['max_tokens of half a token', { max_tokens: 0.5 }],
    ['a negative max_tokens', { max_tokens: -5 }],
    ['one answer and a half', { max_tokens: 7, n: 1.5 }],
  ])('of a client (%s) are no bound of its cost, and keep its request from neither log nor metrics', async (_what, wish) => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], answer)));
    await using gateway = await startTestGateway(upstream.origin, local(upstream.origin));
    const body = JSON.stringify({ model: 'local-1', messages: [], ...wish });
    await (await fetch(`${gateway.origin}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).arrayBuffer();
    expect(await gateway.recorded(1)).toMatchObject([{ outcome: 'ok', cost_dollars: Number((Math.ceil(body.length / 4) * 1e-6 + Math.ceil(answer.length / 4) * 2e-6).toFixed(9)), cost_estimated: true }]);
  });

  test.each([-100_000, 0.5, Number.MAX_SAFE_INTEGER])('of a backend (%d completion tokens) are not charged: the answer is estimated', async (completion_tokens) => {
    const counted = JSON.stringify({ ...JSON.parse(answer) as object, usage: { prompt_tokens: 3, completion_tokens } });
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], counted)));
    await using gateway = await startTestGateway(upstream.origin, local(upstream.origin));
    const body = JSON.stringify({ model: 'local-1', messages: [] });
    await (await fetch(`${gateway.origin}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).arrayBuffer();
    expect(await gateway.recorded(1)).toMatchObject([{ cost_dollars: Number((Math.ceil(body.length / 4) * 1e-6 + Math.ceil(counted.length / 4) * 2e-6).toFixed(9)), cost_estimated: true }]);
  });
});

