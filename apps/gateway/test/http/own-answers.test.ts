// What the gateway's own answers look like to a client, on both sides.
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ERROR_KINDS } from '@penstock/openai-front-door';
import { freePort, openRawConnection, startScriptedUpstream, type ScriptedUpstream } from '@penstock/test-support';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { hashClientKey } from '../../src/access/clients/client-key.ts';
import { GATEWAY_ERROR_CODES, GatewayError, type GatewayErrorCode } from '../../src/request/gateway-error.ts';
import { startTestGateway, type ConfigDocument, type TestGateway } from '../start-test-gateway.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');
const ASK = { model: 'claude-x', max_tokens: 9, messages: [{ role: 'user', content: 'x' }] };
const KEY = 'pen_the-key-of-a-client';
const SIDES = [['native', '/anthropic/v1/messages'], ['front door', '/v1/chat/completions']] as const;

let upstream: ScriptedUpstream;
let gateway: TestGateway | undefined;

beforeAll(async () => {
  upstream = await startScriptedUpstream(async (connection) => { while ((await connection.nextRequest(600_000)).complete); });
});
afterEach(async () => { await gateway?.close(); });
afterAll(() => upstream.close());

async function start(document: ConfigDocument): Promise<TestGateway> {
  gateway = await startTestGateway(upstream.origin, document);
  return gateway;
}

interface OwnAnswer {
  readonly status: number;
  readonly code: string | null;
  readonly retry: string | null;
  readonly retryAfter: string | null;
  readonly type: string;
  readonly message: string;
}

