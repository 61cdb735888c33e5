// What the gateway adds to POST /v1/responses: clients, their limits and models, metrics, the log line, compressed bodies.
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, TEST_KEY, type TestGateway } from '../start-test-gateway.ts';

const KEYS = { free: 'pen_a-client-without-limits', bounded: 'pen_a-client-of-few-tokens', other: 'pen_a-client-of-another-model' } as const;
const clientOf = (name: keyof typeof KEYS, more: object = {}): object => ({ name, key_sha256: createHash('sha256').update(KEYS[name]).digest('hex'), ...more });

let simulator: Simulator;
let gateway: TestGateway;

beforeAll(async () => {
  simulator = await startSimulator({ apiKeys: [TEST_KEY] });
  gateway = await startTestGateway(simulator.origin, {
    clients: [clientOf('free'), clientOf('bounded', { limits: { output_tokens_per_minute: 1000 } }), clientOf('other', { models: ['claude-*'] })],
    openai_front_door: { models: [{ model: 'sim-*' }, { model: 'claude-*' }] },
  });
});

afterAll(async () => {
  await gateway.close();
  await simulator.close();
});

function respond(name: keyof typeof KEYS, body: object, path = '/v1/responses', fields: Readonly<Record<string, string>> = {}): Promise<Response> {
  const json = JSON.stringify({ model: 'sim-text', input: 'Say hello', ...body });
  return fetch(gateway.origin + path, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${KEYS[name]}`, ...fields }, body: fields['content-encoding'] === 'gzip' ? gzipSync(json) : json });
}

describe('a translated response', () => {
  test.each([false, true])('is counted by route, model and client, and logged with its usage (stream %s)', async (stream) => {
    const before = await gateway.sum('penstock_requests_total{side="front_door",route="/v1/responses",client="free",outcome="ok"}').catch(() => 0);
    const answer = await respond('free', { stream });
    await answer.text();
    await gateway.recorded(1);
    await expect.poll(() => gateway.sum('penstock_requests_total{side="front_door",route="/v1/responses",client="free",outcome="ok"}')).toBe(before + 1);
    const line = gateway.logged.findLast(({ route }) => route === '/v1/responses');
    expect(line).toMatchObject({ side: 'front_door', client: 'free', method: 'POST', status: 200, requested_model: 'sim-text', usage_source: 'final', usage: { output: expect.any(Number) as number } });
    expect(await gateway.sum('penstock_tokens_total{side="front_door",client="free",type="output"}')).toBeGreaterThan(0);
    expect(answer.headers.get('request-id')).toMatch(/^req_/);
  });

  test('reserves its output bound, and is refused where that is more than is left', async () => {
    expect((await respond('bounded', { max_output_tokens: 900, stream: false })).status).toBe(200);
    const refused = await respond('bounded', { max_output_tokens: 1001 });
    expect([refused.status, await refused.json()]).toMatchObject([429, { error: { code: 'rate_limited', message: expect.stringContaining('output_tokens_per_minute') as string } }]);
  });

  test('is refused for a model that is not open to its client, and so is its count', async () => {
    for (const path of ['/v1/responses', '/v1/responses/input_tokens']) expect(await (await respond('other', {}, path)).json()).toMatchObject({ error: { code: 'model_not_found' } });
  });

  test('may be asked for by a compressed body', async () => {
    expect((await respond('free', {}, '/v1/responses', { 'content-encoding': 'gzip' })).status).toBe(200);
  });

  test('is counted without spending tokens', async () => {
    const spent = await gateway.sum('penstock_tokens_total{side="front_door",client="free",type="input"}');
    const answer = await respond('free', { instructions: 'Be brief.' }, '/v1/responses/input_tokens');
    expect(await answer.json()).toEqual({ object: 'response.input_tokens', input_tokens: expect.any(Number) as number });
    expect(await gateway.sum('penstock_tokens_total{side="front_door",client="free",type="input"}')).toBe(spent);
  });

  test('carries signed thinking over a tool turn that the API takes', async () => {
    const tools = [{ type: 'function', name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }];
    const first = await (await respond('free', { model: 'sim-thinking', reasoning: { effort: 'high' } })).json() as { output: { type: string; encrypted_content?: string }[] };
    expect(first.output[0]).toMatchObject({ type: 'reasoning', encrypted_content: expect.any(String) as string });
    const called = await (await respond('free', { model: 'sim-tool-use', tools })).json() as { output: { type: string; call_id?: string }[] };
    const call = called.output.find(({ type }) => type === 'function_call');
    const input = [{ role: 'user', content: 'Say hello' }, ...first.output, { role: 'user', content: 'And the weather?' }, ...called.output, { type: 'function_call_output', call_id: call?.call_id, output: 'fine' }];
    const answer = await respond('free', { input, tools });
    expect([answer.status, answer.headers.get('x-penstock-ignored-params')]).toEqual([200, null]);
  });
});
