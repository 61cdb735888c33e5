import { Buffer } from 'node:buffer';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { assert, asyncProperty, array, constantFrom, jsonValue, nat, tuple } from 'fast-check';
import { fieldValues, openRawConnection, statusOf, type WireMessage } from '@penstock/test-support';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TestGateway } from '../start-test-gateway.ts';
import { findModel, referenceSplice } from './reference-splice.ts';
import { ask, entriesFor, OVERLOADED, SERVED, startAnswering, startGroupGateway, type TestUpstream } from './two-upstreams.ts';

const MAP = { 'claude-x': 'anthropic.claude-x', 'claude-y': 'arn:aws:bedrock:us-east-1:1:inference-profile/y"z' };

let upstream: TestUpstream;
let gateway: TestGateway;
let seen: number;

beforeAll(async () => {
  upstream = await startAnswering();
  gateway = await startGroupGateway(entriesFor([upstream.origin], [{ model_map: MAP }]));
});
afterAll(async () => {
  await Promise.all([gateway.close(), upstream.close()]);
});
beforeEach(() => { seen = upstream.requests.length; });

/** What arrived at the upstream with the map since the test began. */
function arrivals(): readonly WireMessage[] {
  return upstream.requests.slice(seen);
}

/** Sends a body in chunks of the chunked coding, each in a write of its own. */
async function sendChunks(chunks: readonly Uint8Array[], { path = '/v1/messages', port = gateway.port }: { readonly path?: string; readonly port?: number } = {}): Promise<{ readonly status: number; readonly answer: WireMessage }> {
  const connection = await openRawConnection(port);
  try {
    connection.send(`POST /anthropic${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`);
    for (const chunk of chunks) {
      if (chunk.length === 0) continue;
      connection.send(Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]));
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    connection.send('0\r\n\r\n');
    const answer = await connection.readMessage({ kind: 'response' });
    return { status: statusOf(answer), answer };
  } finally {
    connection.close();
  }
}

/** The bytes of a body whose value of `model` stands between ⟦ and ⟧, as they are sent and as they have to arrive. */
function marked(template: string, id = 'anthropic.claude-x'): { readonly sent: Buffer; readonly expected: Buffer } {
  const [before = '', value = '', after = ''] = template.split(/[⟦⟧]/u);
  return { sent: Buffer.from(before + value + after), expected: Buffer.from(before + JSON.stringify(id) + after) };
}

const LONG = 'x'.repeat(300_000);

