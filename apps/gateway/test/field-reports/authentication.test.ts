// Field reports, group H: authentication and security.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulator } from '@penstock/anthropic-simulator';
import { answerAlways, fieldValues, sendRawRequest, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runToEnd } from '../run-penstock.ts';
import { startTestGateway, TEST_KEY, type TestGateway } from '../start-test-gateway.ts';
import { ask, JSON_TYPE } from './native-request.ts';

const KEY = `pen_${'h'.repeat(43)}`;
const CLIENTS = [{ name: 'laptop', key_sha256: createHash('sha256').update(KEY).digest('hex') }];
const OAUTH = 'sk-ant-oat01-the-users-own-token';

describe('OAuth tokens of Claude Code', () => {
  const FORWARD = { credentials: 'forward', api_key: undefined };

  test.each([
    ['alone', {}, ''], ['together with a key of the gateway', { clients: CLIENTS }, `x-penstock-key: ${KEY}\r\n`],
  ])('cross %s, on messages, streams and token counts (FR-130, FR-131, FR-142)', async (_name, document, fields) => {
    await using simulator = await startSimulator({ apiKeys: [OAUTH] });
    await using gateway = await startTestGateway(simulator.origin, { ...document, anthropic_native: FORWARD });
    const body = { model: 'sim-text', max_tokens: 20, messages: [{ role: 'user', content: 'hi' }] };
    const requests = [['/v1/messages?beta=true', { ...body }], ['/v1/messages?beta=true', { ...body, stream: true }], ['/v1/messages/count_tokens', { model: body.model, messages: body.messages }]] as const;
    for (const [path, value] of requests) {
      const response = await ask(gateway.port, { path, fields: `${JSON_TYPE}Authorization: Bearer ${OAUTH}\r\nanthropic-beta: oauth-2025-04-20\r\n${fields}`, body: JSON.stringify(value) });
      expect([path, statusOf(response)]).toEqual([path, 200]);
    }
    expect(simulator.requests.length).toBe(3);
    for (const { rawHeaders } of simulator.requests) {
      expect([fieldValues(rawHeaders, 'authorization'), fieldValues(rawHeaders, 'x-api-key'), fieldValues(rawHeaders, 'anthropic-beta')]).toEqual([[`Bearer ${OAUTH}`], [], ['oauth-2025-04-20']]);
      expect(rawHeaders.join()).not.toContain(KEY);
    }
  });

  test('never leave in inject mode, and are in no log (FR-129, FR-132, FR-140)', async () => {
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}')));
    await using gateway = await startTestGateway(upstream.origin);
    expect(statusOf(await ask(gateway.port, { fields: `${JSON_TYPE}Authorization: Bearer ${OAUTH}\r\n`, body: '{}' }))).toBe(200);
    await gateway.recorded(1);
    expect(upstream.requests[0]?.bytes.toString('latin1')).not.toContain(OAUTH);
    expect(fieldValues(upstream.requests[0]?.rawHeaders ?? [], 'x-api-key')).toEqual([TEST_KEY]);
    expect(JSON.stringify(gateway.logged)).not.toContain(OAUTH);
  });
});

