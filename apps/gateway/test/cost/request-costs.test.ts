import { createHash } from 'node:crypto';
import { openSqliteDatabase } from '@penstock/claude-code-gateway/store';
import { answerAlways, openRawConnection, startScriptedUpstream, wholeResponse, type ConnectionScript } from '@penstock/test-support';
import { describe, expect, test, vi } from 'vitest';
import { gatewayConfigSchema } from '../../src/config/gateway-config.ts';
import { ask, chunk, JSON_TYPE, LAST_CHUNK, requestBytes, STREAM_HEAD } from '../field-reports/native-request.ts';
import { startTestGateway, TEST_KEY, type ConfigDocument, type TestGateway } from '../start-test-gateway.ts';

const HAIKU = 'claude-haiku-4-5-20251001';
const USAGE = { input_tokens: 100, output_tokens: 20, cache_read_input_tokens: 1_000, cache_creation_input_tokens: 30, cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 } };
/** $1, $5, $0.10, $1.25 and $2 a million: 100 + 100 + 100 + 12.5 + 40 micro-dollars. */
const COST = 0.000_352_5;
const event = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data as object })}\n\n`;
const message = (usage: unknown, model = HAIKU): ConnectionScript =>
  answerAlways(wholeResponse(200, ['content-type', 'application/json'], JSON.stringify({ id: 'msg_1', type: 'message', role: 'assistant', model, content: [], stop_reason: 'end_turn', usage })));
const stream = (...events: readonly string[]): ConnectionScript => answerAlways(Buffer.concat([Buffer.from(STREAM_HEAD), ...events.map((one) => chunk(one)), Buffer.from(LAST_CHUNK)]));
const START = event('message_start', { message: { id: 'msg_1', role: 'assistant', model: HAIKU, usage: { ...USAGE, output_tokens: 1 } } });
const BLOCK = event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
const text = (written: string): string => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: written } });
const BODY = JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 1_000, messages: [] });
const STREAM_BODY = JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 1_000, stream: true, messages: [] });

/** The dollars that one request was counted with. */
async function costOf(script: ConnectionScript, send: (gateway: TestGateway) => Promise<unknown>, document: ConfigDocument = {}): Promise<number> {
  await using upstream = await startScriptedUpstream(script);
  await using gateway = await startTestGateway(upstream.origin, document);
  await send(gateway);
  const [line = {}] = await gateway.recorded(1);
  const page = await gateway.metrics.registry.metrics();
  expect(page).toContain('# TYPE penstock_cost_dollars_total counter');
  const series = page.split('\n').filter((one) => one.startsWith('penstock_cost_dollars_total{'));
  const counted = series.reduce((sum, one) => sum + Number(one.split(' ').at(-1)), 0);
  expect(line['cost_dollars'] ?? 0).toBe(counted);
  return counted;
}

const askOnce = (body: string) => (gateway: TestGateway): Promise<unknown> => ask(gateway.port, { body });

describe('a native request costs what its response reports', () => {
  test('a whole answer and a stream of the same usage cost the same, under side, upstream, model and client', async () => {
    await using upstream = await startScriptedUpstream(message(USAGE));
    await using gateway = await startTestGateway(upstream.origin);
    await ask(gateway.port, { body: BODY });
    await gateway.recorded(1);
    expect(await gateway.series(`penstock_cost_dollars_total{side="native",upstream="native",model="${HAIKU}",client="anonymous"}`)).toBe(COST);
    expect(await costOf(stream(START, event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 20 } }), event('message_stop', {})), askOnce(STREAM_BODY))).toBe(COST);
  });

  test('its line in the access log and the hour of its client have the cost', async () => {
    await using upstream = await startScriptedUpstream(message(USAGE));
    await using gateway = await startTestGateway(upstream.origin);
    await ask(gateway.port, { body: BODY });
    await ask(gateway.port, { body: BODY });
    const lines = await gateway.recorded(2);
    expect(lines.map((line) => [line['cost_dollars'], line['cost_estimated']])).toEqual([[COST, undefined], [COST, undefined]]);
    expect(gateway.status?.recent.read().clients).toMatchObject([{ client: 'anonymous', costNanoDollars: 705_000 }]);
  });

  test('an advisor is charged at its own model\'s price, a search and a place as the usage names them', async () => {
    await using upstream = await startScriptedUpstream(message({
      input_tokens: 10, output_tokens: 1, server_tool_use: { web_search_requests: 2 }, inference_geo: 'us',
      iterations: [{ type: 'message', input_tokens: 10, output_tokens: 0 }, { type: 'advisor_message', model: 'claude-opus-4-8', input_tokens: 10, output_tokens: 1 }],
    }));
    await using gateway = await startTestGateway(upstream.origin);
    await ask(gateway.port, { body: BODY });
    await gateway.recorded(1);
    const cost = (model: string): Promise<number> => gateway.series(`penstock_cost_dollars_total{side="native",upstream="native",model="${model}",client="anonymous"}`);
    expect([await cost(HAIKU), await cost('claude-opus-4-8')]).toEqual([0.020_011, 0.000_082_5]);
  });

  test('an advisor without a price is named as the model that has none, and the model of the answer is not (a row for that one would mend nothing)', async () => {
    const advisors = ['advisor-a', 'advisor-b', 'advisor-a'].map((model) => ({ type: 'advisor_message', model, input_tokens: 10, output_tokens: 1 }));
    await using upstream = await startScriptedUpstream(message({ input_tokens: 10, output_tokens: 1, iterations: [{ type: 'message', input_tokens: 10, output_tokens: 0 }, ...advisors] }));
    await using gateway = await startTestGateway(upstream.origin);
    await ask(gateway.port, { body: BODY });
    await gateway.recorded(1);
    const unpriced = (model: string): Promise<number> => gateway.series(`penstock_unpriced_requests_total{side="native",upstream="native",model="${model}"}`);
    expect([await unpriced(HAIKU), await unpriced('advisor-a'), await unpriced('advisor-b')]).toEqual([0, 1, 1]);
    const lines = gateway.logged.filter((line) => line['msg'] === 'a model has no price');
    expect(lines.map((line) => line['model'])).toEqual(['advisor-a', 'advisor-b']);
  });

  test('the front door costs the same for a translated answer, under its own side and upstream', async () => {
    await using upstream = await startScriptedUpstream(message(USAGE));
    await using gateway = await startTestGateway(upstream.origin);
    const response = await fetch(`${gateway.origin}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'claude-haiku-4-5', messages: [{ role: 'user', content: 'x' }] }) });
    expect(response.status).toBe(200);
    await gateway.recorded(1);
    expect(await gateway.series(`penstock_cost_dollars_total{side="front_door",upstream="front_door_anthropic",model="${HAIKU}",client="anonymous"}`)).toBe(COST);
  });
});

