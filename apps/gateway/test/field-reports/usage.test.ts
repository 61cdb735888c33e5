// Field reports, group G: usage, cost and count_tokens.
import { createHash } from 'node:crypto';
import Anthropic from '@anthropic-ai/sdk';
import { answerAlways, openRawConnection, startScriptedUpstream, statusOf, wholeResponse, type ConnectionScript } from '@penstock/test-support';
import { describe, expect, test } from 'vitest';
import { startTestGateway, type ConfigDocument, type TestGateway } from '../start-test-gateway.ts';
import { ask, chunk, JSON_TYPE, LAST_CHUNK, requestBytes, STREAM_BODY, STREAM_HEAD } from './native-request.ts';

const event = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data as object })}\n\n`;
const START = event('message_start', { message: { model: 'claude-x', usage: { input_tokens: 10, output_tokens: 1, cache_read_input_tokens: 2_000, cache_creation_input_tokens: 300, cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 } } } });
const STOP = event('message_stop', {});
const usageDelta = (usage: Readonly<Record<string, unknown>>): string => event('message_delta', { delta: { stop_reason: 'end_turn' }, usage });

/** What one exchange left in the log and in the token counters. */
async function recordedUsage(script: ConnectionScript, send: (gateway: TestGateway) => Promise<unknown>, document: ConfigDocument = {}): Promise<{ entry: Readonly<Record<string, unknown>>; tokens: Readonly<Record<string, number>> }> {
  await using upstream = await startScriptedUpstream(script);
  await using gateway = await startTestGateway(upstream.origin, document);
  await send(gateway);
  const [entry = {}] = await gateway.recorded(1);
  const tokens: Record<string, number> = {};
  for (const type of ['input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h']) tokens[type] = await gateway.series(`penstock_tokens_total{side="native",model="claude-x",client="${String(entry['client'])}",type="${type}"}`);
  return { entry, tokens };
}

const streamOf = (...events: readonly string[]): ConnectionScript => answerAlways(Buffer.concat([Buffer.from(STREAM_HEAD), ...events.map((one) => chunk(one)), Buffer.from(LAST_CHUNK)]));
const askStream = (gateway: TestGateway): Promise<unknown> => ask(gateway.port, { body: STREAM_BODY });
const FROM_START = { input: 10, output: 1, cache_read: 2_000, cache_write_5m: 100, cache_write_1h: 200 };

describe('tokens are those of the response, field by field', () => {
  test('a whole answer and a stream of the same usage count the same (FR-109, FR-113, FR-114, FR-115, FR-116)', async () => {
    const usage = { input_tokens: 10, output_tokens: 50, cache_read_input_tokens: 2_000, cache_creation_input_tokens: 300, cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 } };
    const whole = await recordedUsage(answerAlways(wholeResponse(200, ['content-type', 'application/json'], JSON.stringify({ type: 'message', model: 'claude-x', usage }))), (gateway) => ask(gateway.port, { body: '{}' }));
    const streamed = await recordedUsage(streamOf(START, usageDelta({ output_tokens: 50 }), STOP), askStream);
    expect(streamed.tokens).toEqual({ ...FROM_START, output: 50 });
    expect(whole.tokens).toEqual(streamed.tokens);
    expect([whole.entry['usage_source'], streamed.entry['usage_source']]).toEqual(['final', 'final']);
  });

  test('the last word on a field wins, and a field it leaves out stays (FR-110, FR-118, FR-119, FR-120, FR-121)', async () => {
    const { tokens } = await recordedUsage(streamOf(START, usageDelta({ output_tokens: 50, input_tokens: 4_000, server_tool_use: { web_search_requests: 3 } }), usageDelta({ output_tokens: 80, cache_read_input_tokens: 2_500 }), STOP), askStream);
    expect(tokens).toEqual({ ...FROM_START, input: 4_000, output: 80, cache_read: 2_500 });
  });

  test('a usage that comes only with the last delta counts (FR-122)', async () => {
    const { tokens } = await recordedUsage(streamOf(event('message_start', { message: { model: 'claude-x', usage: { input_tokens: 0, output_tokens: 0 } } }), usageDelta({ input_tokens: 70, output_tokens: 30 }), STOP), askStream);
    expect(tokens).toMatchObject({ input: 70, output: 30 });
  });

  test('a stream that breaks counts what was said, and says that it was part (FR-111, FR-118)', async () => {
    const { entry, tokens } = await recordedUsage(async (connection) => {
      await connection.nextRequest();
      connection.socket.end(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(START)]));
    }, askStream);
    expect([entry['outcome'], entry['usage_source'], tokens]).toEqual(['upstream_truncated', 'partial', FROM_START]);
  });

  test('so does one that its client left (FR-112)', async () => {
    const { entry, tokens } = await recordedUsage(async (connection) => {
      await connection.nextRequest();
      connection.send(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(START)]));
    }, async (gateway) => {
      const client = await openRawConnection(gateway.port);
      client.send(requestBytes({ body: STREAM_BODY }));
      await client.waitFor((unread) => unread.includes('message_start'));
      client.close();
    });
    expect([entry['outcome'], entry['usage_source'], tokens]).toEqual(['client_gone', 'partial', FROM_START]);
  });

  test('an answer without usage is counted as such, not as nothing (FR-114)', async () => {
    await using upstream = await startScriptedUpstream(streamOf(event('message_start', {}), STOP));
    await using gateway = await startTestGateway(upstream.origin);
    await askStream(gateway);
    expect(await gateway.recorded(1)).toMatchObject([{ usage_source: 'missing', outcome: 'ok' }]);
    expect(await gateway.series('penstock_usage_total{side="native",source="missing"}')).toBe(1);
  });

  test('they stand under the configured name of the client, never under a key (FR-117)', async () => {
    const key = `pen_${'u'.repeat(43)}`;
    const { entry, tokens } = await recordedUsage(streamOf(START, STOP), (gateway) => ask(gateway.port, { fields: `${JSON_TYPE}Authorization: Bearer ${key}\r\n`, body: STREAM_BODY }), {
      clients: [{ name: 'team-a', key_sha256: createHash('sha256').update(key).digest('hex') }],
    });
    expect(entry['client']).toBe('team-a');
    expect(tokens).toEqual(FROM_START);
  });
});

describe('parts of a message that the top level of its usage leaves out', () => {
  const ITERATIONS = [{ type: 'compaction', input_tokens: 180_000, output_tokens: 3_500 }, { type: 'message', model: null, input_tokens: 23_000, output_tokens: 1_000 }, { type: 'advisor_message', model: 'claude-advisor', input_tokens: 70, output_tokens: 5 }];
  const USAGE = { input_tokens: 23_000, output_tokens: 1_000, iterations: ITERATIONS };
  const WHOLE = answerAlways(wholeResponse(200, ['content-type', 'application/json'], JSON.stringify({ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-x', content: [], stop_reason: 'end_turn', usage: USAGE })));
  const STREAM = streamOf(event('message_start', { message: { id: 'msg_1', model: 'claude-x', usage: { input_tokens: 180_000, output_tokens: 1 } } }), usageDelta(USAGE), STOP);

  test.each([['JSON', WHOLE, '{}'], ['a stream', STREAM, STREAM_BODY]])('a compaction and an advisor count in metrics and log, each under its model: %s', async (_what, script, body) => {
    await using upstream = await startScriptedUpstream(script);
    await using gateway = await startTestGateway(upstream.origin);
    await ask(gateway.port, { body });
    expect(await gateway.recorded(1)).toMatchObject([{ usage: { input: 203_070, output: 4_505 }, usage_source: 'final' }]);
    const tokens = (model: string, type: string): Promise<number> => gateway.series(`penstock_tokens_total{side="native",model="${model}",client="anonymous",type="${type}"}`);
    expect([await tokens('claude-x', 'input'), await tokens('claude-x', 'output'), await tokens('claude-advisor', 'input'), await tokens('claude-advisor', 'output')]).toEqual([203_000, 4_500, 70, 5]);
  });

  test.each([['JSON', WHOLE, false], ['a stream', STREAM, true]])('they count on the front door, and its clients see them: %s', async (_what, script, stream) => {
    await using upstream = await startScriptedUpstream(script);
    await using gateway = await startTestGateway(upstream.origin);
    const response = await fetch(`${gateway.origin}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'claude-x', stream, ...(stream ? { stream_options: { include_usage: true } } : {}), messages: [{ role: 'user', content: 'x' }] }) });
    expect(await response.text()).toContain('"prompt_tokens":203070,"completion_tokens":4505,"total_tokens":207575');
    expect(await gateway.recorded(1)).toMatchObject([{ usage: { input: 203_070, output: 4_505 } }]);
    expect(await gateway.series('penstock_tokens_total{side="front_door",model="claude-advisor",client="anonymous",type="output"}')).toBe(5);
  });

  test('they are charged to the client\'s limits', async () => {
    const key = `pen_${'v'.repeat(43)}`;
    await using upstream = await startScriptedUpstream(WHOLE);
    await using gateway = await startTestGateway(upstream.origin, { clients: [{ name: 'team-a', key_sha256: createHash('sha256').update(key).digest('hex'), limits: { output_tokens_per_minute: 4_000 } }] });
    const fields = `${JSON_TYPE}Authorization: Bearer ${key}\r\n`;
    expect(statusOf(await ask(gateway.port, { fields, body: '{"max_tokens":1000}' }))).toBe(200);
    await gateway.recorded(1);
    expect(statusOf(await ask(gateway.port, { fields, body: '{"max_tokens":1}' }))).toBe(429);
  });
});

