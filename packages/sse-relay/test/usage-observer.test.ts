import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { loadRecordings, readEvents, type Recording } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { createUsageObserver, type UsageObserverOptions, type UsageResult } from '../src/anthropic-usage.ts';

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
  const usage = usages.reduce((merged, next) => ({ ...merged, ...next }), {});
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

  it.each([['text', '"9"'], ['negative', '-1'], ['fraction', '1.5'], ['null', 'null'], ['huge', '1e300'], ['list', '[1]']])('ignores a count that is %s', async (_, value) => {
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
