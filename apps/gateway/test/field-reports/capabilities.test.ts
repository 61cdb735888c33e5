// Field reports, group A: headers and capability loss.
import Anthropic from '@anthropic-ai/sdk';
import { answerAlways, fieldValues, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, TEST_KEY, type TestGateway } from '../start-test-gateway.ts';
import { ask, chunk, JSON_TYPE, LAST_CHUNK, STREAM_HEAD } from './native-request.ts';

const EVERY_GROUP = ['messages', 'models', 'batches', 'files', 'skills', 'agents', 'admin'];
const BETA_LINES = 'anthropic-beta: context-1m-2025-08-07,interleaved-thinking-2025-05-14\r\nAnthropic-Beta: a-beta-of-tomorrow-2099-01-01 , x\r\n';

let upstream: ScriptedUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startScriptedUpstream(answerAlways((request) => request.body.includes('"stream":true')
    ? Buffer.concat([Buffer.from(STREAM_HEAD), chunk('event: message_stop\ndata: {"type":"message_stop"}\n\n'), Buffer.from(LAST_CHUNK)])
    : wholeResponse(200, ['content-type', 'application/json'], '{"type":"message"}')));
  gateway = await startTestGateway(upstream.origin, { anthropic_native: { route_groups: EVERY_GROUP, allow_unknown_routes: true, allow_request_headers: ['X-Team', 'x-tenant-*'] } });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const outbound = (): WireMessage => upstream.requests.at(-1) as WireMessage;

const ROUTES = [
  ['POST', '/v1/messages'], ['POST', '/v1/messages/count_tokens'], ['POST', '/v1/complete'], ['GET', '/v1/models'], ['GET', '/v1/models/claude-x'], ['POST', '/v1/messages/batches'],
  ['GET', '/v1/messages/batches/b'], ['POST', '/v1/messages/batches/b/cancel'], ['GET', '/v1/messages/batches/b/results'], ['DELETE', '/v1/messages/batches/b'], ['POST', '/v1/files'],
  ['GET', '/v1/files/f'], ['GET', '/v1/files/f/content'], ['DELETE', '/v1/files/f'], ['POST', '/v1/skills'], ['GET', '/v1/skills/s'], ['POST', '/v1/agents'], ['GET', '/v1/sessions/s/events'],
  ['GET', '/v1/organizations/o'], ['PATCH', '/v1/tomorrow'],
] as const;

describe('anthropic-beta crosses on every route as it was sent, with nothing to switch on (FR-1, FR-2, FR-3, FR-4, FR-6)', () => {
  test.each(ROUTES)('%s %s?beta=true', async (method, path) => {
    const response = await ask(gateway.port, { method, path: `${path}?beta=true`, fields: `${JSON_TYPE}${BETA_LINES}anthropic-version: 2099-12-31\r\n`, body: method === 'GET' || method === 'DELETE' ? '' : '{}' });
    expect(statusOf(response)).toBe(200);
    expect(outbound().startLine).toBe(`${method} ${path}?beta=true HTTP/1.1`);
    expect(outbound().bytes.toString('latin1')).toContain(`\r\n${BETA_LINES}`);
    expect(fieldValues(outbound().rawHeaders, 'anthropic-version')).toEqual(['2099-12-31']);
  });
});

describe('streaming and betas do not depend on each other (FR-14)', () => {
  const streams = ['"stream":true,', '"stream":false,', ''];
  const betas = ['', 'anthropic-beta: one\r\n', 'anthropic-beta: one,two\r\n', 'anthropic-beta: one\r\nanthropic-beta: two\r\n', 'anthropic-beta: \r\n', `anthropic-beta: ${'long-beta-2026-01-01,'.repeat(200)}last\r\n`];
  test.each(streams.flatMap((stream) => betas.map((beta) => [stream, beta.slice(0, 60), beta] as const)))('%j with %j', async (stream, _shown, beta) => {
    const body = `{${stream}"model":"m","messages":[]}`;
    const response = await ask(gateway.port, { fields: JSON_TYPE + beta, body });
    expect([statusOf(response), response.complete]).toEqual([200, true]);
    expect(response.body.includes('message_stop')).toBe(stream.includes('true'));
    expect(outbound().body.toString()).toBe(body);
    const sent = beta.split('\r\n').filter((line) => line !== '').map((line) => line.slice('anthropic-beta: '.length));
    expect(fieldValues(outbound().rawHeaders, 'anthropic-beta')).toEqual(sent);
  });
});

test('a beta and the body member that needs it cross together (FR-8)', async () => {
  const body = '{"model":"m","messages":[],"context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]},"speed":"fast","of_tomorrow":[{}]}';
  await ask(gateway.port, { fields: `${JSON_TYPE}anthropic-beta: context-management-2025-06-27\r\n`, body });
  expect([fieldValues(outbound().rawHeaders, 'anthropic-beta'), outbound().body.toString()]).toEqual([['context-management-2025-06-27'], body]);
});

