// Field reports, groups B and E: body fidelity, prompt cache, encodings and lengths.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import Anthropic from '@anthropic-ai/sdk';
import { startSimulator } from '@penstock/anthropic-simulator';
import { answerAlways, fieldValues, openRawConnection, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';
import { ask, chunk, JSON_TYPE, LAST_CHUNK, STREAM_HEAD } from './native-request.ts';

let answer: Buffer = wholeResponse(200, ['content-type', 'application/json'], '{}');
let upstream: ScriptedUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startScriptedUpstream(answerAlways(() => answer));
  gateway = await startTestGateway(upstream.origin);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const outbound = (): WireMessage => upstream.requests.at(-1) as WireMessage;

/** A second turn as clients send it: signed thinking, server tools, cache marks, unknown fields, and unusual white space. */
const SECOND_TURN = '{ "tools":[{"name":"b","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"web_search_20250305","name":"web_search"}],"messages":[\n'
  + '{"role":"user","content":"h\\u00e9"},{"role":"assistant","content":[{"type":"thinking","thinking":"1 < 2 \\/ \u4f60\u597d","signature":"EqQBCgIYAhIM\\/w=="},{"type":"redacted_thinking","data":"EmwK\\u002b"},'
  + '{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"z":1.0,"a":1e2,"a":-0}},{"type":"text","text":"\ud83d\ude00"}]},{"role":"user","content":[]}],\t"system":[{"text":"s","type":"text",'
  + '"cache_control":{"type":"ephemeral"}}],"model":"claude-x","output_config":{"effort":"low"},"container":null,"metadata":{"tags":[]},"a_field_of_tomorrow":{"b":[ 1 , 2 ]},"max_tokens":12345678901234567890}';

describe('a replayed conversation reaches the upstream byte for byte', () => {
  test.each(['/v1/messages', '/v1/messages/count_tokens', '/v1/messages/batches', '/v1/skills'])('on %s: signatures, order, white space, escapes and unknown fields (FR-20 to FR-27, FR-29, FR-30, FR-31)', async (path) => {
    const expected = Buffer.from(SECOND_TURN);
    expect(statusOf(await ask(gateway.port, { path, body: expected }))).toBe(200);
    expect(outbound().body.equals(expected)).toBe(true);
    expect(fieldValues(outbound().rawHeaders, 'content-length')).toEqual([String(expected.length)]);
  });
});

const CODINGS = [['gzip', gzipSync], ['br', brotliCompressSync], ['deflate', deflateSync], ['zstd', zstdCompressSync]] as const;

test.each(CODINGS)('a request body in %s is validated on a copy and forwarded as it came, with its coding (FR-32)', async (coding, encode) => {
  const encoded = encode(Buffer.from(SECOND_TURN));
  expect(statusOf(await ask(gateway.port, { fields: `${JSON_TYPE}Content-Encoding: ${coding}\r\n`, body: encoded }))).toBe(200);
  expect(outbound().body.equals(encoded)).toBe(true);
  expect(fieldValues(outbound().rawHeaders, 'content-encoding')).toEqual([coding]);
});

test('a prompt cache is written once and then read, and the metrics show both (FR-21, FR-22, FR-28)', async () => {
  await using simulator = await startSimulator();
  await using front = await startTestGateway(simulator.origin);
  const client = new Anthropic({ apiKey: 'k', baseURL: front.anthropic });
  const request = { model: 'sim-text', max_tokens: 20, system: [{ type: 'text' as const, text: 'long instructions '.repeat(500), cache_control: { type: 'ephemeral' as const } }], messages: [{ role: 'user' as const, content: 'hi' }] };
  const first = await client.messages.create(request);
  const second = await client.messages.create(request);
  expect(first.usage.cache_creation_input_tokens).toBeGreaterThan(100);
  expect([second.usage.cache_creation_input_tokens, second.usage.cache_read_input_tokens]).toEqual([0, first.usage.cache_creation_input_tokens]);
  await front.recorded(2);
  const labels = `side="native",model="${first.model}",client="anonymous"`;
  expect(await front.series(`penstock_tokens_total{${labels},type="cache_read"}`)).toBe(second.usage.cache_read_input_tokens);
});

describe('a compressed answer keeps its bytes, its coding and its length', () => {
  const message = JSON.stringify({ id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'x'.repeat(5_000) }], stop_reason: 'end_turn', usage: { input_tokens: 7, output_tokens: 3 } });

  test.each(CODINGS)('in %s, whole (FR-74, FR-75, FR-77)', async (coding, encode) => {
    const encoded = encode(Buffer.from(message));
    answer = wholeResponse(200, ['content-type', 'application/json', 'content-encoding', coding], encoded);
    const response = await ask(gateway.port, { fields: `${JSON_TYPE}Accept-Encoding: ${coding}\r\n`, body: '{}' });
    expect(response.body.equals(encoded)).toBe(true);
    expect(['content-encoding', 'content-length', 'transfer-encoding'].map((name) => fieldValues(response.rawHeaders, name))).toEqual([[coding], [String(encoded.length)], []]);
  });

  test('and fetch and the official client read it (FR-76, FR-78)', async () => {
    answer = wholeResponse(200, ['content-type', 'application/json', 'content-encoding', 'gzip'], gzipSync(message));
    expect(await (await fetch(`${gateway.anthropic}/v1/models`)).text()).toBe(message);
    const client = new Anthropic({ apiKey: 'k', baseURL: gateway.anthropic, maxRetries: 0 });
    expect((await client.messages.create({ model: 'm', max_tokens: 1, messages: [] })).usage.output_tokens).toBe(3);
  });

  test('and its usage is counted all the same, streamed or not (FR-79)', async () => {
    await using front = await startTestGateway(upstream.origin);
    const events = 'event: message_start\ndata: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":11,"output_tokens":1}}}\n\nevent: message_delta\ndata: {"type":"message_delta","delta":{},"usage":{"output_tokens":42}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n';
    answer = Buffer.concat([Buffer.from(STREAM_HEAD.replace('\r\n\r\n', '\r\nContent-Encoding: gzip\r\n\r\n')), chunk(gzipSync(events)), Buffer.from(LAST_CHUNK)]);
    await ask(front.port, { fields: `${JSON_TYPE}Accept-Encoding: gzip\r\n`, body: '{"stream":true}' });
    // A compressed answer is decoded beside the event loop, and recorded when that is done.
    await front.recorded(1);
    answer = wholeResponse(200, ['content-type', 'application/json', 'content-encoding', 'gzip'], gzipSync(message));
    await ask(front.port, { fields: `${JSON_TYPE}Accept-Encoding: gzip\r\n`, body: '{}' });
    expect((await front.recorded(2)).map(({ usage, usage_source: source }) => [source, (usage as { output: number }).output])).toEqual([['final', 42], ['final', 3]]);
  });
});