describe('count_tokens is the upstream\'s, never ours', () => {
  const question = { model: 'claude-x', messages: [{ role: 'user' as const, content: [{ type: 'tool_result' as const, tool_use_id: 't', content: [{ type: 'text' as const, text: 'nested' }, { type: 'image' as const, source: { type: 'base64' as const, media_type: 'image/png' as const, data: 'AAAA' } }] }] }] };

  test('the path counts, the query crosses, nested content crosses, and the number is untouched (FR-123, FR-124, FR-125, FR-126, FR-127)', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{ "input_tokens" : 123456789 }')));
    await using gateway = await startTestGateway(upstream.origin);
    const client = new Anthropic({ apiKey: 'k', baseURL: gateway.anthropic, maxRetries: 0 });
    expect((await client.messages.countTokens(question)).input_tokens).toBe(123_456_789);
    const asked = await ask(gateway.port, { path: '/v1/messages/count_tokens?beta=true', body: JSON.stringify(question) });
    expect(asked.body.toString()).toBe('{ "input_tokens" : 123456789 }');
    expect(upstream.requests.map(({ startLine }) => startLine)).toEqual(['POST /v1/messages/count_tokens HTTP/1.1', 'POST /v1/messages/count_tokens?beta=true HTTP/1.1']);
    expect(JSON.parse(upstream.requests[0]?.body.toString() ?? '')).toEqual(question);
  });

  test('where the upstream has no count, neither have we (FR-123, FR-125)', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(404, ['content-type', 'application/json'], '{"type":"error","error":{"type":"not_found_error","message":"no"}}')));
    await using gateway = await startTestGateway(upstream.origin);
    const response = await ask(gateway.port, { path: '/v1/messages/count_tokens?beta=true', body: '{}' });
    expect([statusOf(response), response.body.toString()]).toEqual([404, '{"type":"error","error":{"type":"not_found_error","message":"no"}}']);
  });
});
