import { startSimulator, type Simulator } from '@penstock/anthropic-simulator';
import { answerAlways, fieldValues, startScriptedUpstream, wholeResponse } from '@penstock/test-support';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashClientKey } from '../../src/access/clients/client-key.ts';
import { startTestGateway, TEST_KEY, type TestGateway } from '../start-test-gateway.ts';
import { ROOT } from './code-blocks.ts';

const CLIENT_KEY = 'pen_the-key-of-alice-0123456789abcdefghijklmnop';
const ASK = { model: 'claude-sonnet-4-5', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] };

let simulator: Simulator;
let gateway: TestGateway;

beforeAll(async () => {
  simulator = await startSimulator({ apiKeys: [TEST_KEY] });
  gateway = await startTestGateway(simulator.origin, { clients: [{ name: 'alice', key_sha256: hashClientKey(CLIENT_KEY) }] });
});
afterAll(async () => {
  await gateway.close();
  await simulator.close();
});

const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> => fetch(`${gateway.anthropic}${path}`, {
  method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': CLIENT_KEY, 'accept-encoding': 'identity', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const direct = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> => fetch(`${simulator.origin}${path}`, {
  method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': TEST_KEY, 'accept-encoding': 'identity', 'anthropic-version': '2023-06-01', ...headers }, body: JSON.stringify(body),
});
const lastUpstream = (): Simulator['requests'][number] => {
  const request = simulator.requests.at(-1);
  if (request === undefined) throw new Error('nothing reached the upstream');
  return request;
};
const OWN_TITLES: readonly string[] = Array.from(readFileSync(import.meta.filename, 'utf8').matchAll(/^ {2}test\('((?:[^'\\]|\\.)+)'/gm), ([, title = '']) => title.replaceAll('\\', ''));