describe('sizes that other gateways refuse', () => {
  const ANSWER_BYTES = 40 * 1024 * 1024;
  let received = '';
  let server: Server;
  let front: TestGateway;
  beforeAll(async () => {
    // A server of Node's: large bodies are hashed as they come.
    server = createServer((request, response) => {
      const digest = createHash('sha256');
      request.on('data', (bytes: Buffer) => digest.update(bytes));
      request.on('end', () => {
        received = digest.digest('hex');
        response.end(request.method === 'GET' ? Buffer.alloc(ANSWER_BYTES, 0xe9) : '{}');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    front = await startTestGateway(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  afterAll(async () => {
    await front.close();
    server.close();
  });

  test.each([33_000, 70_000, 300_000, 5_000_000, 31_000_000])('a request of %i bytes crosses (FR-80, FR-81, FR-84)', async (size) => {
    const body = Buffer.from(`{"model":"m","messages":"${'a'.repeat(size)}"}`);
    expect(statusOf(await ask(front.port, { body }))).toBe(200);
    expect(received).toBe(createHash('sha256').update(body).digest('hex'));
  });

  test('a streamed upload without a length crosses whole (FR-82)', async () => {
    const digest = createHash('sha256');
    const connection = await openRawConnection(front.port);
    connection.send('POST /anthropic/v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (let index = 0; index < 100; index += 1) {
      const piece = Buffer.alloc(60_000, index);
      digest.update(piece);
      connection.send(chunk(piece));
    }
    connection.send(LAST_CHUNK);
    expect(statusOf(await connection.readMessage({ kind: 'response' }))).toBe(200);
    expect(received).toBe(digest.digest('hex'));
    connection.close();
  });

  test('an answer of 40 MB crosses (FR-83)', async () => {
    const response = await fetch(`${front.anthropic}/v1/files/f/content`);
    expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.alloc(ANSWER_BYTES, 0xe9))).toBe(true);
  });
});
