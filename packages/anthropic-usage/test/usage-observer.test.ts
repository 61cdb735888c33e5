import { brotliCompressSync, constants, createBrotliCompress, createDeflate, createGzip, createZstdCompress, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadRecordings, readEvents, recordingsFolder, type Recording } from '@penstock/test-support';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createUsageObserver, type UsageObserverOptions, type UsageResult } from '../src/index.ts';

const SSE = ['Content-Type', 'text/event-stream; charset=utf-8'];
const JSON_HEAD = ['content-type', 'application/json'];

interface ReadUsage extends UsageResult { readonly errors: readonly string[] }

async function readUsage(rawHeaders: readonly string[], body: Uint8Array, how = 'complete', options: UsageObserverOptions = {}): Promise<ReadUsage> {
  const errors: string[] = [];
  let told: UsageResult | undefined;
  const observer = createUsageObserver({
    ...options,
    onUsage: (result) => { told = result; },
    onError: (error) => { errors.push(error instanceof Error && 'code' in error ? String(error.code) : String(error)); },
  });
  observer.onHead(200, rawHeaders);
  for (let offset = 0; offset < body.length; offset += 1000) {
    const chunk = Uint8Array.from(body.subarray(offset, offset + 1000));
    observer.onChunk(chunk);
    chunk.fill(0);
  }
  await observer.onEnd(how);
  expect(told).toEqual(observer.result());
  return { ...observer.result(), errors };
}

type Json = Record<string, unknown>;
const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null;
const object = (value: unknown): Json => (isJson(value) ? value : {});
const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
const parse = (text: string): Json => object(JSON.parse(text));

/** The recorded truth, computed without any of the code under test: parse everything, lay the usages over each other. */
function truthOf(usages: readonly Json[]): { input: number; output: number; cacheRead: number; cacheWrites: number; cacheWrite1h: number; thinking: number | undefined; serverTools: Json } {
  const laid = usages.reduce((merged, next) => ({ ...merged, ...next }), {});
  const iterations = Array.isArray(laid['iterations']) ? laid['iterations'].map(object) : [];
  const sumOf = (name: string): Json => (iterations.length === 0 ? {} : { [name]: iterations.reduce((sum, entry) => sum + number(entry[name]), 0) });
  const usage = { ...laid, ...sumOf('input_tokens'), ...sumOf('output_tokens'), ...sumOf('cache_read_input_tokens'), ...sumOf('cache_creation_input_tokens') };
  const thinking = object(usage['output_tokens_details'])['thinking_tokens'];
  return {
    input: number(usage['input_tokens']), output: number(usage['output_tokens']), cacheRead: number(usage['cache_read_input_tokens']),
    cacheWrites: number(usage['cache_creation_input_tokens']), cacheWrite1h: number(object(usage['cache_creation'])['ephemeral_1h_input_tokens']),
    thinking: typeof thinking === 'number' ? thinking : undefined, serverTools: object(usage['server_tool_use']),
  };
}

function asTruth({ usage }: UsageResult): ReturnType<typeof truthOf> {
  return {
    input: usage.input, output: usage.output, cacheRead: usage.cacheRead, cacheWrites: usage.cacheWrite5m + usage.cacheWrite1h,
    cacheWrite1h: usage.cacheWrite1h, thinking: usage.thinking, serverTools: usage.serverToolRequests,
  };
}

function eventsOf(recording: Recording): Json[] {
  return readEvents(recording.body).events.map(({ data }) => parse(data));
}

const streams = loadRecordings('sse', 'transcripts');
const bodies = loadRecordings('json', 'error');

