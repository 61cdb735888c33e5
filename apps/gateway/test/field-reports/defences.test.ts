// Defences of the threat model in SECURITY.md that need the whole gateway to be attacked.
import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { answerAlways, fieldValues, sendRawRequest, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream, type WireMessage } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startOperationsServer } from '../../src/process/operations-server.ts';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';
import { ask, JSON_TYPE } from './native-request.ts';

const keyOf = (name: string): string => `pen_${name.repeat(40)}`;
const clientOf = (name: string, rest: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> =>
  ({ name, key_sha256: createHash('sha256').update(keyOf(name)).digest('hex'), ...rest });
const asClient = (name: string): string => `${JSON_TYPE}x-api-key: ${keyOf(name)}\r\n`;

let upstream: ScriptedUpstream;
beforeAll(async () => { upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'application/json'], '{}'))); });
afterAll(() => upstream.close());

const outcomeOf = (response: WireMessage): unknown[] => [statusOf(response), ...fieldValues(response.rawHeaders, 'x-penstock-error')];

describe('a client reaches only what is open to it', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway(upstream.origin, {
      anthropic_native: { allow_unknown_routes: true },
      clients: [clientOf('a', { models: ['claude-haiku-*'] }), clientOf('b', { routes: ['messages', 'files', 'unknown'] }), clientOf('c'), clientOf('d', { routes: ['messages', 'message_threads'] })],
    });
  });
  afterAll(() => gateway.close());

  test.each([
    ['another model', '{"model":"claude-opus-4"}'], ['another model in other spelling', '{"mod\\u0065l":"claude-\\u006fpus-4"}'], ['another model among fallbacks', '{"model":"claude-haiku-4","fallbacks":[{"model":"claude-opus-4"}]}'],
    ['another model of a tool', '{"model":"claude-haiku-4","tools":[{"type":"advisor_20260301","model":"claude-opus-4"}]}'],
  ])('%s is not open, wherever it is named', async (_name, body) => {
    const before = upstream.requests.length;
    expect(outcomeOf(await ask(gateway.port, { fields: asClient('a'), body }))).toEqual([404, 'model_not_open']);
    const coded = { fields: `${asClient('a')}Content-Encoding: gzip\r\n`, body: gzipSync(body) };
    expect(outcomeOf(await ask(gateway.port, coded))).toEqual([404, 'model_not_open']);
    expect(upstream.requests.length).toBe(before);
  });

  test.each([
    ['fallbacks', Array.from({ length: 64 }, () => '"claude-haiku-4"'), '"claude-opus-4"'], ['tools', Array.from({ length: 64 }, () => '{"model":"claude-haiku-4"}'), '{"model":"claude-opus-4"}'],
  ])('another model behind more %s than are read is refused (what was not read could be any)', async (member, open, closed) => {
    const bodyOf = (list: readonly string[]): string => `{"model":"claude-haiku-4","${member}":[${list.join()}]}`;
    expect(outcomeOf(await ask(gateway.port, { fields: asClient('a'), body: bodyOf(open) }))).toEqual([200]);
    expect(outcomeOf(await ask(gateway.port, { fields: asClient('a'), body: bodyOf([...open, closed]) }))).toEqual([400, 'bad_request']);
  });

  const threads = (thread: string): string => `{"model":"claude-haiku-4","thread":${thread}}`;
  const CONTINUED: readonly string[] = [
    '{"type":"continue","previous_message_id":"msg_of_another"}', '{"previous_message_id":"msg_of_another","ty\\u0070e":"continue"}', '{"type":"create","previous_message_id":"msg_of_another"}',
    '{"previous_message_id":"msg_of_another"}', '{"type":"of_tomorrow"}', '{"type":["create"]}', '{}', '[{"type":"create"}]', '"create"', 'true', `{"type":"create${'e'.repeat(2_000)}"}`,
  ];

  test.each(CONTINUED)('a message thread is continued only by a client whose routes name message_threads: %s', async (thread) => {
    const before = upstream.requests.length;
    for (const path of ['/v1/messages', '/v1/messages/count_tokens']) {
      const refused = await ask(gateway.port, { path, fields: asClient('c'), body: threads(thread) });
      expect(outcomeOf(refused)).toEqual([403, 'forbidden']);
      expect(refused.body.toString()).toContain('\\"message_threads\\" in its clients[].routes');
    }
    const coded = { fields: `${asClient('c')}Content-Encoding: gzip\r\n`, body: gzipSync(threads(thread)) };
    expect(outcomeOf(await ask(gateway.port, coded))).toEqual([403, 'forbidden']);
    expect(upstream.requests.length).toBe(before);
    expect(outcomeOf(await ask(gateway.port, { fields: asClient('d'), body: threads(thread) }))).toEqual([200]);
  });

  test('a message thread may be begun by every client, and one that names two kinds is ambiguous', async () => {
    for (const thread of ['{"type":"create"}', '{"type":"create","name":"x"}', 'null']) {
      expect(outcomeOf(await ask(gateway.port, { fields: asClient('c'), body: threads(thread) }))).toEqual([200]);
    }
    for (const body of ['{"thread":{"type":"create","type":"continue"}}', '{"thread":{"type":"create"},"thread":{"type":"continue"}}']) {
      expect(outcomeOf(await ask(gateway.port, { fields: asClient('c'), body }))).toEqual([400, 'bad_request']);
    }
  });

  test.each([['a model that is a number', '{"model":7}'], ['no model', '{}'], ['two models', '{"model":"claude-haiku-4","model":"claude-opus-4"}']])('%s is refused where models are restricted', async (_name, body) => {
    expect(outcomeOf(await ask(gateway.port, { fields: asClient('a'), body }))).toEqual([400, 'bad_request']);
  });

  test('resources of a shared workspace are closed unless a client\'s routes name them', async () => {
    const before = upstream.requests.length;
    for (const path of ['/v1/files', '/v1/files/file_of_another/content', '/v1/messages/batches/batch_of_another/results', '/v1/skills/s']) {
      expect(outcomeOf(await ask(gateway.port, { method: 'GET', path, fields: asClient('c') }))).toEqual([403, 'forbidden']);
    }
    expect(upstream.requests.length).toBe(before);
    expect(outcomeOf(await ask(gateway.port, { method: 'GET', path: '/v1/files/f', fields: asClient('b') }))).toEqual([200]);
    expect(outcomeOf(await ask(gateway.port, { method: 'GET', path: '/v1/models', fields: asClient('b') }))).toEqual([403, 'forbidden']);
  });

  test('administration never opens by the rule for unknown paths, in any letters', async () => {
    const before = upstream.requests.length;
    for (const path of ['/v1/organizations/api_keys', '/v1/Organizations/api_keys', '/v1/ORGANIZATIONS/x', '/v1/oauth/token', '/v1/OAuth/token', '/v1/compliance/x', '/v1/tunnels/t/reveal_token', '/v1/Tunnels/t/Reveal_Token']) {
      expect([path, statusOf(await ask(gateway.port, { method: path.includes('token') ? 'POST' : 'GET', path, fields: asClient('b') }))]).toEqual([path, 404]);
    }
    expect(upstream.requests.length).toBe(before);
  });
});

