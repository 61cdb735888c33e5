import { createHash } from 'node:crypto';
import { startSimulator } from '@penstock/anthropic-simulator';
import { DROP_REASONS } from '@penstock/header-policy';
import { expect, test } from 'vitest';
import { runPenstock } from '../run-penstock.ts';
import type { TestGateway } from '../start-test-gateway.ts';
import { ask, openAiBackend, ORIGIN_KEY, startOrigin, startRelayGateway } from './relay-world.ts';

/** Each acts on a reverse proxy in front of us, on a browser for our site, or on a client's trust; none may cross. */
const HOSTILE: Readonly<Record<string, string>> = {
  'X-Accel-Redirect': '/etc/passwd', 'X-Sendfile': '/etc/passwd', 'X-Lighttpd-Send-File': '/etc/passwd', 'X-Reproxy-Url': 'http://127.0.0.1/',
  'Authorization': `Bearer ${ORIGIN_KEY}`, 'X-Api-Key': ORIGIN_KEY, 'Set-Cookie': 'a=b', 'X-Penstock-Error': 'overloaded', 'X-Penstock-Request-Id': 'pen_forged',
  'Refresh': '0; url=https://elsewhere.test', 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Resource-Policy': 'cross-origin', 'Service-Worker-Allowed': '/', 'Clear-Site-Data': '"*"',
  'Strict-Transport-Security': 'max-age=1', 'Alt-Svc': 'h3=":443"', 'Access-Control-Allow-Origin': '*', 'Proxy-Authenticate': 'Basic', 'Nel': '{}', 'Report-To': '{}', 'Expect': '100-continue', 'X-Hop': 'x',
};
const KEPT = { 'x-request-id': 'req_1', 'openai-processing-ms': '7', 'x-ratelimit-remaining-tokens': '9', 'content-type': 'application/json', 'vary': 'Accept' };

test('fields of an OpenAI-compatible origin cross by the header policy, in the process that is shipped', async () => {
  await using origin = await startOrigin((_request, response) => { response.writeHead(200, { ...KEPT, ...HOSTILE, Connection: 'X-Hop' }).end('{"object":"list","data":[]}'); });
  await using penstock = await runPenstock({
    flags: [], environment: { ANTHROPIC_API_KEY: 'sk-ant-test', ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' },
    document: { openai_front_door: { backends: [openAiBackend(origin)] } },
  });
  for (const [method, path] of [['POST', '/v1/chat/completions'], ['POST', '/v1/embeddings'], ['GET', '/v1/files'], ['GET', '/v1/models/x']] as const) {
    const response = await fetch(`${penstock.origin}${path}`, { method, ...(method === 'POST' ? { headers: { 'content-type': 'application/json' }, body: '{"model":"m"}' } : {}) });
    expect(response.status).toBe(200);
    for (const name of Object.keys(HOSTILE)) expect([name, response.headers.get(name)]).toEqual([name, name === 'X-Penstock-Request-Id' ? expect.stringMatching(/^pen_(?!forged)/) : null]);
    expect(Object.fromEntries(Object.keys(KEPT).map((name) => [name, response.headers.get(name)]))).toEqual(KEPT);
    await response.text();
  }
  const metrics = await (await fetch(`${penstock.operations}/metrics`)).text();
  const dropped = (reason: string): number => Number(new RegExp(`^penstock_headers_dropped_total\\{direction="response",reason="${reason}"\\} (\\d+)$`, 'm').exec(metrics)?.[1]);
  expect({ credential: dropped('credential'), cookie: dropped('cookie'), internal: dropped('internal'), nominated: dropped('nominated'), framing: dropped('framing') })
    .toEqual({ credential: 4 * 2, cookie: 4, internal: 4 * 2, nominated: 4, framing: 4 });
  expect(dropped('denied')).toBeGreaterThanOrEqual(4 * 12);
});

const dropsOf = async (gateway: TestGateway, direction: 'request' | 'response'): Promise<Record<string, number>> => {
  const counts = await Promise.all(DROP_REASONS.map(async (reason) => [reason, await gateway.series(`penstock_headers_dropped_total{direction="${direction}",reason="${reason}"}`)] as const));
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
};

test.each(['translated', 'relayed'])('fields of a client that do not go upstream are counted, %s', async (kind) => {
  const simulator = await startSimulator();
  await using origin = await startOrigin();
  const backend = kind === 'relayed' ? openAiBackend(origin) : { name: 'claude', kind: 'anthropic', base_url: simulator.origin, api_key: 'k' };
  await using gateway = await startRelayGateway({ backends: [backend], models: [{ model: '*' }] });
  const body = JSON.stringify({ model: 'sim-text', max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] });
  const send = async (headers: Record<string, string>): Promise<Record<string, number>> => {
    expect((await ask(gateway, 'POST', '/v1/chat/completions', { body, headers })).status).toBe(200);
    return dropsOf(gateway, 'request');
  };
  const before = await send({});
  const after = await send({ 'anthropic-beta': 'a', authorization: 'Bearer x', cookie: 'a=b', 'x-forwarded-for': '1.2.3.4', 'x-own': 'y', 'openai-organization': 'org' });
  const added = Object.fromEntries(Object.entries(after).map(([reason, count]) => [reason, count - 2 * (before[reason] ?? 0)]).filter(([, count]) => count !== 0));
  // The rules for OpenAI deny the organization; those for Anthropic do not list it.
  expect(added).toEqual(kind === 'relayed'
    ? { credential: 1, cookie: 1, forwarding: 1, not_allowed: 2, denied: 1 }
    : { credential: 1, cookie: 1, forwarding: 1, not_allowed: 3 });
  await simulator.close();
});