describe.skipIf(streams.length === 0)('the usage of the recordings (skipped where there are none)', () => {
  it.each(streams.map((recording) => [recording.name, recording] as const))('is the recorded truth of %s', async (_, recording) => {
    const events = eventsOf(recording);
    const usages = events.map((event) => object(event['usage'] ?? object(event['message'])['usage']));
    const result = await readUsage(SSE, recording.body);
    expect(asTruth(result)).toEqual(truthOf(usages));
    expect(result.model).toBe(object(events[0]?.['message'])['model']);
    expect(result.stopReason).toBe(object(events.find((event) => event['type'] === 'message_delta')?.['delta'])['stop_reason']);
    expect(result).toMatchObject({ source: 'final', sawStop: events.at(-1)?.['type'] === 'message_stop', sawErrorEvent: false, errors: [] });
  });

  it.each(streams.map((recording) => [recording.name, recording] as const))('is partial when %s is cut before its last usage', async (_, recording) => {
    const cut = recording.body.lastIndexOf('event: message_delta');
    const result = await readUsage(SSE, recording.body.subarray(0, cut + 40), 'client_gone');
    expect(asTruth(result)).toEqual(truthOf([object(object(eventsOf(recording)[0]?.['message'])['usage'])]));
    expect(result).toMatchObject({ source: 'partial', sawStop: false, errors: [] });
  });

  it('is the same of the compressed wire bytes', async () => {
    const compressed = streams.filter(({ gzip }) => gzip !== undefined);
    expect(compressed.length).toBeGreaterThan(0);
    for (const { body, gzip } of compressed) {
      expect(await readUsage([...SSE, 'Content-Encoding', 'gzip'], gzip ?? body)).toEqual(await readUsage(SSE, body));
    }
  });

  it.each(bodies.map((recording) => [recording.name, recording] as const))('is the recorded truth of %s', async (_, { body, gzip }) => {
    const message = parse(body.toString('utf8'));
    const result = await readUsage(JSON_HEAD, body);
    const error = object(message['error'])['type'];
    expect(asTruth(result)).toEqual(truthOf([object(message['usage'])]));
    expect(result).toMatchObject({ source: isJson(message['usage']) ? 'final' : 'missing', sawStop: true, errors: [] });
    expect([result.model, result.errorType, result.stopReason]).toEqual([message['model'], error, message['stop_reason']]);
    if (gzip !== undefined) expect(await readUsage([...JSON_HEAD, 'content-encoding', 'gzip'], gzip)).toEqual(result);
  });
});