test('a request that comes back to its gateway ends there (no loop burns money)', async () => {
  let port = 0;
  // An upstream that sends every request back to the gateway, as a proxy with a wrong address would.
  await using mirror = await startScriptedUpstream(async (connection) => {
    const request = await connection.nextRequest();
    const again = await sendRawRequest(port, request.bytes.toString('latin1').replace(' /v1/', ' /anthropic/v1/').replace(/host: .*\r\n/i, 'Host: localhost\r\n'));
    connection.send(wholeResponse(statusOf(again), ['content-type', 'application/json', 'x-penstock-error', ...fieldValues(again.rawHeaders, 'x-penstock-error')], again.body));
  });
  await using gateway = await startTestGateway(mirror.origin);
  port = gateway.port;
  const response = await ask(gateway.port, { body: '{"model":"m"}' });
  expect(statusOf(response)).toBe(508);
  expect(mirror.requests.length).toBe(1);
});

test.each([
  ['gzip', gzipSync(Buffer.alloc(200 * 1024 * 1024, 0x20))], ['zstd', zstdCompressSync(Buffer.alloc(200 * 1024 * 1024, 0x20))],
])('200 MB in a small body of %s is refused at its limit, and the memory of it is never taken', async (coding, bomb) => {
  await using gateway = await startTestGateway(upstream.origin);
  expect(bomb.length).toBeLessThan(300_000);
  const before = process.memoryUsage().rss;
  const forwarded = upstream.requests.length;
  expect(outcomeOf(await ask(gateway.port, { fields: `${JSON_TYPE}Content-Encoding: ${coding}\r\n`, body: bomb }))).toEqual([413, 'too_large']);
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
  expect(upstream.requests.length).toBe(forwarded);
});