describe('the gateway contract of Claude Code', () => {
  test('answers the warm-up probe itself', async () => {
    const before = simulator.requests.length;
    const response = await fetch(`${gateway.anthropic}/api/hello`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(simulator.requests.length).toBe(before);
    expect(gateway.logged.filter((entry) => JSON.stringify(entry).includes('hello'))).toEqual([]);
  });

  test('carries the query of messages', async () => {
    expect((await post('/v1/messages?beta=true', ASK)).status).toBe(200);
    expect(lastUpstream().url).toBe('/v1/messages?beta=true');
  });

  test('lists models without a redirect', async () => {
    const response = await fetch(`${gateway.anthropic}/v1/models?limit=1000`, { headers: { 'x-api-key': CLIENT_KEY }, redirect: 'manual' });
    const { data } = await response.json() as { data: { id: string; display_name: string }[] };
    expect(data.filter(({ id }) => /claude|anthropic/i.test(id)).length).toBeGreaterThan(2);
    const redirected = await fetch(`${gateway.anthropic}/v1/models`, { headers: { 'x-api-key': CLIENT_KEY, 'anthropic-simulator': 'redirect=http://127.0.0.1:9/' }, redirect: 'manual' });
    expect([redirected.status, redirected.headers.get('location')]).toEqual([502, null]);
  });

  test('counts tokens', async () => {
    const { max_tokens: _, ...question } = ASK;
    const response = await post('/v1/messages/count_tokens?beta=true', question);
    expect(await response.json()).toEqual({ input_tokens: expect.any(Number) as number });
    expect(lastUpstream().url).toBe('/v1/messages/count_tokens?beta=true');
  });

  test('carries every anthropic- and x-claude-code- header', async () => {
    const sent = {
      'anthropic-version': '2023-06-01', 'anthropic-beta': 'claude-code-20250219,a-beta-of-tomorrow-2031-01-01', 'anthropic-something-new': 'yes',
      'anthropic-workspace-id': 'wrkspc_1', 'x-claude-code-session-id': 's', 'x-claude-code-agent-id': 'a', 'x-claude-code-of-tomorrow': 't',
      'anthropic-dangerous-direct-browser-access': 'true', 'x-app': 'cli', 'x-stainless-lang': 'js', 'user-agent': 'claude-cli/2.1.330 (external, sdk-cli)',
    };
    expect((await post('/v1/messages', ASK, sent)).status).toBe(200);
    const { rawHeaders } = lastUpstream();
    expect(Object.fromEntries(Object.keys(sent).map((name) => [name, fieldValues(rawHeaders, name).join('|')]))).toEqual(sent);
  });

  test('carries the body byte for byte', async () => {
    const body = `{ "model":"claude-sonnet-4-5", "max_tokens":50,\n "system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1"},{"type":"text","text":"You are Claude Code \\u00e9","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]  }`;
    expect((await post('/v1/messages?beta=true', body)).status).toBe(200);
    expect(Buffer.from(lastUpstream().body).toString()).toBe(body);
  });

  test('takes a body of two megabytes', async () => {
    const response = await post('/v1/messages', { ...ASK, messages: [{ role: 'user', content: 'word '.repeat(400_000) }] });
    expect([response.status, (await response.text()).includes('claude-sonnet')]).toEqual([200, true]);
  });

  test('takes either credential, and lets no other one pass', async () => {
    const bearer = { authorization: `Bearer ${CLIENT_KEY}` };
    expect((await post('/v1/messages', ASK)).status).toBe(200);
    expect((await fetch(`${gateway.anthropic}/v1/models`, { headers: bearer })).status).toBe(200);
    expect((await post('/v1/messages', ASK, bearer)).status).toBe(200);
    expect(fieldValues(lastUpstream().rawHeaders, 'authorization')).toEqual([]);
    expect((await post('/v1/messages', ASK, { authorization: 'Bearer another' })).status).toBe(200);
    expect(fieldValues(lastUpstream().rawHeaders, 'authorization')).toEqual([]);
  });

  test('carries an OAuth login in forward mode', async () => {
    const token = 'sk-ant-oat01-of-a-person';
    await using upstream = await startSimulator({ apiKeys: [token] });
    await using forwarding = await startTestGateway(upstream.origin, { anthropic_native: { credentials: 'forward', api_key: undefined }, openai_front_door: { enabled: false } });
    const response = await fetch(`${forwarding.anthropic}/v1/messages?beta=true`, {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'anthropic-beta': 'oauth-2025-04-20' }, body: JSON.stringify(ASK),
    });
    expect(response.status).toBe(200);
    const rawHeaders = upstream.requests.at(-1)?.rawHeaders ?? [];
    expect(['authorization', 'anthropic-beta', 'x-api-key'].map((name) => fieldValues(rawHeaders, name))).toEqual([[`Bearer ${token}`], ['oauth-2025-04-20'], []]);
  });

  test('takes the gateway\'s key beside the developer\'s own login', async () => {
    const token = 'sk-ant-oat01-of-a-person';
    await using upstream = await startSimulator({ apiKeys: [token] });
    await using forwarding = await startTestGateway(upstream.origin, {
      anthropic_native: { credentials: 'forward', api_key: undefined }, openai_front_door: { enabled: false }, clients: [{ name: 'alice', key_sha256: hashClientKey(CLIENT_KEY) }],
    });
    const ask = (headers: Record<string, string>): Promise<Response> => fetch(`${forwarding.anthropic}/v1/messages?beta=true`, {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers }, body: JSON.stringify(ASK),
    });
    expect((await ask({ 'x-penstock-key': CLIENT_KEY })).status).toBe(200);
    const rawHeaders = upstream.requests.at(-1)?.rawHeaders ?? [];
    expect(['authorization', 'x-penstock-key'].map((name) => fieldValues(rawHeaders, name))).toEqual([[`Bearer ${token}`], []]);
    expect(await forwarding.recorded(1)).toMatchObject([{ client: 'alice' }]);
    const refused = await ask({});
    expect([refused.status, await refused.text()]).toEqual([401, expect.stringContaining('x-penstock-key') as string]);
  });

  test('relays a stream with its pings', async () => {
    const body = { ...ASK, stream: true };
    const text = await (await post('/v1/messages', body)).text();
    expect(text).toBe(await (await direct('/v1/messages', body)).text());
    expect(text).toContain('event: ping');
    const commented = ': a comment\n\nevent: ping\ndata: {"type":"ping"}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n';
    await using upstream = await startScriptedUpstream(answerAlways(wholeResponse(200, ['content-type', 'text/event-stream'], commented)));
    await using other = await startTestGateway(upstream.origin);
    expect(await (await fetch(`${other.anthropic}/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).text()).toBe(commented);
  });

  test('carries errors unmodified', async () => {
    for (const model of ['sim-overloaded', 'sim-rate-limited', 'sim-spend-limit', 'sim-prompt-too-long']) {
      const [through, straight] = [await post('/v1/messages', { ...ASK, model }), await direct('/v1/messages', { ...ASK, model })];
      const withoutId = (text: string): string => text.replaceAll(/req_\w+/g, 'req');
      expect([through.status, withoutId(await through.text())]).toEqual([straight.status, withoutId(await straight.text())]);
      const kept = (response: Response): string[] => [...response.headers.keys()].filter((name) => /^retry-after|^x-should-retry|^anthropic-ratelimit/.test(name));
      expect(kept(through)).toEqual(kept(straight));
      expect(through.headers.get('x-penstock-error')).toBeNull();
    }
  });

  test('breaks a stream as it would break without the gateway', async () => {
    const body = { ...ASK, stream: true };
    const whole = await (await post('/v1/messages', body)).text();
    const boundary = whole.indexOf('\n\n', 400) + 2;
    let broken = '';
    const reading = async (): Promise<void> => {
      for await (const chunk of (await post('/v1/messages', body, { 'anthropic-simulator': `cut-at=${boundary}` })).body ?? []) broken += Buffer.from(chunk).toString();
    };
    await expect(reading()).rejects.toThrow();
    expect(broken.slice(0, boundary)).toBe(whole.slice(0, boundary));
    // Nothing is added: after an error event Claude Code asks again without streaming and for half the tokens.
    expect(broken.slice(boundary)).toBe('');
    const response = await post('/v1/messages', body, { 'anthropic-simulator': `cut-at=${boundary + 5}` });
    await expect(response.text()).rejects.toThrow();
  });

  test('a refusal of the gateway: is marked as its own', async () => {
    const response = await post('/v1/messages', ASK, { 'x-api-key': 'wrong' });
    expect([response.status, response.headers.get('x-penstock-error')]).toEqual([401, 'unauthenticated']);
    expect(await response.json()).toMatchObject({ type: 'error', error: { type: 'authentication_error', message: expect.stringMatching(/gateway/i) as string } });
  });
});

test('the page names exactly the tests that are here, so that no row promises what nothing holds', () => {
  const rows = readFileSync(join(ROOT, 'docs/claude-code-contract.md'), 'utf8').split('\n').filter((line) => /^\|.*\|.*\|.*\|$/.test(line) && !line.includes('---'));
  const claimed = rows.map((line) => line.split('|').at(-2)?.trim() ?? '').filter((title) => title !== 'test');
  expect([...new Set(claimed)].toSorted()).toEqual(OWN_TITLES.toSorted());
});
