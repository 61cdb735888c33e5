import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { answerAlways, fieldValues, openRawConnection, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';

const MIB = 1024 * 1024;
const CODINGS = [['gzip', gzipSync], ['deflate', deflateSync], ['br', brotliCompressSync], ['zstd', zstdCompressSync], ['GZIP', gzipSync]] as const;
const MESSAGE = Buffer.from(JSON.stringify({ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-x', content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn', usage: { input_tokens: 1, output_tokens: 1 } }));

let claude: ScriptedUpstream;
let other: ScriptedUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  claude = await startScriptedUpstream(answerAlways(() => wholeResponse(200, ['content-type', 'application/json'], MESSAGE)));
  other = await startScriptedUpstream(answerAlways(() => wholeResponse(200, ['content-type', 'application/json'], Buffer.from('{}'))));
  gateway = await startTestGateway(claude.origin, {
    openai_front_door: {
      backends: [{ name: 'claude', kind: 'anthropic', base_url: claude.origin, api_key: 'k' }, { name: 'other', kind: 'openai', base_url: `${other.origin}/v1`, api_key: 'k' }],
      models: [{ model: 'claude-*', backend: 'claude' }, { model: '*', backend: 'other' }],
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await claude.close();
  await other.close();
});

const chat = (model: string, content: string): Buffer => Buffer.from(JSON.stringify({ model, messages: [{ role: 'user', content }] }));

async function post(body: Buffer, coding: string, path = '/v1/chat/completions'): Promise<WireMessage> {
  const connection = await openRawConnection(gateway.port);
  connection.send(Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Encoding: ${coding}\r\nContent-Length: ${body.length}\r\n\r\n`), body]));
  const response = await connection.readMessage({ kind: 'response' });
  connection.close();
  return response;
}

const errorOf = (response: WireMessage): unknown => [statusOf(response), (JSON.parse(response.body.toString()) as { readonly error: { readonly code: string } }).error.code];

// 200 KB is read on the thread of large bodies, once it is decoded.
describe.each([['small', 'Grüße'], ['large', 'Grüße '.repeat(30_000)]])('a %s request', (_size, content) => {
  test.each(CODINGS)('in %s is translated from what it holds', async (coding, encode) => {
    expect(statusOf(await post(encode(chat('claude-x', content)), coding))).toBe(200);
    const sent = claude.requests.at(-1);
    expect(JSON.parse(sent?.body.toString() ?? '')).toMatchObject({ model: 'claude-x', messages: [{ content: [{ text: content }] }] });
    expect(fieldValues(sent?.rawHeaders ?? [], 'content-encoding')).toEqual([]);
  });

  test.each(CODINGS)('in %s is relayed as it came, with its coding', async (coding, encode) => {
    for (const path of ['/v1/chat/completions', '/v1/embeddings']) {
      const encoded = encode(chat('gpt-x', content));
      expect(statusOf(await post(encoded, coding, path))).toBe(200);
      const sent = other.requests.at(-1);
      expect(sent?.body.equals(encoded)).toBe(true);
      expect([fieldValues(sent?.rawHeaders ?? [], 'content-encoding'), fieldValues(sent?.rawHeaders ?? [], 'content-length')]).toEqual([[coding], [String(encoded.length)]]);
    }
  });
});

test.each(['lzma', 'gzip, gzip', 'compress'])('a request in %s is a 415 that names the codings it may have', async (coding) => {
  const response = await post(chat('claude-x', 'x'), coding);
  expect(errorOf(response)).toEqual([415, 'unsupported_media_type']);
  expect(fieldValues(response.rawHeaders, 'accept-encoding')).toEqual(['gzip, deflate, br, zstd']);
});

test.each(CODINGS)('a body that is no %s, is cut, continues behind its end or holds no JSON is refused', async (coding, encode) => {
  const encoded = encode(chat('claude-x', 'Hello '.repeat(100)));
  const before = claude.requests.length;
  for (const body of [Buffer.from('this was never compressed'), encoded.subarray(0, -5), Buffer.concat([encoded, encoded.subarray(0, 3)])]) expect(errorOf(await post(body, coding))).toEqual([400, 'bad_request']);
  expect(errorOf(await post(encode(Buffer.from('{"model":')), coding))).toEqual([400, 'invalid_json']);
  expect(claude.requests.length).toBe(before);
});

test.each([['gzip', gzipSync(Buffer.alloc(200 * MIB, 0x20))], ['zstd', zstdCompressSync(Buffer.alloc(200 * MIB, 0x20))]])('200 MB in a small body of %s is a 413, and no memory is taken for more than its limit', async (coding, bomb) => {
  const before = process.memoryUsage().rss;
  expect(errorOf(await post(bomb, coding))).toEqual([413, 'too_large']);
  expect(process.memoryUsage().rss - before).toBeLessThan(128 * MIB);
});

test('both forms of a compressed body count in the budget of request bytes, which gets them back', async () => {
  await using small = await startTestGateway(claude.origin, { openai_front_door: { max_buffered_bytes: 1_048_576 } });
  const ask = (bytes: number): Promise<Response> => fetch(`${small.origin}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, body: gzipSync(chat('claude-x', 'x'.repeat(bytes))) });
  const refused = await ask(2 * MIB);
  expect([refused.status, refused.headers.get('x-penstock-error')]).toEqual([429, 'overloaded']);
  expect((await ask(MIB / 2)).status).toBe(200);
  expect((await ask(MIB / 2)).status).toBe(200);
});