test('client input cannot write log lines, terminal codes or long entries', async () => {
  await using gateway = await startTestGateway(upstream.origin, { clients: [clientOf('a')] });
  const hostile = ['x\\n{"level":"fatal"}', '\xc2\x9b31mred', 'z'.repeat(9_000), '%0a%0dforged', '${jndi:ldap://x}', 'caf\xe9'];
  for (const text of hostile) {
    await ask(gateway.port, { path: `/v1/messages?q=${encodeURIComponent(text.slice(0, 200))}`, fields: `${asClient('a')}x-claude-code-session-id: ${text}\r\ntraceparent: ${text}\r\nX-Forwarded-For: ${text}\r\nUser-Agent: ${text}\r\n`, body: '{"model":"m"}' });
    await ask(gateway.port, { fields: `${JSON_TYPE}x-api-key: ${text.replaceAll(' ', '')}\r\nX-Forwarded-For: ${text}\r\n`, body: '{}' });
  }
  expect(gateway.logged.length).toBeGreaterThanOrEqual(2 * hostile.length);
  for (const entry of gateway.logged) {
    const line = JSON.stringify(entry);
    expect(line.length).toBeLessThan(2_000);
    expect(line).not.toMatch(/fatal|forged|jndi|zzzz|caf|31mred/);
  }
});

describe('the operations listener', () => {
  test('answers its own Host only, no page of a browser, and nothing but its three paths', async () => {
    const operations = await startOperationsServer({
      host: '127.0.0.1', port: 0, allowedHosts: [], lifecycle: { state: 'running' } as Parameters<typeof startOperationsServer>[0]['lifecycle'], warnings: () => ({}), scrape: () => Promise.resolve({ contentType: 'text/plain', text: 'penstock_up 1\n' }),
    });
    const send = (target: string, fields = 'Host: localhost\r\n', method = 'GET'): Promise<number> => sendRawRequest(operations.port, `${method} ${target} HTTP/1.1\r\n${fields}\r\n`).then(statusOf);
    expect(await send('/metrics')).toBe(200);
    expect(await send('/metrics', 'Host: attacker.example\r\n')).toBe(421);
    expect(await send('/metrics', 'Host: localhost\r\nOrigin: https://attacker.example\r\n')).toBe(403);
    expect(await send('/metrics', 'Host: localhost\r\nSec-Fetch-Site: cross-site\r\n')).toBe(403);
    expect(await send('/metrics', 'Host: localhost\r\nHost: localhost\r\n')).toBe(400);
    expect(await send('/metrics', 'Host: localhost\r\nContent-Length: 0\r\n', 'POST')).toBe(405);
    for (const target of ['/', '/debug/pprof', '/anthropic/v1/models', '/metrics/../livez']) expect([target, await send(target)]).toEqual([target, 404]);
    await operations.close();
  });
});
