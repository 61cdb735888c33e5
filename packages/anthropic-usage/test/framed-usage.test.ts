import { Buffer } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import { EventStreamCodec } from '@smithy/core/event-streams';
import { loadRecordings, readEvents } from '@penstock/test-support';
import { describe, expect, it } from 'vitest';
import { createUsageObserver, type UsageObserverOptions, type UsageResult } from '../src/index.ts';

const codec = new EventStreamCodec((bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'), (text) => Buffer.from(text, 'utf8'));
const FRAMES = ['Content-Type', 'application/vnd.amazon.eventstream', 'x-amzn-bedrock-content-type', 'application/json'];

function frameOf(headers: Readonly<Record<string, string>>, payload: string): Buffer {
  const entries = Object.entries(headers).map(([name, value]) => [name, { type: 'string', value }] as const);
  return Buffer.from(codec.encode({ headers: Object.fromEntries(entries), body: Buffer.from(payload) }));
}

/** One event as Amazon Bedrock frames it, padding included. */
function chunkOf(event: string): Buffer {
  return frameOf(
    { ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' },
    JSON.stringify({ bytes: Buffer.from(event).toString('base64'), p: 'abcdefghijk' }),
  );
}

const EVENTS = [
  '{"type":"message_start","message":{"model":"claude-haiku-4-5-20251001","usage":{"input_tokens":11,"cache_creation_input_tokens":3,"cache_read_input_tokens":5,"output_tokens":1}}}',
  '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"grüß"}}',
  '{"type":"content_block_stop","index":0}',
  '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}',
  '{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":11,"outputTokenCount":9}}',
];
const STREAM = Buffer.concat(EVENTS.map(chunkOf));
const USAGE = { input: 11, output: 9, cacheRead: 5, cacheWrite5m: 3, cacheWrite1h: 0, serverToolRequests: {} };

async function read(chunks: readonly Uint8Array[], rawHeaders: readonly string[] = FRAMES, options: UsageObserverOptions = {}): Promise<UsageResult & { errors: string[] }> {
  const errors: string[] = [];
  const observer = createUsageObserver({ ...options, onError: (error) => { errors.push(error instanceof Error && 'code' in error ? String(error.code) : String(error)); } });
  observer.onHead(200, rawHeaders);
  for (const chunk of chunks) observer.onChunk(chunk);
  await observer.onEnd('complete');
  return { ...observer.result(), errors };
}

const FINAL = { usage: USAGE, source: 'final', model: 'claude-haiku-4-5-20251001', stopReason: 'end_turn', sawStop: true, sawErrorEvent: false, errors: [] };

describe('usage in the frames of Amazon Bedrock', () => {
  it('is the same wherever the stream is split', async () => {
    for (let cut = 0; cut <= STREAM.length; cut += 1) expect([cut, await read([STREAM.subarray(0, cut), STREAM.subarray(cut)])]).toEqual([cut, FINAL]);
    expect(await read([...STREAM].map((byte) => Uint8Array.of(byte)))).toEqual(FINAL);
  });

  it('is read from a compressed stream', async () => {
    expect(await read([gzipSync(STREAM)], [...FRAMES, 'content-encoding', 'gzip'])).toEqual(FINAL);
  });

  it('is partial before the last usage came, and has no stop', async () => {
    const cut = Buffer.concat(EVENTS.slice(0, 3).map(chunkOf));
    expect(await read([cut, chunkOf(EVENTS[4] ?? '').subarray(0, -1)])).toEqual({
      usage: { ...USAGE, output: 1 }, source: 'partial', model: FINAL.model, sawStop: false, sawErrorEvent: false, errors: [],
    });
  });

  it('is read although another tool framed the events, with spaces and other members', async () => {
    const frames = EVENTS.map((event) => frameOf({ ':message-type': 'event', ':event-type': 'chunk' }, JSON.stringify({ q: 1, bytes: Buffer.from(` ${event.replaceAll(':', ' : ')}`).toString('base64') }, undefined, 2)));
    expect(await read(frames)).toEqual(FINAL);
  });

  it('counts the text that the model wrote', async () => {
    const { textBytes } = await read([STREAM], FRAMES, { measuresText: true });
    expect(textBytes).toBe(Buffer.byteLength('grüß'));
  });

  it.each([
    ['an exception', { ':message-type': 'exception', ':exception-type': 'modelStreamErrorException' }, 'modelStreamErrorException'],
    ['an error', { ':message-type': 'error', ':error-code': 'InternalFailure', ':error-message': 'x' }, 'InternalFailure'],
  ])('the frame of %s is the error of the stream', async (_, headers, errorType) => {
    const start = chunkOf(EVENTS[0] ?? '');
    expect(await read([start, frameOf(headers, '{"message":"x"}')])).toMatchObject({ source: 'partial', sawStop: false, sawErrorEvent: true, errorType, errors: [] });
  });

  it('an error event inside a chunk is the error of the stream', async () => {
    expect(await read([chunkOf('{"type":"error","error":{"type":"overloaded_error","message":"x"}}')])).toMatchObject({ sawErrorEvent: true, errorType: 'overloaded_error' });
  });

  it('a frame that cannot be read is reported and the next one is read', async () => {
    const wrong = frameOf({ ':message-type': 'event', ':event-type': 'chunk' }, '{"bytes":');
    expect(await read([wrong, frameOf({ ':message-type': 'event', ':event-type': 'chunk' }, '{"bytes":7}'), STREAM])).toEqual({ ...FINAL, errors: ['invalid_json'] });
  });

  it('a frame over the limit is left out', async () => {
    const large = chunkOf(`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"${'x'.repeat(2_000)}"}}`);
    expect(await read([large, STREAM], FRAMES, { maxEventBytes: 1_000 })).toEqual({ ...FINAL, errors: ['event_too_large'] });
  });

  it('bytes that are no frame end the reading, and what was read counts', async () => {
    expect(await read([chunkOf(EVENTS[0] ?? ''), Buffer.from('HTTP/1.1 502 Bad Gateway\r\n'), STREAM])).toMatchObject({ source: 'partial', sawStop: false, errors: ['invalid_frame'] });
  });

  it('the answer to counting has no usage', async () => {
    expect(await read([Buffer.from('{"inputTokens":42}')], ['content-type', 'application/json'])).toMatchObject({ source: 'missing', usage: { input: 0, output: 0 }, errors: [] });
  });
});

const streams = loadRecordings('sse', 'transcripts');

describe.skipIf(streams.length === 0)('the usage of the recordings in frames (skipped where there are none)', () => {
  it.each(streams.map((recording) => [recording.name, recording] as const))('is that of the text stream in %s', async (_, recording) => {
    const { errors, ...framed } = await read([Buffer.concat(readEvents(recording.body).events.map(({ data }) => chunkOf(data)))]);
    const text = createUsageObserver();
    text.onHead(200, ['content-type', 'text/event-stream']);
    text.onChunk(recording.body);
    await text.onEnd('complete');
    expect(errors).toEqual([]);
    expect(framed).toEqual(text.result());
  });
});
