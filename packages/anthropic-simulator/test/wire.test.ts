import { fieldValues, loadRecordings, sendRawRequest, statusOf, type WireMessage } from '@penstock/test-support';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSimulator, type Simulator } from '../src/index.ts';
import { ask, askModel, jsonOf, QUESTION, requestBytes } from './fixture.ts';

let simulator: Simulator;
beforeAll(async () => { simulator = await startSimulator(); });
afterAll(async () => { await simulator.close(); });

const value = (message: WireMessage, name: string): string | undefined => fieldValues(message.rawHeaders, name)[0];
const names = (message: WireMessage): string[] => message.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());

describe('response headers', () => {
  it('carries the ids, limits and edge fields of the real API', async () => {
    const answer = await askModel(simulator, 'sim-text', { stream: true });
    expect(value(answer, 'content-type')).toBe('text/event-stream; charset=utf-8');
    expect(value(answer, 'request-id')).toMatch(/^req_011\w{21}$/);
    expect(value(answer, 'set-cookie')).toMatch(/^_cfuvid=/);
    for (const name of ['anthropic-organization-id', 'anthropic-workspace-id', 'via', 'cf-ray', 'server', 'strict-transport-security', 'date', 'vary']) expect(names(answer), name).toContain(name);
    expect(names(answer)).not.toContain('keep-alive');
  });

  const recorded = loadRecordings('sse', 'json').filter((recording) => Object.keys(recording.meta?.response?.headers ?? {}).length > 15);
  it.skipIf(recorded.length === 0)(`names no field that was never recorded and lacks none that always was (skipped where no recordings are: ${recorded.length} found)`, async () => {
    const everRecorded = new Set(recorded.flatMap((recording) => Object.keys(recording.meta?.response?.headers ?? {})));
    const ours = names(await askModel(simulator, 'sim-text', { stream: true }, { 'accept-encoding': 'gzip' }));
    expect(ours.filter((name) => !everRecorded.has(name))).toEqual([]);
    const always = [...everRecorded].filter((name) => recorded.every((recording) => name in (recording.meta?.response?.headers ?? {})));
    expect(always.filter((name) => !ours.includes(name))).toEqual([]);
  });

  it('counts the rate limits down, rounded to thousands for tokens, and starts again after a minute', async () => {
    let now = Date.UTC(2026, 10, 22, 12);
    await using limited = await startSimulator({ rateLimits: { requests: 3 }, clock: { now: () => now, wait: () => Promise.resolve() } });
    const left: Array<string | undefined> = [];
    for (let count = 0; count < 4; count += 1) left.push(value(await askModel(limited, 'sim-text'), 'anthropic-ratelimit-requests-remaining'));
    expect(left).toEqual(['2', '1', '0', '0']);
    now += 60_000;
    const renewed = await askModel(limited, 'sim-text');
    expect(value(renewed, 'anthropic-ratelimit-requests-remaining')).toBe('2');
    expect(value(renewed, 'anthropic-ratelimit-requests-reset')).toBe('2026-11-22T12:02:00Z');
    expect(value(renewed, 'anthropic-ratelimit-input-tokens-remaining')).toMatch(/000$/);
  });

  it('answers 429 with retry-after when limits are enforced and spent', async () => {
    await using limited = await startSimulator({ rateLimits: { requests: 1 }, enforceRateLimits: true });
    await askModel(limited, 'sim-text');
    const refused = await askModel(limited, 'sim-text');
    expect(statusOf(refused)).toBe(429);
    expect(Number(value(refused, 'retry-after'))).toBeGreaterThan(0);
    expect(jsonOf(refused)).toMatchObject({ error: { type: 'rate_limit_error' } });
  });

  it('leaves rate limits out of token counts, and account fields out of a 401', async () => {
    const counted = await ask(simulator, '/v1/messages/count_tokens', { model: 'sim-text', messages: QUESTION.messages });
    expect(names(counted).some((name) => name.startsWith('anthropic-ratelimit'))).toBe(false);
    await using closed = await startSimulator({ apiKeys: ['good'] });
    const refused = await askModel(closed, 'sim-text', {}, { 'x-api-key': 'bad' });
    expect(names(refused).some((name) => name.startsWith('anthropic-'))).toBe(false);
  });

  it('gives a spent cap no retry-after (waiting does not help)', async () => {
    expect(value(await askModel(simulator, 'sim-spend-limit'), 'retry-after')).toBeUndefined();
    expect(value(await askModel(simulator, 'sim-rate-limited'), 'retry-after')).toBe('7');
  });
});

