// Field reports, group I: operations and metrics. Drain and reload stand in test/lifecycle.
import { createHash } from 'node:crypto';
import { answerAlways, fieldValues, sendRawRequest, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { startSimulator } from '@penstock/anthropic-simulator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../start-test-gateway.ts';
import { ask, JSON_TYPE } from './native-request.ts';

let upstream: ScriptedUpstream;
let gateway: TestGateway;
let answers = 0;
beforeAll(async () => {
  upstream = await startScriptedUpstream(answerAlways(() => {
    answers += 1;
    return wholeResponse(200, ['content-type', 'application/json'], JSON.stringify({ type: 'message', model: `invented-${answers}`, usage: { input_tokens: 1, output_tokens: 1 } }));
  }));
  gateway = await startTestGateway(upstream.origin);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

test('500 invented models, paths, methods, agents and sessions add a bounded number of series (FR-148, FR-149)', async () => {
  const series = async (): Promise<string[]> => (await gateway.metrics.registry.metrics()).split('\n').filter((line) => line.startsWith('penstock_'));
  const send = async (index: number): Promise<void> => {
    const fields = `${JSON_TYPE}User-Agent: agent-${index}\r\nx-claude-code-session-id: session-${index}\r\nx-api-key: key-${index}\r\n`;
    await ask(gateway.port, { fields, body: `{"model":"junk-${index}","metadata":{"user_id":"user-${index}"}}` });
    await ask(gateway.port, { method: 'GET', path: `/v1/invented-${index}/${index}`, fields });
    await ask(gateway.port, { method: ['PUT', 'PATCH', 'PURGE', 'PROPFIND'][index % 4] as string, path: '/v1/models', fields });
    await sendRawRequest(gateway.port, `GET /invented-${index} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  };
  for (let index = 0; index < 100; index += 1) await send(index);
  const before = await series();
  for (let index = 100; index < 500; index += 1) await send(index);
  const after = await series();
  expect(after.length).toBe(before.length);
  expect(after.filter((line) => /junk-|user-\d|agent-\d|session-\d|key-\d/.test(line))).toEqual([]);
  expect(new Set(after.flatMap((line) => /model="(invented-\d+)"/.exec(line)?.[1] ?? [])).size).toBe(20);
});

describe('every answer says that it came through the gateway, and under which id (FR-153)', () => {
  test.each([
    ['an answer of the upstream', 'POST', '/anthropic/v1/messages'], ['a refusal', 'GET', '/anthropic/v1/nothing'], ['health', 'GET', '/anthropic/health'], ['the index', 'GET', '/'], ['the front door', 'GET', '/v1/nothing'],
    ['an ambiguous request', 'GET', '/anthropic/v1/../x'], ['neither side', 'GET', '/nowhere'],
  ])('%s', async (_name, method, path) => {
    const body = method === 'POST' ? `${JSON_TYPE}Content-Length: 2\r\n\r\n{}` : '\r\n';
    const response = await sendRawRequest(gateway.port, `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${body}`);
    expect(fieldValues(response.rawHeaders, 'x-penstock-request-id')).toEqual([expect.stringMatching(/^pen_[\w-]{20,}$/) as string]);
  });
});

describe('lists and probes of other programs', () => {
  const key = `pen_${'n'.repeat(43)}`;
  const clients = [{ name: 'n8n', key_sha256: createHash('sha256').update(key).digest('hex') }];

  test('the model list is there on both sides (FR-151)', async () => {
    await using simulator = await startSimulator();
    await using front = await startTestGateway(simulator.origin);
    const native = await (await fetch(`${front.anthropic}/v1/models?limit=1000`)).json() as { data: { id: string }[] };
    const openAi = await (await fetch(`${front.origin}/v1/models`)).json() as { object: string; data: { id: string }[] };
    expect(native.data.length).toBeGreaterThan(2);
    expect([openAi.object, openAi.data.length > 0]).toEqual(['list', true]);
  });

  test('both of n8n\'s credential probes are answered, with its fields and a client key (FR-152)', async () => {
    await using simulator = await startSimulator({ models: ['claude-haiku-4-5-20251001', 'claude-3-haiku-20240307'] });
    await using front = await startTestGateway(simulator.origin, { clients });
    const fields = `Accept: application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7\r\nanthropic-version: 2023-06-01\r\nx-api-key: ${key}\r\nUser-Agent: axios/1.12.0\r\nAccept-Encoding: gzip, compress, deflate, br\r\n`;
    expect(statusOf(await ask(front.port, { method: 'GET', path: '/v1/models', fields }))).toBe(200);
    for (const model of ['claude-haiku-4-5-20251001', 'claude-3-haiku-20240307']) {
      const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hey' }], max_tokens: 1 });
      expect(statusOf(await ask(front.port, { fields: JSON_TYPE + fields, body }))).toBe(200);
    }
    expect(statusOf(await ask(front.port, { method: 'GET', path: '/v1/models', fields: fields.replace(key, 'wrong') }))).toBe(401);
  });
});
