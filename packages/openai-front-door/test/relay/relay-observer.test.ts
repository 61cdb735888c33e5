import { randomBytes } from 'node:crypto';
import { brotliCompressSync, constants, createBrotliCompress, createDeflate, createGzip, createZstdCompress, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import type { RelayObservation } from '../../src/relay/answer-reader.ts';
import { createRelayObserver } from '../../src/relay/relay-observer.ts';

const ANSWER = { id: 'c', model: 'local-1', choices: [{ message: { content: '"usage":{"prompt_tokens":9}' } }], usage: { prompt_tokens: 100, completion_tokens: 7 } };
const COUNTS = { input: 100, output: 7, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
const EVENTS = `data: ${JSON.stringify({ model: 'm', choices: [] })}\n\ndata: ${JSON.stringify({ choices: [], usage: ANSWER.usage })}\n\ndata: [DONE]\n\n`;

interface Observed {
  readonly observation: RelayObservation;
  readonly errors: readonly unknown[];
  readonly lags: number;
}

async function observe(bytes: Uint8Array, { coding = 'identity', mediaType = 'application/json', size = 1_000, maxDecodedBytes = 1_000_000, isCut = false, measuresText = false } = {}): Promise<Observed> {
  const errors: unknown[] = [];
  let lags = 0;
  const observer = createRelayObserver({ mediaType, coding, maxEventBytes: 10_000, maxDecodedBytes, measuresText, onError: (error) => { errors.push(error); } });
  for (let index = 0; index < bytes.length; index += size) {
    const lag = observer.onChunk(bytes.subarray(index, index + size));
    if (lag !== undefined) lags += 1;
    await lag;
  }
  return { observation: await observer.result(isCut), errors, lags };
}

const CODINGS = [['gzip', gzipSync], ['x-gzip', gzipSync], ['deflate', deflateSync], ['deflate', deflateRawSync], ['br', brotliCompressSync], ['zstd', zstdCompressSync]] as const;

describe('usage', () => {
  it.each([[-100_000], [165.5], [Number.MAX_SAFE_INTEGER], [1_000_000_001], ['7'], [{}]])('is not known where its total of tokens is %j', async (completion_tokens) => {
    const usage = { ...ANSWER.usage, completion_tokens };
    const { observation } = await observe(Buffer.from(JSON.stringify({ ...ANSWER, usage })));
    expect([observation.model, observation.usage]).toEqual(['local-1', undefined]);
    expect((await observe(Buffer.from(`data: ${JSON.stringify({ choices: [], usage })}\n\n`), { mediaType: 'text/event-stream' })).observation.usage).toBeUndefined();
  });

  it('is without what it names of its cache where that is no count', async () => {
    const usage = { prompt_tokens: 100, completion_tokens: 7, prompt_tokens_details: { cached_tokens: -9, cache_write_tokens: 0.5 } };
    expect((await observe(Buffer.from(JSON.stringify({ ...ANSWER, usage })))).observation.usage).toEqual(COUNTS);
  });

  it.each(CODINGS)('is read of an answer in %s, JSON or events', async (coding, encode) => {
    expect(await observe(encode(Buffer.from(JSON.stringify(ANSWER))), { coding, size: 3 })).toMatchObject({ observation: { model: 'local-1', usage: COUNTS, sawEnd: true }, errors: [] });
    expect(await observe(encode(Buffer.from(EVENTS)), { coding, mediaType: 'text/event-stream', size: 3 })).toMatchObject({ observation: { model: 'm', usage: COUNTS, sawStop: true }, errors: [] });
  });

  it('is read at the end of an answer of 20 MB, of which nothing is held (embeddings, images)', async () => {
    const { usage, ...rest } = ANSWER;
    const text = Buffer.from(JSON.stringify({ ...rest, data: [{ embedding: Array.from({ length: 500_000 }, (_, index) => index / 7) }, { b64_json: 'A'.repeat(10_000_000) }], usage }));
    const before = process.memoryUsage().arrayBuffers;
    const { observation } = await observe(text, { size: 65_536 });
    expect(observation).toMatchObject({ model: 'local-1', usage: COUNTS });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2_000_000);
  });

  it('is read where Groq reports it unasked', async () => {
    const events = `data: ${JSON.stringify({ model: 'm', choices: [], x_groq: { id: 'req', usage: ANSWER.usage } })}\n\ndata: [DONE]\n\n`;
    expect((await observe(Buffer.from(events), { mediaType: 'text/event-stream' })).observation.usage).toEqual(COUNTS);
    expect((await observe(Buffer.from(JSON.stringify({ x_groq: { usage: ANSWER.usage } })))).observation.usage).toEqual(COUNTS);
  });

  it('is that of the answer, where the Responses API wraps it', async () => {
    const events = `event: response.completed\ndata: ${JSON.stringify({ type: 'response.completed', response: { model: 'm', usage: { input_tokens: 10, output_tokens: 2, input_tokens_details: { cached_tokens: 4 } } } })}\n\n`;
    expect((await observe(Buffer.from(events), { mediaType: 'text/event-stream' })).observation.usage).toEqual({ ...COUNTS, input: 6, output: 2, cacheRead: 4 });
  });
});

describe('the text that a model wrote', () => {
  const measured = async (bytes: Uint8Array, options: Parameters<typeof observe>[1] = {}): Promise<number | undefined> => (await observe(bytes, { ...options, measuresText: true })).observation.textBytes;
  const frames = (...texts: readonly string[]): string => texts.map((content) => `data: ${JSON.stringify({ model: 'm', choices: [{ index: 0, delta: { content } }] })}\n\n`).join('');

  it('is counted in the events of a stream, whole or cut, plain or compressed', async () => {
    const events = Buffer.from(`${frames('héé', 'ab')}: a comment\n\ndata: [DONE]\n\n`);
    expect(await measured(events, { mediaType: 'text/event-stream', size: 3 })).toBe(7);
    expect(await measured(events.subarray(0, -20), { mediaType: 'text/event-stream', isCut: true })).toBe(7);
    expect(await measured(gzipSync(events), { mediaType: 'text/event-stream', coding: 'gzip' })).toBe(7);
  });

  it.each([
    ['gzip', () => createGzip({ flush: constants.Z_SYNC_FLUSH })], ['deflate', () => createDeflate({ flush: constants.Z_SYNC_FLUSH })],
    ['br', () => createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH })], ['zstd', () => createZstdCompress({ flush: constants.ZSTD_e_flush })],
  ] as const)('is counted to the last byte of a stream in %s that is cut while it is still being decoded', async (coding, createEncoder) => {
    const encoder = createEncoder();
    const encoded: Buffer[] = [];
    encoder.on('data', (bytes: Buffer) => { encoded.push(bytes); });
    for (let piece = 0; piece < 30; piece += 1) await new Promise<void>((resolve) => { encoder.write(frames('x'.repeat(100)), () => resolve()); });
    await new Promise((resolve) => { setImmediate(resolve); });
    const observer = createRelayObserver({ mediaType: 'text/event-stream', coding, maxEventBytes: 10_000, maxDecodedBytes: 1_000_000, measuresText: true, onError: () => undefined });
    for (const chunk of encoded) void observer.onChunk(chunk);
    expect((await observer.result(true)).textBytes).toBe(3_000);
  });

  it('is all of a JSON answer, decoded', async () => {
    const text = Buffer.from(JSON.stringify(ANSWER));
    expect(await measured(text)).toBe(text.length);
    expect(await measured(gzipSync(text), { coding: 'gzip' })).toBe(text.length);
  });

  it('is every byte of an answer that cannot be read, times 4 where it is compressed', async () => {
    expect(await measured(Buffer.alloc(100), { mediaType: 'audio/mpeg' })).toBe(100);
    expect(await measured(Buffer.alloc(100), { coding: 'snappy' })).toBe(400);
    expect(await measured(Buffer.alloc(100, 'x'), { coding: 'gzip' })).toBe(400);
  });

  it('is not counted unless it is asked for', async () => {
    expect((await observe(Buffer.from(frames('a')), { mediaType: 'text/event-stream' })).observation).not.toHaveProperty('textBytes');
  });
});