describe('requests', () => {
  it.each([[{}, 401, 'x-api-key header is required'], [{ 'x-api-key': 'bad' }, 401, 'invalid x-api-key'], [{ authorization: 'Bearer bad' }, 401, 'Invalid bearer token'],
    [{ 'x-api-key': 'good' }, 200, undefined], [{ authorization: 'Bearer good' }, 200, undefined]])('with apiKeys: %j is %i', async (headers, status, message) => {
    await using closed = await startSimulator({ apiKeys: ['good'] });
    const answer = await askModel(closed, 'sim-text', {}, Object.fromEntries(Object.entries(headers)));
    expect(statusOf(answer)).toBe(status);
    if (message !== undefined) expect(jsonOf(answer)).toMatchObject({ error: { type: 'authentication_error', message } });
  });

  it('needs a version (a gateway that forgets its default is caught)', async () => {
    const bytes = requestBytes('/v1/messages', { model: 'sim-text', ...QUESTION }).toString('latin1').replace('anthropic-version: 2023-06-01\r\n', '');
    const answer = await sendRawRequest(simulator.port, bytes);
    expect(jsonOf(answer)).toMatchObject({ error: { message: 'anthropic-version: header is required' } });
  });

  it.each([['GET', '/v1/nothing', 404], ['GET', '/v1/organizations/me', 404], ['GET', '/v1/messages', 405], ['DELETE', '/v1/models', 405], ['HEAD', '/api/hello', 200], ['HEAD', '/v1/models', 200]])('%s %s is %i', async (method, path, status) => {
    const answer = await ask(simulator, path, undefined, {}, method);
    expect(statusOf(answer)).toBe(status);
    if (status >= 400) expect(jsonOf(answer)).toMatchObject({ type: 'error', request_id: value(answer, 'request-id') });
  });

  it('decodes a compressed request and records the bytes as they arrived', async () => {
    simulator.clearRequests();
    const body = Buffer.from(JSON.stringify({ model: 'sim-text', ...QUESTION }));
    for (const [coding, coded] of [['gzip', gzipSync(body)], ['zstd', zstdCompressSync(body)]] as const) {
      const head = requestBytes('/v1/messages', undefined, { 'content-encoding': coding, 'content-length': String(coded.length) });
      expect(statusOf(await sendRawRequest(simulator.port, Buffer.concat([head, coded])))).toBe(200);
      expect(simulator.requests.at(-1)?.body.equals(coded)).toBe(true);
    }
    const broken = requestBytes('/v1/messages', 'not gzip', { 'content-encoding': 'gzip' });
    expect(jsonOf(await sendRawRequest(simulator.port, broken))).toMatchObject({ error: { details: { error_code: 'request_body_encoding_invalid' } } });
  });

  it.each(['{', '', 'null', '{"model":"sim-text",}'])('refuses %j as a body', async (body) => {
    expect(statusOf(await ask(simulator, '/v1/messages', body))).toBe(400);
  });

  it('refuses more than 32 MB as the edge does: 413 without a request id', async () => {
    const response = await fetch(`${simulator.origin}/v1/messages`, { method: 'POST', body: Buffer.alloc(32 * 1024 * 1024 + 1, ' '), headers: { 'anthropic-version': '2023-06-01' } });
    expect(response.status).toBe(413);
    expect(await response.text()).toBe('{"error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}');
    expect(response.headers.get('request-id')).toBeNull();
  });

  it('refuses as much without an announced length, once it has counted so far', async () => {
    const part = Buffer.alloc(1024 * 1024, ' ');
    const body = ReadableStream.from(Array.from({ length: 33 }, () => part));
    const response = await fetch(`${simulator.origin}/v1/messages`, { method: 'POST', body, duplex: 'half', headers: { 'anthropic-version': '2023-06-01' } });
    expect(response.status).toBe(413);
  });

  it('keeps so many requests and so many bytes of each, no more', async () => {
    await using small = await startSimulator({ maxRecordedRequests: 2, maxRecordedBodyBytes: 10 });
    for (let count = 0; count < 3; count += 1) await askModel(small, 'sim-text');
    expect(small.requests).toHaveLength(2);
    expect(small.requestCount).toBe(3);
    expect(small.requests[0]?.body.toString()).toBe('{"model":"');
    expect(small.requests[0]?.bodyBytes).toBeGreaterThan(50);
  });
});

describe('determinism', () => {
  it('answers the same body with the same bytes, on every simulator', async () => {
    await using other = await startSimulator({ seed: 'another' });
    for (const model of ['sim-text', 'sim-all-blocks', 'sim-code-execution', 'sim-long']) {
      const more = { stream: true, max_tokens: 500 };
      const [first, second, third] = [await askModel(simulator, model, more), await askModel(simulator, model, more), await askModel(other, model, more)];
      expect(second.body.equals(first.body)).toBe(true);
      expect(third.body.equals(first.body)).toBe(true);
      expect(value(first, 'request-id')).not.toBe(value(second, 'request-id'));
    }
  });

  it('answers another question differently', async () => {
    const one = jsonOf(await askModel(simulator, 'sim-text'));
    const two = jsonOf(await askModel(simulator, 'sim-text', { messages: [{ role: 'user', content: 'Something else' }] }));
    expect(two['id']).not.toBe(one['id']);
  });
});

describe('the prompt cache', () => {
  const system = [{ type: 'text', text: 'A long prompt. '.repeat(200), cache_control: { type: 'ephemeral' } }];

  it('writes a marked prefix once, reads it afterwards, and forgets it after its lifetime', async () => {
    let now = 0;
    await using cached = await startSimulator({ clock: { now: () => now, wait: () => Promise.resolve() } });
    const usage = async (): Promise<unknown> => jsonOf(await askModel(cached, 'sim-text', { system }))['usage'];
    const first = await usage();
    expect(first).toMatchObject({ cache_read_input_tokens: 0, cache_creation: { ephemeral_1h_input_tokens: 0 } });
    const written = Number(Object(first)['cache_creation_input_tokens']);
    expect(written).toBeGreaterThan(500);
    expect(await usage()).toMatchObject({ cache_read_input_tokens: written, cache_creation_input_tokens: 0 });
    now += 300_000;
    expect(await usage()).toMatchObject({ cache_read_input_tokens: 0, cache_creation_input_tokens: written });
  });

  it('keeps the sum of all input tokens equal to count_tokens', async () => {
    const question = { model: 'sim-text', system, messages: QUESTION.messages };
    const counted = jsonOf(await ask(simulator, '/v1/messages/count_tokens', question));
    for (let round = 0; round < 2; round += 1) {
      const usage = Object(jsonOf(await askModel(simulator, 'sim-text', { system }))['usage']);
      expect(usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens).toBe(counted['input_tokens']);
    }
  });
});
