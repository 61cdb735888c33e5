import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestGateway } from '../start-test-gateway.ts';
import { ask, client, openAiBackend, startOrigin, startRelayGateway, type Origin } from './relay-world.ts';

const CODINGS: Readonly<Record<string, (text: string) => Buffer>> = {
  identity: (text) => Buffer.from(text), gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync,
};
const USAGE = { prompt_tokens: 4_000, completion_tokens: 7, total_tokens: 4_007 };

let origin: Origin;
let gateway: TestGateway;
let large: string;

beforeAll(async () => {
  large = JSON.stringify({ object: 'list', model: 'embed-1', data: Array.from({ length: 40 }, (_, index) => ({ index, embedding: Array.from({ length: 3_072 }, (_item, at) => Math.sin(at)) })), usage: USAGE });
  origin = await startOrigin((request, response) => {
    const coding = String(request.headers['openai-beta']);
    const isStream = request.url?.includes('chat') === true;
    const text = isStream ? `data: {"model":"m","choices":[]}\n\ndata: {"choices":[],"usage":${JSON.stringify(USAGE)}}\n\ndata: [DONE]\n\n` : large;
    const bytes = CODINGS[coding]?.(text) ?? Buffer.alloc(0);
    response.writeHead(200, { 'content-type': isStream ? 'text/event-stream' : 'application/json', ...(coding === 'identity' ? {} : { 'content-encoding': coding }) });
    for (let index = 0; index < bytes.length; index += 10_000) response.write(bytes.subarray(index, index + 10_000));
    response.end();
  });
  gateway = await startRelayGateway({ backends: [openAiBackend(origin)] }, [client('one')]);
});
afterAll(async () => {
  await gateway.close();
  await origin[Symbol.asyncDispose]();
});

describe.each(Object.keys(CODINGS))('an answer in %s, which the origin chose though identity was asked for', (coding) => {
  test.each([['embeddings', '/v1/embeddings', 'embed-1'], ['chat', '/v1/chat/completions', 'm']])('is counted, and its bytes are the origin\'s (%s)', async (_what, path, model) => {
    expect(large.length).toBeGreaterThan(2 * 1024 * 1024);
    const tokens = `penstock_tokens_total{side="front_door",model="${model}",client="one",type="input"}`;
    const before = await gateway.series(tokens).catch(() => 0);
    const recorded = gateway.logged.filter(({ msg }) => msg === 'request').length;
    const response = await ask(gateway, 'POST', path, { name: 'one', body: '{"model":"x"}', headers: { 'openai-beta': coding, 'accept-encoding': 'identity' } });
    expect([response.status, response.headers.get('content-encoding')]).toEqual([200, coding === 'identity' ? null : coding]);
    const text = await response.text();
    expect(path.includes('chat') ? text.endsWith('data: [DONE]\n\n') : text === large).toBe(true);
    const entries = await gateway.recorded(recorded + 1);
    expect(entries.at(-1)).toMatchObject({ model, usage_source: 'final', usage: { input: 4_000, output: 7 } });
    expect(await gateway.series(tokens)).toBe(before + 4_000);
    expect(origin.seen.at(-1)?.headers['accept-encoding']).toBe('identity');
  });
});