describe('the name of a model', () => {
  test.each([
    ['first', '{"model":⟦"claude-x"⟧,"max_tokens":1,"messages":[]}'],
    ['last, with white space around it', '{ "max_tokens" : 1.50,\r\n\t"messages":[] , "model" :\n ⟦"claude-x"⟧\n}\r\n '],
    ['under an escaped name', '{"mod\\u0065l":⟦"claude-x"⟧,"messages":[]}'],
    ['with escapes', '{"messages":[],"model":⟦"\\u0063l\\u0061ude\\u002dx"⟧}'],
    ['that has to be escaped upstream', '{"model":⟦"claude-y"⟧}', MAP['claude-y']],
    ['behind others of that name in texts and inner objects', '{"messages":[{"model":"claude-x","content":"\\"model\\":\\"claude-x\\""}],"x":{"model":"claude-x"},"model":⟦"claude-x"⟧}'],
    ['beside what re-serialising would change', '{"a":12345678901234567890,"a":1.50,"b":"\\/\\u00e9é€😀","model":⟦"claude-x"⟧,"c":-0,"d":1E400}'],
    ['before a long text', `{"model":⟦"claude-x"⟧,"system":"${LONG}"}`],
    ['behind a long text', `{"system":"${LONG}","model":⟦"claude-x"⟧}`],
    ['behind a long text, of a stream', `{"stream":true,"system":"${LONG}","model":⟦"claude-x"⟧}`],
  ])('%s: only its bytes are replaced', async (_where, template, id = MAP['claude-x']) => {
    const { sent, expected } = marked(template, id);
    const answer = await ask(gateway, { body: sent.toString() });
    expect([answer.status, await answer.text()]).toEqual([200, SERVED().toString().split('\r\n\r\n')[1]]);
    const [arrived] = arrivals();
    expect(arrived?.body.equals(expected)).toBe(true);
    expect(fieldValues(arrived?.rawHeaders ?? [], 'content-length')).toEqual([String(expected.length)]);
  });

  test('is replaced wherever a chunk ends in it or near it, and byte by byte', async () => {
    const { sent, expected } = marked('{"max_tokens":1,"mod\\u0065l" : ⟦"cl\\u0061ude-x"⟧ ,"messages":[]}');
    const { start, end } = findModel(sent);
    for (let cut = start - 8; cut <= end + 2; cut += 1) {
      expect([cut, (await sendChunks([sent.subarray(0, cut), sent.subarray(cut)])).status]).toEqual([cut, 200]);
      expect(upstream.requests.at(-1)?.body.toString()).toBe(expected.toString());
    }
    await sendChunks(Array.from(sent, (_, index) => sent.subarray(index, index + 1)));
    expect(upstream.requests.at(-1)?.body.toString()).toBe(expected.toString());
  });

  test('is replaced as a reference replaces it, in any body and however it is cut', async () => {
    const name = constantFrom('"model"', '"mod\\u0065l"', '"\\u006dodel"');
    const value = constantFrom('"claude-x"', '"claude\\u002dx"', '"\\u0063laude-x"');
    const gap = constantFrom('', ' ', '\r\n', '\t ');
    const members = array(tuple(constantFrom('messages', 'metadata', 'système', 'x'), jsonValue()), { maxLength: 4 });
    await assert(asyncProperty(members, members, name, value, gap, array(nat(), { maxLength: 5 }), async (before, after, written, model, space, places) => {
      const list = (pairs: readonly (readonly [string, unknown])[]): string[] => pairs.map(([key, content]) => `${JSON.stringify(key)}${space}:${JSON.stringify(content)}`);
      const sent = Buffer.from(`{${[...list(before), `${written}${space}:${space}${model}`, ...list(after)].join(`${space},`)}}`);
      const edges = [0, ...places.map((place) => place % sent.length).toSorted((left, right) => left - right), sent.length];
      expect((await sendChunks(edges.slice(1).map((edge, index) => sent.subarray(edges[index], edge)))).status).toBe(200);
      expect(upstream.requests.at(-1)?.body.toString('latin1')).toBe(referenceSplice(sent, MAP['claude-x']).toString('latin1'));
    }), { numRuns: 60 });
  });

  test('is replaced where it is as long as a name may be, with every character escaped', async () => {
    const name = 'claude-'.padEnd(160, 'x');
    await using long = await startGroupGateway(entriesFor([upstream.origin], [{ model_map: { [name]: 'y'.repeat(256) } }]));
    const escaped = Array.from(name, (character) => `\\u00${character.charCodeAt(0).toString(16)}`).join('');
    const { sent, expected } = marked(`{"system":"x","model":⟦"${escaped}"⟧}`, 'y'.repeat(256));
    for (const cut of [15, 500, 974, 976]) {
      expect((await sendChunks([sent.subarray(0, cut), sent.subarray(cut)], { port: long.port })).status).toBe(200);
      expect(upstream.requests.at(-1)?.body.toString()).toBe(expected.toString());
    }
  });

  test('is replaced where tokens are counted, too', async () => {
    const answer = await ask(gateway, { path: '/v1/messages/count_tokens' });
    expect([answer.status, arrivals()[0]?.body.toString()]).toEqual([200, '{"model":"anthropic.claude-x","max_tokens":9,"messages":[]}']);
  });

  test('takes the digests of the client\'s body with it', async () => {
    const digests = { 'content-digest': 'sha-256=:AA==:', 'content-md5': 'AA==' };
    await ask(gateway, { headers: { ...digests, 'anthropic-beta': 'b' } });
    const { rawHeaders = [] } = arrivals()[0] ?? {};
    expect(['content-digest', 'content-md5', 'anthropic-beta'].map((field) => fieldValues(rawHeaders, field))).toEqual([[], [], ['b']]);
    expect(await gateway.series('penstock_headers_dropped_total{direction="request",reason="framing"}')).toBeGreaterThanOrEqual(2);
  });
});