/** A stream that stops after 400 bytes of text; its client then leaves. */
const CUT: ConnectionScript = async (connection) => {
  await connection.nextRequest();
  connection.send(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(START), chunk(BLOCK), chunk(text('x'.repeat(400)))]));
};

const leave = (fields = JSON_TYPE) => async (gateway: TestGateway): Promise<void> => {
  const client = await openRawConnection(gateway.port);
  client.send(requestBytes({ fields, body: STREAM_BODY }));
  await client.waitFor((unread) => unread.includes('xxxx'));
  client.close();
};

/** The reported input, and 100 tokens of output in place of the reported one. */
const CUT_COST = 0.000_752_5;

describe('a request whose response does not report all of its tokens', () => {
  test('a stream that its client left costs the reported input and the delivered output at 4 bytes a token', async () => {
    const key = `pen_${'k'.repeat(43)}`;
    const clients = [{ name: 'team-a', key_sha256: createHash('sha256').update(key).digest('hex'), limits: { output_tokens_per_minute: 1_000_000 } }];
    expect(await costOf(CUT, leave(`${JSON_TYPE}x-penstock-key: ${key}\r\n`), { clients })).toBe(CUT_COST);
  });

  test('so it does for every caller where costs are added up in a ledger', async () => {
    await using upstream = await startScriptedUpstream(CUT);
    await using gateway = await startTestGateway(upstream.origin, { state: { flush_interval: 60 } }, { database: openSqliteDatabase(':memory:') });
    await leave()(gateway);
    expect(await gateway.recorded(1)).toMatchObject([{ outcome: 'client_gone', cost_dollars: CUT_COST, cost_estimated: true }]);
  });

  test('elsewhere its text is estimated from the bytes of the stream (nothing is parsed for a counter alone)', async () => {
    await using upstream = await startScriptedUpstream(CUT);
    await using gateway = await startTestGateway(upstream.origin);
    await leave()(gateway);
    const [line = {}] = await gateway.recorded(1);
    const output = Math.ceil(Math.ceil(Number(line['response_bytes']) / 24) / 4);
    expect(output).toBeGreaterThan(1);
    expect(line['cost_dollars']).toBe(Number((0.000_252_5 + output * 0.000_005).toFixed(9)));
  });

  test('an answer without usage costs the length of its request and its own at 4 bytes a token', async () => {
    const body = BODY.replace('[]', JSON.stringify([{ role: 'user', content: 'y'.repeat(4_000) }]));
    const answer = '{"model":"claude-haiku-4-5","content":[]}';
    const spent = await costOf(answerAlways(wholeResponse(200, ['content-type', 'application/json'], answer)), askOnce(body));
    expect(spent).toBe(Number((Math.ceil(body.length / 4) * 0.000_001 + Math.ceil(answer.length / 4) * 0.000_005).toFixed(9)));
  });

  test('an estimate of output is never more than the request was admitted for', async () => {
    const spent = await costOf(answerAlways(wholeResponse(200, ['content-type', 'application/json'], JSON.stringify({ model: HAIKU, content: 'z'.repeat(40_000) }))), askOnce(BODY));
    expect(spent).toBe(Number((Math.ceil(BODY.length / 4) * 0.000_001 + 1_000 * 0.000_005).toFixed(9)));
  });

  test('a max_tokens that is no whole number bounds an estimate by whole tokens', async () => {
    const body = BODY.replace('1000', '10.5');
    const spent = await costOf(answerAlways(wholeResponse(200, ['content-type', 'application/json'], JSON.stringify({ model: HAIKU, content: 'z'.repeat(400) }))), askOnce(body), { anthropic_native: { price_multiplier: '0.5' } });
    expect(spent).toBe(Number(((Math.ceil(body.length / 4) * 0.000_001 + 11 * 0.000_005) / 2).toFixed(9)));
  });

  test('a translated stream that its client left costs the same as on the native side', async () => {
    await using upstream = await startScriptedUpstream(CUT);
    await using gateway = await startTestGateway(upstream.origin, { state: { flush_interval: 60 } }, { database: openSqliteDatabase(':memory:') });
    const leaving = new AbortController();
    const response = await fetch(`${gateway.origin}/v1/chat/completions`, {
      method: 'POST', signal: leaving.signal, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'claude-haiku-4-5', stream: true, messages: [{ role: 'user', content: 'x' }] }),
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let seen = '';
    while (!seen.includes('xxxx')) {
      const part = await reader?.read();
      if (part?.value === undefined) throw new Error(`the stream ended with ${seen}`);
      seen += part.value;
    }
    leaving.abort();
    expect(await gateway.recorded(1)).toMatchObject([{ side: 'front_door', outcome: 'client_gone', cost_dollars: CUT_COST, cost_estimated: true }]);
  });

  test.each([
    ['an error of the upstream', answerAlways(wholeResponse(429, ['content-type', 'application/json'], '{"type":"error","error":{"type":"rate_limit_error","message":"no"}}'))],
    ['a connection that was reset before the head', (async (connection) => {
      await connection.nextRequest();
      connection.socket.resetAndDestroy();
    }) satisfies ConnectionScript],
  ])('%s costs nothing', async (_what, script) => {
    expect(await costOf(script, askOnce(BODY))).toBe(0);
  });

  test('counting tokens costs nothing', async () => {
    expect(await costOf(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{"input_tokens":12}')), (gateway) => ask(gateway.port, { path: '/v1/messages/count_tokens', body: BODY }))).toBe(0);
  });
});

test('a request that names its model by an alias, and whose response does not come, costs the price of the id that was sent upstream', async () => {
  await using upstream = await startScriptedUpstream(async (connection) => { await connection.nextRequest(); });
  await using gateway = await startTestGateway(upstream.origin, { openai_front_door: { models: [{ model: 'fast', upstream_model: 'claude-haiku-4-5' }] } });
  const body = JSON.stringify({ model: 'fast', messages: [{ role: 'user', content: 'x'.repeat(4_000) }] });
  const leaving = new AbortController();
  const asked = fetch(`${gateway.origin}/v1/chat/completions`, { method: 'POST', signal: leaving.signal, headers: { 'content-type': 'application/json' }, body }).catch(() => undefined);
  await vi.waitFor(() => expect(upstream.requests).toHaveLength(1), { timeout: 30_000 });
  leaving.abort();
  await asked;
  expect(await gateway.recorded(1)).toMatchObject([{ outcome: 'client_gone', cost_dollars: Number((Math.ceil(body.length / 4) * 1e-6).toFixed(9)), cost_estimated: true }]);
  expect(await gateway.sum('penstock_unpriced_requests_total{side="front_door"}')).toBe(0);
});

describe('prices of the configuration', () => {
  const ROW = { model: 'claude-haiku-*', unit: 'usd_per_million_tokens', input: '10', output: '20', cache_read: '0', cache_write_5m: '0', cache_write_1h: '0' };

  test.each<[string, ConfigDocument, number]>([
    ['a row replaces the built-in price', { prices: [ROW] }, 0.001_4],
    ['a row that names the upstream wins over a longer one that names none', { prices: [{ ...ROW, model: '*', upstream: 'native', input: '1' }, ROW] }, 0.000_5],
    ['a row for another upstream is not used', { prices: [{ ...ROW, upstream: 'front_door_anthropic' }] }, COST],
    ['the multiplier of the upstream is a discount', { anthropic_native: { price_multiplier: '0.8' } }, 0.000_282],
  ])('%s', async (_what, document, expected) => {
    expect(await costOf(message(USAGE), askOnce(BODY), document)).toBe(expected);
  });

  test('a model without a price costs $5 and $25 a million and is counted, until a reload has its price', async () => {
    await using upstream = await startScriptedUpstream(message({ input_tokens: 1_000, output_tokens: 1_000 }, 'claude-next'));
    await using gateway = await startTestGateway(upstream.origin);
    const labels = 'side="native",upstream="native",model="claude-next"';
    const ended = gateway.recorded(1);
    await ask(gateway.port, { body: '{"model":"claude-next","max_tokens":9}' });
    await ended;
    expect([await gateway.series(`penstock_cost_dollars_total{${labels},client="anonymous"}`), await gateway.series(`penstock_unpriced_requests_total{${labels}}`)]).toEqual([0.03, 1]);
    expect(gateway.logged.filter(({ msg }) => msg === 'a model has no price')).toMatchObject([{ model: 'claude-next', upstream: 'native' }]);
    expect(gateway.warnings()).toMatchObject({ prices: expect.stringMatching(/^price_missing: claude-next has no price \(1 request charged/) as string });
    const native = { base_url: upstream.origin, api_key: TEST_KEY };
    gateway.update(gatewayConfigSchema.parse({ anthropic_native: native, server: { port: 0 }, prices: [{ model: 'claude-next', unit: 'usd_per_million_tokens', input: '1', output: '2' }] }));
    await ask(gateway.port, { body: '{"model":"claude-next","max_tokens":9}' });
    await gateway.recorded(2);
    expect([await gateway.series(`penstock_cost_dollars_total{${labels},client="anonymous"}`), await gateway.series(`penstock_unpriced_requests_total{${labels}}`)]).toEqual([0.033, 1]);
    expect(gateway.warnings()).toEqual({});
  });
});
