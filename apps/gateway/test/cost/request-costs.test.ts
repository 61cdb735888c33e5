import { createHash } from 'node:crypto';
import { answerAlways, openRawConnection, startScriptedUpstream, wholeResponse, type ConnectionScript } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
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
const START = event('message_start', { message: { model: HAIKU, usage: { ...USAGE, output_tokens: 1 } } });
const text = (written: string): string => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: written } });
const BODY = JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 1_000, messages: [] });
const STREAM_BODY = JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 1_000, stream: true, messages: [] });

/** The dollars that one request was counted with. */
async function costOf(script: ConnectionScript, send: (gateway: TestGateway) => Promise<unknown>, document: ConfigDocument = {}): Promise<number> {
  await using upstream = await startScriptedUpstream(script);
  await using gateway = await startTestGateway(upstream.origin, document);
  await send(gateway);
  await gateway.recorded(1);
  return gateway.sum('penstock_cost_dollars_total{}').catch(() => 0);
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

  test('the front door costs the same for a translated answer, under its own side and upstream', async () => {
    await using upstream = await startScriptedUpstream(message(USAGE));
    await using gateway = await startTestGateway(upstream.origin);
    const response = await fetch(`${gateway.origin}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'claude-haiku-4-5', messages: [{ role: 'user', content: 'x' }] }) });
    expect(response.status).toBe(200);
    await gateway.recorded(1);
    expect(await gateway.series(`penstock_cost_dollars_total{side="front_door",upstream="front_door_anthropic",model="${HAIKU}",client="anonymous"}`)).toBe(COST);
  });
});

describe('a request whose response does not report all of its tokens', () => {
  test('a stream that its client left costs the reported input and the delivered output at 4 bytes a token', async () => {
    const key = `pen_${'k'.repeat(43)}`;
    const spent = await costOf(async (connection) => {
      await connection.nextRequest();
      connection.send(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(START), chunk(text('x'.repeat(400)))]));
    }, async (gateway) => {
      const client = await openRawConnection(gateway.port);
      client.send(requestBytes({ fields: `${JSON_TYPE}x-penstock-key: ${key}\r\n`, body: STREAM_BODY }));
      await client.waitFor((unread) => unread.includes('xxxx'));
      client.close();
    }, { clients: [{ name: 'team-a', key_sha256: createHash('sha256').update(key).digest('hex'), limits: { output_tokens_per_minute: 1_000_000 } }] });
    // 100 tokens of output in place of the reported one.
    expect(spent).toBe(COST + 80 * 0.000_005);
  });

  test('an answer without usage costs the length of its request at 4 bytes a token, and the length of what was written', async () => {
    const body = STREAM_BODY.replace('[]', JSON.stringify([{ role: 'user', content: 'y'.repeat(4_000) }]));
    const spent = await costOf(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{"model":"claude-haiku-4-5"}')), askOnce(body));
    expect(spent).toBe(Number((Math.ceil(body.length / 4) * 0.000_001).toFixed(9)));
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