test('fields of the API that a translated answer does not hand on are counted', async () => {
  await using upstream = await startOrigin((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'a=b', 'request-id': 'req_1', 'anthropic-organization-id': 'org', 'x-accel-redirect': '/x' })
      .end(JSON.stringify({ id: 'm', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'x' }], stop_reason: 'end_turn', usage: { input_tokens: 1, output_tokens: 1 } }));
  });
  await using gateway = await startRelayGateway({ backends: [{ name: 'claude', kind: 'anthropic', base_url: upstream.baseUrl.replace('/v1', ''), api_key: 'k' }] });
  const response = await ask(gateway, 'POST', '/v1/chat/completions', { body: '{"model":"claude-x","messages":[{"role":"user","content":"x"}]}' });
  expect([response.status, response.headers.get('request-id'), response.headers.get('anthropic-organization-id')]).toEqual([200, 'req_1', null]);
  expect(await dropsOf(gateway, 'response')).toMatchObject({ cookie: 1, denied: 2 });
});

test('`vary` of the origin and of the gateway stand side by side (a cache must not give one site\'s answer to another)', async () => {
  await using origin = await startOrigin((_request, response) => { response.writeHead(200, { 'content-type': 'application/json', 'vary': 'Accept' }).end('{}'); });
  await using gateway = await startRelayGateway({ backends: [openAiBackend(origin)] }, [], { server: { cors_origins: ['https://app.example'] } });
  const response = await ask(gateway, 'POST', '/v1/embeddings', { body: '{"model":"m"}', headers: { origin: 'https://app.example' } });
  expect([response.status, response.headers.get('vary')]).toEqual([200, 'Origin, Accept']);
});

test('the key of the operator is hashed nowhere and shown nowhere', async () => {
  await using origin = await startOrigin((request, response) => { response.writeHead(200, { 'content-type': 'application/json', 'x-api-key': String(request.headers.authorization) }).end('{}'); });
  await using gateway = await startRelayGateway({ backends: [openAiBackend(origin)] });
  const response = await ask(gateway, 'POST', '/v1/embeddings', { body: '{"model":"m"}' });
  const shown = JSON.stringify([[...response.headers], gateway.logged]);
  expect([origin.seen[0]?.headers.authorization, shown.includes(ORIGIN_KEY), shown.includes(createHash('sha256').update(ORIGIN_KEY).digest('hex'))]).toEqual([`Bearer ${ORIGIN_KEY}`, false, false]);
});