const event = (name: string, data: unknown): string => `event: ${name}\ndata: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
const start = (usage: Json, more: Json = {}): string => event('message_start', { type: 'message_start', message: { model: 'claude-x', usage, ...more } });
const delta = (usage: Json, stopReason: string | null = 'end_turn'): string => event('message_delta', { delta: { stop_reason: stopReason }, usage });
const STOP = event('message_stop', { type: 'message_stop' });
const of = (text: string): Buffer => Buffer.from(text);

/** A stream whose events were recorded one a line. */
function recordedChunks(name: string): Buffer | undefined {
  const folder = recordingsFolder();
  const file = folder === undefined ? undefined : join(folder, 'chunks', `${name}.chunks.txt`);
  if (file === undefined || !existsSync(file)) return undefined;
  return of(readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => event(String(parse(line)['type']), line)).join(''));
}

const iteration = (type: string, input: number, output: number, more: Json = {}): Json => ({ type, input_tokens: input, output_tokens: output, ...more });

describe('usage.iterations', () => {
  const compaction = recordedChunks('anthropic-compaction.1');
  const advisor = recordedChunks('anthropic-advisor-20250301.1');

  it.skipIf(compaction === undefined)('usage.iterations: those of a recorded compaction add up to the billed usage (skipped where there are no recordings)', async () => {
    expect(await readUsage(SSE, compaction ?? of(''))).toMatchObject({ usage: { input: 60_997, output: 3_341 }, source: 'final' });
  });

  it.skipIf(advisor === undefined)('of a recorded advisor add up, and its part is its model\'s', async () => {
    const { usage } = await readUsage(SSE, advisor ?? of(''));
    expect(usage).toMatchObject({ input: 1_051 + 2_728 + 3_676, output: 35 + 3_880 + 3_356 });
    expect(usage.byModel?.map(({ model, tokens }) => [model, tokens.input, tokens.output])).toEqual([[undefined, 4_727, 3_391], ['claude-opus-4-7', 2_728, 3_880]]);
  });

  const usageWith = (iterations: unknown): Json => ({ input_tokens: 23_000, output_tokens: 1_000, iterations });
  const COMPACTION = [
    iteration('compaction', 180_000, 3_500, { cache_read_input_tokens: 7, cache_creation_input_tokens: 30, cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 } }),
    iteration('message', 23_000, 1_000, { model: null }),
  ];
  const EXPECTED = { input: 203_000, output: 4_500, cacheRead: 7, cacheWrite5m: 10, cacheWrite1h: 20 };

  it('add up over a compaction, in a stream as in JSON (the top level leaves the summary out)', async () => {
    const streamed = await readUsage(SSE, of(start({ input_tokens: 180_000, output_tokens: 1 }) + delta(usageWith(COMPACTION)) + STOP));
    const whole = await readUsage(JSON_HEAD, of(JSON.stringify({ type: 'message', model: 'claude-x', stop_reason: 'end_turn', usage: usageWith(COMPACTION) })));
    const entries = [
      { tokens: { input: 180_000, output: 3_500, cacheRead: 7, cacheWrite5m: 10, cacheWrite1h: 20 } }, { tokens: { input: 23_000, output: 1_000, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 } },
    ];
    expect([streamed.usage, whole.usage]).toEqual([{ ...EXPECTED, entries, serverToolRequests: {} }, { ...EXPECTED, entries, serverToolRequests: {} }]);
  });

  it('keeps 64 entries apart, each with its model, and adds the rest to the last one (a price is rounded entry by entry)', async () => {
    const { usage } = await readUsage(JSON_HEAD, of(JSON.stringify({ usage: usageWith(Array.from({ length: 100 }, (_, index) => iteration('message', 1, 1, index === 1 ? { model: 'm' } : {}))) })));
    expect([usage.entries?.length, usage.entries?.[1]?.model, usage.entries?.at(-1)?.tokens.input, usage.entries?.reduce((sum, { tokens }) => sum + tokens.output, 0)]).toEqual([64, 'm', 37, 100]);
  });

  it('leave out a fallback that was declined before it wrote anything, and give the rest to the models they name', async () => {
    const { usage } = await readUsage(JSON_HEAD, of(JSON.stringify({ model: 'claude-b', usage: usageWith([iteration('message', 500, 0, { model: 'claude-a' }), iteration('message', 40, 3, { model: 'claude-b' }), iteration('fallback_message', 500, 60, { model: 'claude-b' })]) })));
    expect(usage).toMatchObject({ input: 540, output: 63, byModel: [{ model: 'claude-b', tokens: { input: 540, output: 63 } }] });
  });

  it.each([[[]], [null], ['x'], [[1, 'x', null]]])('usage.iterations: empty ones leave the top level unchanged: %j', async (iterations) => {
    expect((await readUsage(JSON_HEAD, of(JSON.stringify({ usage: usageWith(iterations) })))).usage).toMatchObject({ input: 23_000, output: 1_000 });
  });

  it('of more models than a message can have are the message\'s own (a label of each costs memory)', async () => {
    const { usage } = await readUsage(JSON_HEAD, of(JSON.stringify({ usage: usageWith(Array.from({ length: 100 }, (_, index) => iteration('message', 1, 1, { model: `m-${index}` }))) })));
    expect([usage.input, usage.byModel?.length, usage.byModel?.find(({ model }) => model === undefined)?.tokens.input]).toEqual([100, 17, 84]);
  });
});

describe('what decides a price', () => {
  it('is read of the usage: tier, place and speed, the last word of a stream', async () => {
    const { usage } = await readUsage(SSE, of(start({ input_tokens: 1, service_tier: 'standard', inference_geo: 'not_available' }) + delta({ output_tokens: 1, inference_geo: 'us', speed: 'fast' }) + STOP));
    expect([usage.serviceTier, usage.inferenceGeo, usage.speed]).toEqual(['standard', 'us', 'fast']);
  });
});

describe('the text that a model wrote', () => {
  const measured = async (headers: readonly string[], body: Uint8Array, how = 'complete', options: UsageObserverOptions = {}): Promise<number | undefined> => (await readUsage(headers, body, how, { measuresText: true, ...options })).textBytes;
  const written = (deltaOf: Json): string => event('content_block_delta', { index: 0, delta: deltaOf });

  it('is counted in bytes: text, tool input and thinking, and not what tools found', async () => {
    const found = event('content_block_start', { index: 1, content_block: { type: 'web_search_tool_result', content: 'x'.repeat(1_000) } });
    const body = start({ input_tokens: 1, output_tokens: 1 }) + written({ type: 'text_delta', text: 'héé' }) + written({ type: 'input_json_delta', partial_json: '{"a":' }) + written({ type: 'thinking_delta', thinking: 'hm' }) + found;
    expect(await measured(SSE, of(body))).toBe(5 + 5 + 2);
  });

  it('is the same of deltas in the API\'s own spelling, which are not parsed, as of any other', async () => {
    const plain = (type: string, member: string, text: string, index: number, padding: string): string =>
      event('content_block_delta', `{"type":"content_block_delta","index":${index},"delta":{"type":"${type}","${member}":${JSON.stringify(text)}}${padding}}`);
    const texts = fc.string({ unit: fc.constantFrom('a', ' ', '"', '\\', '\n', '\t', 'é', '€', '😀', '{', '}', 'u', '\ud800') });
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(texts, fc.boolean(), fc.nat(1_200), fc.constantFrom('', '     ')), { maxLength: 8 }), async (deltas) => {
      const spelled = deltas.map(([text, isTool, index, padding]) => (isTool ? plain('input_json_delta', 'partial_json', text, index, padding) : plain('text_delta', 'text', text, index, padding))).join('');
      const otherwise = deltas.map(([text, isTool]) => written(isTool ? { partial_json: text } : { text })).join('');
      expect(await measured(SSE, of(start({}) + spelled))).toBe(await measured(SSE, of(start({}) + otherwise)));
    }));
  });

  it.each([
    ['{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"abc', 1, 'all'], ['{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"abc"}', 0, 5],
    ['{"type":"content_block_delta","index":0', 1, 'all'], ['{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"abc","text":"abcd"}}', 0, 6],
  ])('of a delta that is cut off or spelled in another way is what can be read: %s', async (data, failures, bytes) => {
    const body = of(start({}) + event('content_block_delta', data) + written({ type: 'text_delta', text: 'xy' }));
    const { errors, textBytes } = await readUsage(SSE, body, 'complete', { measuresText: true });
    // A stream that could not be read counts as a whole.
    expect([errors.length, textBytes]).toEqual([failures, bytes === 'all' ? body.length : bytes]);
  });

  it('is as long as its signature where thinking is hidden, and not twice where it is shown', async () => {
    const signature = written({ type: 'signature_delta', signature: 's'.repeat(400) });
    expect(await measured(SSE, of(start({}) + signature))).toBe(400);
    expect(await measured(SSE, of(start({}) + written({ type: 'thinking_delta', thinking: 't'.repeat(500) }) + signature))).toBe(500);
  });

  it('is the same of a compressed stream that was cut', async () => {
    const body = gzipSync(start({}) + written({ type: 'text_delta', text: 'x'.repeat(5_000) }), { level: 0 });
    const seen = await measured([...SSE, 'content-encoding', 'gzip'], body, 'client_gone');
    expect(seen).toBe(5_000);
  });

  it.each([
    ['gzip', () => createGzip({ flush: constants.Z_SYNC_FLUSH })], ['deflate', () => createDeflate({ flush: constants.Z_SYNC_FLUSH })],
    ['br', () => createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH })], ['zstd', () => createZstdCompress({ flush: constants.ZSTD_e_flush })],
  ] as const)('is counted to the last byte of a stream in %s that is cut while its copy is still being decoded', async (coding, createEncoder) => {
    const encoder = createEncoder();
    const encoded: Buffer[] = [];
    encoder.on('data', (bytes: Buffer) => { encoded.push(bytes); });
    for (let piece = 0; piece < 30; piece += 1) await new Promise<void>((resolve) => { encoder.write(written({ type: 'text_delta', text: 'x'.repeat(100) }), () => resolve()); });
    await new Promise((resolve) => { setImmediate(resolve); });
    const observer = createUsageObserver({ measuresText: true });
    observer.onHead(200, [...SSE, 'content-encoding', coding]);
    for (const chunk of encoded) observer.onChunk(chunk);
    await observer.onEnd('upstream_failed');
    expect(observer.result().textBytes).toBe(3_000);
  });

  it('is all of a JSON body, decoded, whole or cut', async () => {
    const body = of(JSON.stringify({ content: 'x'.repeat(5_000) }));
    expect(await measured(JSON_HEAD, body)).toBe(body.length);
    expect(await measured(JSON_HEAD, body.subarray(0, 3_000), 'client_gone')).toBe(3_000);
    expect(await measured([...JSON_HEAD, 'content-encoding', 'br'], brotliCompressSync(body))).toBe(body.length);
  });

  it('is every byte of a body that could not be read, times 4 where it is compressed', async () => {
    expect(await measured(['content-type', 'text/plain'], of('x'.repeat(100)))).toBe(100);
    expect(await measured([...JSON_HEAD, 'content-encoding', 'snappy'], of('x'.repeat(100)))).toBe(400);
    const large = of(start({}) + written({ type: 'text_delta', text: 'x'.repeat(5_000) }));
    expect(await measured(SSE, large, 'complete', { maxEventBytes: 1_000 })).toBe(large.length);
  });

  it('is not looked at unless it is asked for', async () => {
    expect(await readUsage(SSE, of(start({}) + written({ type: 'text_delta', text: 'x' })))).not.toHaveProperty('textBytes');
  });
});

it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('a media type of %s is none that is read, and no error', async (type) => {
  expect(await readUsage(['content-type', type], of('{"usage":{"input_tokens":1}}'))).toMatchObject({ source: 'missing', errors: [] });
});

describe('createUsageObserver', () => {
  it('overwrites cumulative counts field by field and never adds them', async () => {
    const result = await readUsage(SSE, of(start({ input_tokens: 10, output_tokens: 1, cache_read_input_tokens: 5 }) + delta({ output_tokens: 7 }, null) + delta({ output_tokens: 20, input_tokens: 12 }) + STOP));
    expect(result).toMatchObject({ usage: { input: 12, output: 20, cacheRead: 5 }, source: 'final', model: 'claude-x', stopReason: 'end_turn' });
  });

  it.each([
    ['a split', { cache_creation_input_tokens: 30, cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 } }, {}, 10, 20],
    ['no split: all of it is the default 5 minutes', { cache_creation_input_tokens: 30 }, {}, 30, 0],
    ['a split alone', { cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 } }, {}, 10, 20],
    ['a total that grew after the split', { cache_creation_input_tokens: 30, cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 } }, { cache_creation_input_tokens: 35 }, 15, 20],
  ])('reads cache writes from %s', async (_, first, last, fiveMinutes, oneHour) => {
    const { usage } = await readUsage(SSE, of(start(first) + delta({ output_tokens: 1, ...last }) + STOP));
    expect([usage.cacheWrite5m, usage.cacheWrite1h]).toEqual([fiveMinutes, oneHour]);
  });

  it('keeps server tools and thinking tokens apart from the billed counts', async () => {
    const { usage } = await readUsage(SSE, of(start({ input_tokens: 1, service_tier: 'batch' }) + delta({ output_tokens: 9, output_tokens_details: { thinking_tokens: 4 }, server_tool_use: { web_search_requests: 2, __proto__x: 1 } }) + STOP));
    expect(usage).toMatchObject({ output: 9, thinking: 4, serverToolRequests: { web_search_requests: 2 }, serviceTier: 'batch' });
  });

  it('ignores a repeated message_start (a proxy on the way may repeat it)', async () => {
    const text = start({ input_tokens: 17, output_tokens: 1 }) + delta({ output_tokens: 227 }) + start({ input_tokens: 1, output_tokens: 1 }, { model: 'other' }) + STOP;
    expect(await readUsage(SSE, of(text))).toMatchObject({ usage: { input: 17, output: 227 }, model: 'claude-x', source: 'final' });
  });

  it('tolerates a trailing [DONE], pings, comments and unknown events', async () => {
    const text = `: hello\n\n${start({ input_tokens: 1 })}${event('ping', '{"type": "ping"}')}${event('new_thing', 'x')}${delta({ output_tokens: 2 })}${STOP}data: [DONE]\n\n`;
    expect(await readUsage(SSE, of(text))).toMatchObject({ usage: { input: 1, output: 2 }, source: 'final', sawStop: true, errors: [] });
  });

  it('sees an error event inside a stream, also as its first', async () => {
    const result = await readUsage(SSE, of(event('error', { type: 'error', error: { type: 'overloaded_error', message: 'x' } })));
    expect(result).toMatchObject({ source: 'missing', sawErrorEvent: true, errorType: 'overloaded_error', sawStop: false });
  });

  it.each([['text', '"9"'], ['negative', '-1'], ['fraction', '1.5'], ['null', 'null'], ['huge', '1e300'], ['above the bound', '1000000001'], ['list', '[1]']])('ignores a count that is %s', async (_, value) => {
    const text = event('message_start', `{"message":{"usage":{"input_tokens":${value},"output_tokens":3}}}`);
    expect((await readUsage(SSE, of(text))).usage).toMatchObject({ input: 0, output: 3 });
  });

  it.each(['{', '[]', '"x"', 'null', '{"message":[]}', '{"message":{"usage":7}}', '\xff\xfe'])('survives the event data %j', async (data) => {
    const result = await readUsage(SSE, of(event('message_start', data) + delta({ output_tokens: 2 }) + STOP));
    expect(result.usage.output).toBe(2);
  });

  it.each([
    ['gzip', gzipSync], ['x-gzip', gzipSync], ['deflate', deflateSync], ['deflate', deflateRawSync], ['br', brotliCompressSync], ['zstd', zstdCompressSync], ['identity', (body: Buffer): Buffer => body],
  ])('reads a stream in %s', async (coding, encode) => {
    const text = start({ input_tokens: 3 }) + delta({ output_tokens: 4 }) + STOP;
    expect(await readUsage([...SSE, 'content-encoding', coding], encode(of(text)))).toMatchObject({ usage: { input: 3, output: 4 }, source: 'final', errors: [] });
  });

  it('reads what came of a compressed stream that was cut, without calling it an error', async () => {
    const wire = gzipSync(of(start({ input_tokens: 3 }) + event('x', 'y'.repeat(99)).repeat(400) + delta({ output_tokens: 4 }) + STOP), { level: 0 });
    const result = await readUsage([...SSE, 'content-encoding', 'gzip'], wire.subarray(0, 3000), 'upstream_failed');
    expect(result).toMatchObject({ usage: { input: 3 }, source: 'partial', errors: [] });
  });

  it('reports a compressed stream that ended whole but is not', async () => {
    const wire = gzipSync(of(start({ input_tokens: 3 }) + STOP));
    expect((await readUsage([...SSE, 'content-encoding', 'gzip'], wire.subarray(0, -9))).errors).toEqual(['decoding']);
    expect((await readUsage([...SSE, 'content-encoding', 'gzip'], of('not gzip at all'))).errors).toEqual(['decoding']);
  });

  it('reports a coding it cannot read', async () => {
    expect((await readUsage([...SSE, 'content-encoding', 'gzip, br'], of('x'))).errors).toEqual(['unsupported_coding']);
  });

  it('gives up a copy that lags, and one that grows without end (bounded memory)', async () => {
    const bomb = gzipSync(Buffer.alloc(4_000_000));
    expect((await readUsage([...SSE, 'content-encoding', 'gzip'], bomb, 'complete', { maxLagBytes: 500 })).errors).toEqual(['lagging']);
    expect((await readUsage([...SSE, 'content-encoding', 'gzip'], bomb, 'complete', { maxDecodedBytes: 1_000_000 })).errors).toEqual(['body_too_large']);
    const json = gzipSync(Buffer.alloc(4_000_000, ' '));
    expect((await readUsage([...JSON_HEAD, 'content-encoding', 'gzip'], json, 'complete', { maxDecodedBytes: 1_000_000 })).errors).toEqual(['body_too_large']);
  });

  it('reads no half JSON, and reports a whole one that is not JSON or has a member over its limit', async () => {
    const body = of('{"model":"m","usage":{"input_tokens":5,"output_tokens":6}}');
    expect(await readUsage(JSON_HEAD, body, 'client_gone')).toMatchObject({ source: 'missing', sawStop: false, errors: [] });
    expect(await readUsage(JSON_HEAD, body.subarray(0, 9))).toMatchObject({ source: 'missing', errors: ['invalid_json'] });
    const large = of(`{"model":"m","usage":{"input_tokens":5,"x":"${'y'.repeat(65_536)}"}}`);
    expect(await readUsage(JSON_HEAD, large)).toMatchObject({ source: 'missing', model: 'm', errors: ['member_too_large'] });
    expect(await readUsage(JSON_HEAD, body)).toMatchObject({ usage: { input: 5, output: 6 }, source: 'final', model: 'm' });
  });

  it.each([['before', '{"model":"m","usage":USAGE,"content":"TEXT"}'], ['behind', '{"model":"m","content":"TEXT","usage":USAGE}']])('reads the usage that stands %s 32 MB of text, compressed too (a limit of a client counts it)', async (_, shape) => {
    const body = of(shape.replace('USAGE', '{"input_tokens":5,"output_tokens":6}').replace('TEXT', 'text '.repeat(6_400_000)));
    const expected = { usage: { input: 5, output: 6 }, source: 'final', model: 'm', errors: [] };
    expect(await readUsage(JSON_HEAD, body)).toMatchObject(expected);
    expect(await readUsage([...JSON_HEAD, 'content-encoding', 'gzip'], gzipSync(body, { level: 1 }))).toMatchObject(expected);
  });

  it('reads nothing of another media type', async () => {
    expect(await readUsage(['content-type', 'application/x-jsonl'], of(start({ input_tokens: 3 })))).toMatchObject({ source: 'missing', sawStop: false, errors: [] });
  });
});