it('a large event is not parsed, and its usage is read all the same (a megabyte of small values would hold the event loop)', async () => {
  const parsed = vi.spyOn(JSON, 'parse');
  try {
    for (const wrapped of [false, true]) {
      const answer = { model: 'm', instructions: 'x'.repeat(100_000), output: Array.from({ length: 100_000 }, () => ({})), error: null, usage: ANSWER.usage };
      const events = `data: ${JSON.stringify(wrapped ? { type: 'response.completed', response: answer } : answer)}\n\n`;
      const observer = createRelayObserver({ mediaType: 'text/event-stream', coding: 'identity', maxEventBytes: 1_000_000, maxDecodedBytes: 1, measuresText: true, onError: (error) => { throw error; } });
      await observer.onChunk(Buffer.from(events));
      expect(await observer.result(false)).toMatchObject({ model: 'm', usage: COUNTS, sawError: false });
    }
    expect(Math.max(...parsed.mock.calls.map(([text]) => text.length))).toBeLessThan(1_000);
  } finally {
    parsed.mockRestore();
  }
});

describe('an answer that cannot be read', () => {
  const UNREAD = { sawError: false, sawEnd: true };

  it.each([['gzip, br'], ['compress'], ['__proto__']])('is passed over in the coding %s', async (coding) => {
    expect(await observe(gzipSync('{}'), { coding })).toEqual({ observation: UNREAD, errors: [], lags: 0 });
  });

  it('is reported once, and nothing more of it is read', async () => {
    const { observation, errors } = await observe(Buffer.from(JSON.stringify(ANSWER)), { coding: 'gzip', size: 3 });
    expect([observation, errors.length]).toEqual([UNREAD, 1]);
  });

  it('is no error when it was cut', async () => {
    const { observation, errors } = await observe(gzipSync(EVENTS).subarray(0, -12), { coding: 'gzip', mediaType: 'text/event-stream', isCut: true });
    expect([errors, observation.sawEnd]).toEqual([[], true]);
  });

  it('is decoded no further than the bound (a small answer may decode to gigabytes)', async () => {
    const bomb = gzipSync(`{"x":"${' '.repeat(50_000_000)}","usage":${JSON.stringify(ANSWER.usage)}}`);
    const { observation, errors } = await observe(bomb, { coding: 'gzip', maxDecodedBytes: 100_000 });
    expect([observation, errors]).toEqual([UNREAD, []]);
    expect(await observe(bomb, { coding: 'gzip', maxDecodedBytes: 60_000_000 })).toMatchObject({ observation: { usage: COUNTS } });
  });
});

it('holds the next chunk back while more waits to be decoded than the decoder takes', async () => {
  const noise = randomBytes(400_000);
  const { lags, observation } = await observe(gzipSync(Buffer.concat([Buffer.from('{"x":"'), Buffer.from(noise.toString('base64')), Buffer.from(`","usage":${JSON.stringify(ANSWER.usage)}}`)])), { coding: 'gzip', size: 65_536 });
  expect(lags).toBeGreaterThan(0);
  expect(observation.usage).toEqual(COUNTS);
});