describe('a body in which no name can be replaced', () => {
  test.each<[string, string | Buffer, number, RegExp]>([
    ['without a model', '{"messages":[]}', 400, /no readable \\"model\\"/],
    ...['1', 'null', 'true', '{}', '["claude-x"]'].map((value): [string, string, number, RegExp] => [`with the model ${value}`, `{"model":${value}}`, 400, /no readable \\"model\\"/]),
    ['with a model of 1 MB', `{"model":"${'x'.repeat(1_000_000)}"}`, 400, /no readable \\"model\\"/],
    ['with a model that no upstream serves', '{"model":"claude-z"}', 400, /No upstream of this gateway serves this model/],
    ['with the upstream\'s own name', '{"model":"anthropic.claude-x"}', 400, /No upstream of this gateway serves this model/],
    ['with a name of an object\'s prototype', '{"model":"constructor"}', 400, /No upstream of this gateway serves this model/],
    ['with two models', '{"model":"claude-x","model":"claude-x"}', 400, /more than one top-level \\"model\\"/],
    ['with two models, one under an escaped name', '{"model":"claude-x","m\\u006fdel":"other"}', 400, /more than one top-level \\"model\\"/],
    ['with a byte order mark', Buffer.from('\ufeff{"model":"claude-x"}'), 400, /not valid JSON/],
    ['with a fallback', '{"model":"claude-x","fallbacks":[{"model":"claude-y"}]}', 400, /\\"fallbacks\[\]\.model\\" are not replaced/],
    ['with a fallback that is a name', '{"model":"claude-x","fallbacks":["claude-y"]}', 400, /\\"fallbacks\[\]\\" are not replaced/],
    ['with a tool of another model', '{"tools":[{"name":"t"},{"model":"claude-y"}],"model":"claude-x"}', 400, /\\"tools\[\]\.model\\" are not replaced/],
  ])('%s: is refused before an upstream is chosen', async (_what, body, status, sentence) => {
    const { answer } = await sendChunks([Buffer.from(body)]);
    expect([statusOf(answer), answer.body.toString()]).toEqual([status, expect.stringMatching(sentence)]);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
    expect(arrivals()).toEqual([]);
  });

  const TEXT = Buffer.from('{"model":"claude-x","messages":[]}');
  const CODINGS = [['gzip', gzipSync(TEXT)], ['br', brotliCompressSync(TEXT)], ['deflate', deflateSync(TEXT)], ['zstd', zstdCompressSync(TEXT)]] as const;

  test.each(CODINGS)('compressed with %s: is 415, or goes to an upstream without a map, as it is', async (coding, body) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': coding };
    const refused = await fetch(`${gateway.anthropic}/v1/messages`, { method: 'POST', body: new Uint8Array(body), headers });
    expect([refused.status, refused.headers.get('accept-encoding'), await refused.json()]).toMatchObject([415, 'identity', { error: { message: expect.stringContaining('compressed body') as string } }]);
    expect(arrivals()).toEqual([]);
    await using plain = await startAnswering();
    await using both = await startGroupGateway(entriesFor([upstream.origin, plain.origin], [{ model_map: MAP }]));
    expect((await fetch(`${both.anthropic}/v1/messages`, { method: 'POST', body: new Uint8Array(body), headers })).status).toBe(200);
    expect([arrivals().length, plain.requests[0]?.body.equals(body)]).toEqual([0, true]);
  });

  test('with further models, or of a batch: goes to an upstream without a map, as it is', async () => {
    await using plain = await startAnswering();
    await using both = await startGroupGateway(entriesFor([upstream.origin, plain.origin], [{ model_map: MAP }]), { routing: { stateful: 'b' } });
    const bodies = ['{"model":"claude-x","fallbacks":[{"model":"claude-y"}]}', '{"requests":[{"custom_id":"1","params":{"model":"claude-x"}}]}'];
    expect((await ask(both, { body: bodies[0] })).status).toBe(200);
    expect((await ask(both, { body: bodies[1], path: '/v1/messages/batches' })).status).toBe(200);
    expect([arrivals().length, ...plain.requests.map(({ body }) => body.toString())]).toEqual([0, ...bodies]);
  });

  test('of a batch, where the upstream of batches has a map: is refused; batches that are there can be read', async () => {
    const refused = await ask(gateway, { body: '{"requests":[]}', path: '/v1/messages/batches' });
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: { type: 'invalid_request_error', message: expect.stringContaining('Batches cannot be created') as string } }]);
    expect(arrivals()).toEqual([]);
    expect((await fetch(`${gateway.anthropic}/v1/messages/batches/b_1`)).status).toBe(200);
  });
});