async function post(to: TestGateway, path: string, body: string = JSON.stringify(ASK), signal?: AbortSignal): Promise<OwnAnswer> {
  const response = await fetch(to.origin + path, { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': KEY }, body, ...(signal === undefined ? {} : { signal }) });
  const { error } = await response.json() as { error: { type: string; message: string } };
  const field = (name: string): string | null => response.headers.get(name);
  return { status: response.status, code: field('x-penstock-error'), retry: field('x-should-retry'), retryAfter: field('retry-after'), type: error.type, message: error.message };
}

describe('the gateway\'s own capacity', () => {
  it.each(SIDES)('a pool without a free connection is 429 on the %s side and names its size (an overloaded_error is the API\'s word: clients give up on it)', async (_side, path) => {
    const own = await start({ anthropic_native: { pool: { max_connections: 1 }, timeouts: { slot_wait: 0.05 } }, openai_front_door: { pool: { max_connections: 1 }, timeouts: { slot_wait: 0.05 } } });
    const leaving = new AbortController();
    const held = post(own, path, undefined, leaving.signal).catch(() => undefined);
    await expect.poll(() => upstream.openConnections()).toBe(1);
    const answer = await post(own, path);
    leaving.abort();
    await held;
    expect(answer).toEqual({
      status: 429, code: 'overloaded', retry: 'true', retryAfter: '2', type: 'rate_limit_error',
      message: 'This gateway\'s one connection to the Anthropic API is in use, and none became free in time. This limit is the gateway\'s own, not the API\'s.',
    });
  });

  it.each(SIDES)('a full queue is 429 on the %s side and names both numbers', async (_side, path) => {
    const sizes = { pool: { max_connections: 2, max_waiting: 1 } };
    const own = await start({ anthropic_native: sizes, openai_front_door: sizes });
    const leaving = new AbortController();
    const held = Array.from({ length: 3 }, () => post(own, path, undefined, leaving.signal).catch(() => undefined));
    const name = path.startsWith('/v1') ? 'front_door_anthropic' : 'native';
    await expect.poll(() => own.sum(`penstock_upstream_pool_waiting{upstream="${name}",origin="${upstream.origin}"}`)).toBe(1);
    const answer = await post(own, path);
    leaving.abort();
    await Promise.all(held);
    expect(answer).toMatchObject({ status: 429, code: 'overloaded', retry: 'true', retryAfter: '5', type: 'rate_limit_error' });
    expect(answer.message).toMatch(/^This gateway's 2 connections to the Anthropic API are all in use, and 1 request waits for one already\./);
  });

  it('a spent share of uploads is 429, and names the share beside the pool', async () => {
    const own = await start({ anthropic_native: { pool: { max_connections: 4 }, timeouts: { slot_wait: 0.05 } } });
    // An upload is long-lived until all of it was sent.
    const uploading = await openRawConnection(own.port);
    uploading.send(`POST /anthropic/v1/files HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/octet-stream\r\ncontent-length: 200000\r\n\r\n${'x'.repeat(1_000)}`);
    await expect.poll(() => upstream.openConnections()).toBe(1);
    const answer = await post(own, '/anthropic/v1/files', 'x'.repeat(200_000));
    uploading.close();
    expect(answer).toMatchObject({ status: 429, code: 'overloaded', retryAfter: '2', type: 'rate_limit_error' });
    expect(answer.message).toMatch(/^This gateway lets uploads and long-lived streams hold 1 of its 4 connections to the Anthropic API at once/);
  });

  it.each(SIDES)('spent room for request bodies is 429 on the %s side and names whose it is, and how much', async (_side, path) => {
    const size = { max_buffered_bytes: 1024 * 1024 };
    const own = await start({ anthropic_native: size, openai_front_door: size });
    const answer = await post(own, path, JSON.stringify({ ...ASK, messages: [{ role: 'user', content: 'x'.repeat(1_100_000) }] }));
    expect(answer).toMatchObject({ status: 429, code: 'overloaded', retry: 'true', retryAfter: '1', type: 'rate_limit_error' });
    expect(answer.message).toMatch(/^This gateway holds at most 1 MiB of request bodies at once,/);
  });

  it.each(SIDES)('an upstream without a listener is 502 on the %s side, with a retry-after', async (_side, path) => {
    gateway = await startTestGateway(`http://127.0.0.1:${await freePort()}`);
    expect(await post(gateway, path)).toMatchObject({ status: 502, code: 'upstream_unreachable', retry: 'true', retryAfter: '1', type: 'api_error' });
  });
});

describe('a model that is not open', () => {
  const closed = async (path: string, model: string, models: readonly string[] = ['claude-haiku-*', 'claude-3']): Promise<OwnAnswer> => {
    const own = await start({ clients: [{ name: 'one', key_sha256: hashClientKey(KEY), models }], openai_front_door: { models: [{ model: '*' }] } });
    return post(own, path, JSON.stringify({ ...ASK, model }));
  };

  it.each(SIDES)('is 404 on the %s side and named, with what is open (agents choose models by themselves: their owner must see which)', async (_side, path) => {
    const answer = await closed(path, 'claude-opus-5-5');
    expect(answer).toMatchObject({ status: 404, retry: 'false', code: path.startsWith('/v1') ? 'model_not_found' : 'model_not_open' });
    expect(answer.type).toBe(path.startsWith('/v1') ? 'invalid_request_error' : 'not_found_error');
    expect(answer.message).toBe('The model "claude-opus-5-5" is not open to this client at this gateway. Open to it: "claude-haiku-*", "claude-3".');
  });

  it.each(SIDES)('is quoted on the %s side in printable ASCII, and not beyond its bound (terminals show the sentence)', async (_side, path) => {
    expect((await closed(path, 'm\u001b[2J"\n\u202eé\u{1f600}')).message).toContain('The model "m\\u001b[2J\\"\\n\\u202e\\u00e9\\ud83d\\ude00" is');
    await gateway?.close();
    expect((await closed(path, 'x'.repeat(900))).message).toContain(`The model "${'x'.repeat(200)}..." is`);
    await gateway?.close();
    expect((await closed(path, 'm', Array.from({ length: 23 }, (_, index) => `model-${index}`))).message).toMatch(/"model-19" and 3 more\.$/);
  });
});

describe('the requested model', () => {
  const loggedBy = async (path: string, body: string, document: ConfigDocument = {}): Promise<Readonly<Record<string, unknown>> | undefined> => {
    const own = await start(document);
    await post(own, path, body);
    return (await own.recorded(1))[0];
  };
  const restricted = { clients: [{ name: 'one', key_sha256: hashClientKey(KEY), models: ['claude-haiku-*'] }] };

  it.each(SIDES)('is in the log line of a request that was refused once its body was read, on the %s side', async (_side, path) => {
    expect(await loggedBy(path, JSON.stringify({ ...ASK, model: 'claude-opus-5-5' }), restricted)).toMatchObject({ status: 404, requested_model: 'claude-opus-5-5' });
  });

  it('is in the log line of a request that the upstream failed', async () => {
    const gone = `http://127.0.0.1:${await freePort()}`;
    for (const [, path] of SIDES) {
      gateway = await startTestGateway(gone);
      await post(gateway, path);
      expect((await gateway.recorded(1))[0]).toMatchObject({ status: 502, requested_model: 'claude-x' });
      await gateway.close();
    }
  });

  it('is in the log line of a chat that cannot be translated, and of one whose model no backend serves', async () => {
    expect(await loggedBy('/v1/chat/completions', JSON.stringify({ model: 'claude-x', messages: 'none' }))).toMatchObject({ status: 400, requested_model: 'claude-x' });
    await gateway?.close();
    expect(await loggedBy('/v1/chat/completions', JSON.stringify({ ...ASK, model: 'gpt-unheard-of' }))).toMatchObject({ status: 404, requested_model: 'gpt-unheard-of' });
  });

  it.each(SIDES)('is hidden on the %s side where it is no model\'s name (a prompt or a key may stand there by mistake)', async (_side, path) => {
    for (const model of ['Tell me a secret', 'sk-ant-api03-abcdef', 'pen_0123456789abcdef0', 'é', 'x'.repeat(300)]) {
      expect(await loggedBy(path, JSON.stringify({ ...ASK, model }), restricted)).toMatchObject({ requested_model: 'not_a_model_name' });
      await gateway?.close();
    }
  });
});

describe('no answer of the gateway\'s own', () => {
  test('has a 5xx of type overloaded_error, on either side (clients take it for the API\'s overload)', () => {
    const native = GATEWAY_ERROR_CODES.map((code) => new GatewayError(code, 'M.').shape);
    for (const { status, type } of [...native, ...Object.values(ERROR_KINDS)]) expect([status, type]).not.toEqual([status, 'overloaded_error']);
  });

  test('leaves open whether a client should try again, but where the request may have run', () => {
    const expected: Readonly<Record<GatewayErrorCode, boolean | undefined>> = {
      bad_request: false, unauthenticated: false, forbidden: false, not_found: false, model_not_open: false, method_not_allowed: false, request_timeout: false,
      too_large: false, unsupported_media_type: false, misdirected: false, budget_spent: false, header_overflow: false, loop_detected: false, upstream_tls: false, upstream_invalid: false, upstream_credential: false,
      overloaded: true, draining: true, identity_unavailable: true, rate_limited: true, upstream_unreachable: true,
      upstream_reset: undefined, upstream_timeout: undefined, internal: undefined,
    };
    for (const code of GATEWAY_ERROR_CODES) {
      const { shape } = new GatewayError(code, 'M.');
      expect([code, shape.shouldRetry]).toEqual([code, expected[code]]);
      // The front door has most of these codes: they mean the same there.
      if (Object.hasOwn(ERROR_KINDS, code)) expect([code, ERROR_KINDS[code as keyof typeof ERROR_KINDS].shouldRetry]).toEqual([code, expected[code]]);
    }
  });

  test('has one outcome for each code that both sides answer with, one aside (an outcome that only one table names is recorded on one side alone)', () => {
    const shared = GATEWAY_ERROR_CODES.filter((code) => Object.hasOwn(ERROR_KINDS, code));
    expect(shared.length).toBeGreaterThan(15);
    // The front door reads answers that the native side relays unread: one that it cannot read is an error of the upstream, not a broken connection.
    expect(shared.filter((code) => ERROR_KINDS[code as keyof typeof ERROR_KINDS].outcome !== new GatewayError(code, 'M.').shape.outcome)).toEqual(['upstream_invalid']);
  });

  test('holds the name of the API\'s key field (clients take that for the API\'s refusal of their own key)', () => {
    const sources = globSync('{apps/gateway,packages/openai-front-door,packages/header-policy,packages/json-envelope}/src/**/*.ts', { cwd: ROOT });
    expect(sources.length).toBeGreaterThan(150);
    // Sentences for people who run the gateway: configuration, commands, the demonstration and the first line of a start.
    const answers = sources.filter((path) => !/gateway\/src\/(?:config|commands|demo|lifecycle)\//.test(path));
    const sentences = answers.flatMap((path) => readFileSync(resolve(ROOT, path), 'utf8').split('\n')
      .filter((line) => !/^\s*(?:\/?\*|\/\/)/.test(line) && /(['"`])[^'"`]*(?:\s[^'"`]*x-api-key|x-api-key[^'"`]*\s)[^'"`]*\1/i.test(line)).map((line) => `${path}: ${line.trim()}`));
    expect(sentences).toEqual([]);
  });
});