describe('who is let in', () => {
  let upstream: ScriptedUpstream;
  let gateway: TestGateway;
  beforeAll(async () => {
    upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}')));
    gateway = await startTestGateway(upstream.origin, { clients: CLIENTS, server: { trusted_proxies: ['127.0.0.1'], allowed_hosts: ['gateway.example'] } });
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  const OPEN = ['/anthropic/health', '/anthropic/api/hello', '/', '/metrics', '/livez'];
  const CONFUSIONS = [
    ...OPEN.flatMap((path) => [`localhost${path}?`, `localhost${path}#`, `localhost:80${path}`, `gateway.example${path}`, `localhost@gateway.example${path}`].map((host) => ['/anthropic/v1/models', host] as const)),
    ...OPEN.map((path) => [`http://localhost${path}/../anthropic/v1/models`, 'localhost'] as const),
    ['http://gateway.example/anthropic/health?/../v1/models', 'localhost'], ['/anthropic/health/../v1/models', 'localhost'], ['/anthropic/health%2f..%2fv1/models', 'localhost'], ['/anthropic/v1/models?x=/anthropic/health', 'localhost'],
    ['/anthropic/v1/models', 'gateway.example'], ['//anthropic/v1/models', 'localhost'],
  ] as const;

  test.each(CONFUSIONS)('a request for %s with Host %s is not, whatever the Host says of a path that is open (FR-136)', async (target, host) => {
    const response = await sendRawRequest(gateway.port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-Host: localhost/anthropic/health\r\nX-Original-URL: /anthropic/health\r\n\r\n`);
    expect([400, 401, 421]).toContain(statusOf(response));
    expect(upstream.requests.length).toBe(0);
  });

  test('a refusal reads the same for every wrong key and names no product, table or hash (FR-134, FR-135)', async () => {
    const bodies = new Set<string>();
    for (const wrong of ['pen_wrong', `${KEY}x`, KEY.slice(0, -1), 'sk-ant-api03-x', createHash('sha256').update(KEY).digest('hex')]) {
      const response = await ask(gateway.port, { method: 'GET', path: '/v1/models', fields: `x-api-key: ${wrong}\r\n` });
      expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error')]).toEqual([401, ['unauthenticated']]);
      expect(fieldValues(response.rawHeaders, 'server')).toEqual([]);
      const { error, ...rest } = JSON.parse(response.body.toString()) as { error: unknown; request_id?: string };
      delete rest.request_id;
      bodies.add(JSON.stringify({ error, ...rest }));
      expect(response.bytes.toString('latin1')).not.toContain(wrong);
    }
    expect([...bodies]).toEqual(['{"error":{"type":"authentication_error","message":"The gateway did not accept the key of this request. It takes its own keys only; logging in to Anthropic again does not help."},"type":"error"}']);
  });

  test('a refused credential is logged with its reason and the client\'s address behind trusted proxies, and without the credential (FR-138)', async () => {
    const count = gateway.logged.length;
    await ask(gateway.port, { method: 'GET', path: '/v1/models', fields: 'x-api-key: pen_guessed\r\nX-Forwarded-For: 198.51.100.1, 203.0.113.9\r\n' });
    const [entry] = gateway.logged.slice(count).filter(({ msg }) => msg === 'credential refused');
    expect(entry).toMatchObject({ reason: 'unknown_key', client_address: '203.0.113.9', request_id: expect.stringMatching(/^pen_/) as string });
    expect(JSON.stringify(gateway.logged.slice(count))).not.toContain('pen_guessed');
  });
});

test('no field, query or redirect lets a client choose where our key goes (FR-129, FR-137)', async () => {
  const elsewhere = await startScriptedUpstream(answerAlways(wholeResponse(200, [], '{}')));
  await using upstream = await startScriptedUpstream(answerAlways(`HTTP/1.1 307 Temporary Redirect\r\nLocation: ${elsewhere.origin}/v1/messages\r\nContent-Length: 0\r\n\r\n`));
  await using gateway = await startTestGateway(upstream.origin);
  const names = ['x-base-url', 'x-api-base', 'x-upstream', 'x-target-url', 'x-forwarded-host', 'x-original-host', 'x-penstock-upstream', 'anthropic-base-url', 'x-portkey-custom-host', 'helicone-target-url'];
  const fields = names.map((name) => `${name}: ${elsewhere.origin}\r\n`).join('');
  const response = await ask(gateway.port, { path: `/v1/messages?api_base=${elsewhere.origin}`, fields: JSON_TYPE + fields, body: `{"api_base":"${elsewhere.origin}","base_url":"${elsewhere.origin}"}` });
  expect([statusOf(response), fieldValues(response.rawHeaders, 'x-penstock-error'), fieldValues(response.rawHeaders, 'location')]).toEqual([502, ['upstream_invalid'], []]);
  expect([upstream.requests.length, elsewhere.connections.length]).toEqual([1, 0]);
  await elsewhere.close();
});

test('the configuration is read and never written, and what `check` prints masked cannot be mistaken for a key (FR-141)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-'));
  const file = join(folder, 'gateway.json');
  const text = `{ "anthropic_native":\t{"api_key":"${TEST_KEY}"} }\n`;
  writeFileSync(file, text);
  const before = statSync(file).mtimeMs;
  const checked = await runToEnd(['check', '--config', file]);
  expect([checked.code, checked.stdout.includes(TEST_KEY)]).toEqual([0, false]);
  expect([readFileSync(file, 'utf8'), statSync(file).mtimeMs]).toEqual([text, before]);
  const masked = (JSON.parse(checked.stdout) as { anthropic_native: { api_key: string } }).anthropic_native.api_key;
  expect(masked).not.toMatch(/^sk-ant-[\w-]{20,}$/);
  rmSync(folder, { recursive: true });
});