describe('upstreams with several names for a model', () => {
  const failOver = { fail_over_on: [529], cool_down: [0.001, 0.001] };

  test.each([['small', ''], ['long', LONG]])('get a %s body each with its own, and the last without a map the client\'s bytes, on the way there and back', async (_size, text) => {
    const upstreams = await Promise.all([OVERLOADED, OVERLOADED, SERVED].map((answer) => startAnswering(answer)));
    await using several = await startGroupGateway(entriesFor(upstreams.map(({ origin }) => origin), [{ model_map: { 'claude-x': 'first-name-of-x' } }, {}, { model_map: { 'claude-x': 'x3' } }]), { routing: failOver });
    const { sent } = marked(`{"stream":true,"system":"${text}","model":⟦"claude-x"⟧,"messages":[]}`);
    expect((await ask(several, { body: sent.toString() })).status).toBe(200);
    const arrived = upstreams.map(({ requests: [request] }) => [request?.body.toString(), fieldValues(request?.rawHeaders ?? [], 'content-length')]);
    const expected = [referenceSplice(sent, 'first-name-of-x'), sent, referenceSplice(sent, 'x3')];
    expect(arrived).toEqual(expected.map((body) => [body.toString(), [String(body.length)]]));
    expect(await several.recorded(1)).toMatchObject([{ upstream: 'c', failovers: ['a:status_529', 'b:status_529'], requested_model: 'claude-x' }]);
    await expect.poll(() => several.series('penstock_buffered_bytes{side="native"}'), { timeout: 30_000 }).toBe(0);
    await Promise.all(upstreams.map((one) => one.close()));
  });

  test('that serve different models are chosen by them', async () => {
    await using second = await startAnswering();
    await using both = await startGroupGateway(entriesFor([upstream.origin, second.origin], [{ tier: 0, model_map: { 'claude-x': 'x1' } }, { tier: 0, model_map: { 'claude-y': 'y2' } }]));
    for (const model of ['claude-x', 'claude-y', 'claude-x', 'claude-y']) expect((await ask(both, { body: { model } })).status).toBe(200);
    expect([arrivals(), second.requests].map((requests) => requests.map(({ body }) => body.toString()))).toEqual([Array(2).fill('{"model":"x1"}'), Array(2).fill('{"model":"y2"}')]);
  });

  test('that keep an account\'s files get their own name of the model, too, or the request is refused', async () => {
    await using plain = await startAnswering();
    await using both = await startGroupGateway(entriesFor([plain.origin, upstream.origin], [{}, { model_map: MAP }]), { routing: { stateful: 'b' } });
    const headers = { 'anthropic-beta': 'files-api-2025-04-14' };
    expect((await ask(both, { headers })).status).toBe(200);
    expect((await ask(both, { headers, body: { model: 'claude-z' } })).status).toBe(400);
    expect([plain.requests.length, arrivals().map(({ body }) => body.toString())]).toEqual([0, ['{"model":"anthropic.claude-x","max_tokens":9,"messages":[]}']]);
  });
});