test('custom headers that the operator names cross, others are dropped and counted, never silently (FR-5, FR-12)', async () => {
  const before = await gateway.series('penstock_headers_dropped_total{direction="request",reason="not_allowed"}');
  await ask(gateway.port, { fields: `${JSON_TYPE}X-Team: payments\r\nx-tenant-id: 7\r\nX-Unnamed: 1\r\n`, body: '{}' });
  expect([fieldValues(outbound().rawHeaders, 'x-team'), fieldValues(outbound().rawHeaders, 'x-tenant-id'), fieldValues(outbound().rawHeaders, 'x-unnamed')]).toEqual([['payments'], ['7'], []]);
  expect(await gateway.series('penstock_headers_dropped_total{direction="request",reason="not_allowed"}')).toBe(before + 1);
});

test('no header of an SDK is ever made up: a bare request leaves with nothing but framing, our key, the version and Via (FR-18)', async () => {
  await ask(gateway.port, { body: '{}' });
  const names = outbound().rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  expect(names.toSorted()).toEqual(['anthropic-version', 'connection', 'content-length', 'content-type', 'host', 'via', 'x-api-key']);
  await ask(gateway.port, { fields: `${JSON_TYPE}User-Agent: my-tool/1\r\n`, body: '{}' });
  expect(fieldValues(outbound().rawHeaders, 'user-agent')).toEqual(['my-tool/1']);
});

const UNIFIED = [
  'anthropic-ratelimit-unified-status', 'rejected', 'anthropic-ratelimit-unified-5h-status', 'rejected', 'anthropic-ratelimit-unified-5h-reset', '1790000000', 'anthropic-ratelimit-unified-5h-utilization', '1.0',
  'anthropic-ratelimit-unified-7d-status', 'allowed_warning', 'anthropic-ratelimit-unified-representative-claim', 'five_hour', 'anthropic-ratelimit-unified-fallback-percentage', '0.5',
  'anthropic-ratelimit-unified-overage-disabled-reason', 'org_level_disabled', 'anthropic-ratelimit-requests-limit', '50', 'anthropic-ratelimit-requests-remaining', '0', 'retry-after', '17', 'x-should-retry', 'true', 'request-id', 'req_1',
] as const;
const valuesIn = (rawHeaders: readonly string[]): string[] => UNIFIED.filter((_, index) => index % 2 === 0).flatMap((name) => [name, ...fieldValues(rawHeaders, name)]);

describe('rate-limit fields reach the client whole', () => {
  test('on a 429, with retry-after, unified fields and body as they were (FR-15, FR-16)', async () => {
    const error = '{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your account\'s rate limit."},"request_id":"req_1"}';
    await using limited = await startScriptedUpstream(answerAlways(wholeResponse(429, ['content-type', 'application/json', ...UNIFIED], error)));
    await using front = await startTestGateway(limited.origin);
    const response = await ask(front.port, { body: '{}' });
    expect([statusOf(response), response.body.toString(), valuesIn(response.rawHeaders)]).toEqual([429, error, [...UNIFIED]]);
    expect(fieldValues(response.rawHeaders, 'x-penstock-error')).toEqual([]);
    const client = new Anthropic({ apiKey: 'k', baseURL: front.anthropic, maxRetries: 0 });
    const failure = await client.messages.create({ model: 'm', max_tokens: 1, messages: [] }).catch((caught: unknown) => caught) as InstanceType<typeof Anthropic.APIError>;
    expect([failure.status, failure.headers?.get('retry-after'), failure.headers?.get('anthropic-ratelimit-unified-status')]).toEqual([429, '17', 'rejected']);
  });

  test('on a stream, complete before its first byte (FR-17)', async () => {
    const fields = Array.from({ length: UNIFIED.length / 2 }, (_, index) => `${UNIFIED[index * 2]}: ${UNIFIED[index * 2 + 1]}\r\n`).join('');
    let readHead: (() => void) | undefined;
    const hasReadHead = new Promise<void>((resolve) => { readHead = resolve; });
    await using streaming = await startScriptedUpstream(async (connection) => {
      await connection.nextRequest();
      connection.send(STREAM_HEAD.replace('\r\n\r\n', `\r\n${fields}\r\n`));
      await hasReadHead;
      connection.send(Buffer.concat([chunk('event: ping\ndata: {}\n\n'), Buffer.from(LAST_CHUNK)]));
    });
    await using front = await startTestGateway(streaming.origin);
    const response = await fetch(`${front.anthropic}/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"stream":true}' });
    // The upstream sends its body only now: the head came alone, and whole.
    expect(valuesIn([...response.headers].flat())).toEqual([...UNIFIED]);
    readHead?.();
    expect(await response.text()).toBe('event: ping\ndata: {}\n\n');
  });
});

test('HEAD /anthropic/api/hello is answered here, and is in no access log (FR-19)', async () => {
  const [forwarded, logged] = [upstream.requests.length, gateway.logged.length];
  expect(statusOf(await ask(gateway.port, { method: 'HEAD', path: '/api/hello', fields: '' }))).toBe(200);
  expect([upstream.requests.length, gateway.logged.length]).toEqual([forwarded, logged]);
});

test('a prefix or name of our own is never needed: the words of the API are enough (FR-11)', async () => {
  await ask(gateway.port, { fields: `${JSON_TYPE}x-penstock-anthropic-beta: ignored\r\nanthropic-beta: real\r\n`, body: '{}' });
  expect([fieldValues(outbound().rawHeaders, 'anthropic-beta'), fieldValues(outbound().rawHeaders, 'x-api-key')]).toEqual([['real'], [TEST_KEY]]);
  expect(outbound().bytes.includes('ignored')).toBe(false);
});
