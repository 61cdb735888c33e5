// What persons may do and how much, over sockets: limits for each of them, policies that are reloaded, and a crowd.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startScriptedUpstream, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClientKey, hashClientKey } from '../../../src/access/clients/client-key.ts';
import { gatewayConfigSchema } from '../../../src/config/gateway-config.ts';
import { startTestGateway, TEST_KEY, type ConfigDocument, type TestGateway } from '../../start-test-gateway.ts';
import { AUDIENCE, createSigningKey, goodClaims, signToken, startOpenIdProvider, type OpenIdProvider, type SigningKey } from './openid-provider.ts';

const KEY = createClientKey();
const ANSWER = JSON.stringify({ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-haiku-4-5', content: [{ type: 'text', text: 'yes' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 6, output_tokens: 6 } });
const BODY = '{"model":"claude-haiku-4-5","max_tokens":1,"messages":[]}';

let provider: OpenIdProvider;
let key: SigningKey;
let upstream: ScriptedUpstream;

beforeAll(async () => {
  key = await createSigningKey('one', 'ES256');
  provider = await startOpenIdProvider([key]);
  upstream = await startScriptedUpstream(async (connection) => {
    for (;;) {
      await connection.nextRequest();
      connection.send(wholeResponse(200, ['content-type', 'application/json'], ANSWER));
    }
  });
});
afterAll(async () => {
  await Promise.all([provider.close(), upstream.close()]);
});

const issuer = (): object => ({ name: 'idp', issuer: provider.issuer, audience: [AUDIENCE], require: { owner: ['acme'] } });
const configuration = (policies: readonly object[], rest: ConfigDocument = {}): ConfigDocument => ({ identity: { issuers: [issuer()] }, policies, ...rest });
const tokenOf = (subject: string): Promise<string> => signToken(key, goodClaims(provider.issuer, { sub: subject }));
const ask = (gateway: TestGateway, fields: Readonly<Record<string, string>>, path = '/anthropic/v1/messages'): Promise<Response> =>
  fetch(gateway.origin + path, { method: path.includes('messages') ? 'POST' : 'GET', headers: { 'content-type': 'application/json', ...fields }, ...(path.includes('messages') ? { body: BODY } : {}) });
const asPerson = async (gateway: TestGateway, subject: string, path?: string): Promise<Response> => ask(gateway, { authorization: `Bearer ${await tokenOf(subject)}` }, path);
const errorOf = async (answer: Response): Promise<string> => ((await answer.json()) as { error: { message: string } }).error.message;
const reload = (gateway: TestGateway, document: ConfigDocument): void => {
  gateway.update(gatewayConfigSchema.parse({ ...document, anthropic_native: { base_url: upstream.origin, api_key: TEST_KEY }, server: { port: 0 } }));
};

test('a person without a policy: is named in the audit log, at a gateway without sign-in', async () => {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'penstock-audit-'));
  stack.defer(() => { rmSync(folder, { recursive: true, force: true }); });
  const file = join(folder, 'audit.log');
  await using gateway = await startTestGateway(upstream.origin, configuration([{ name: 'few', match: { groups: ['few'] } }], { log: { audit: file } }));
  expect((await asPerson(gateway, 'alice')).status).toBe(403);
  await expect.poll(() => readFileSync(file, 'utf8')).toMatch(/\n$/);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ stream: 'audit', event: 'auth.refuse', result: 'refused', reason: 'no_policy', issuer: 'idp', subject: 'alice', address: '127.0.0.1' });
});

describe('limits of a policy', () => {
  test.each([
    ['requests_per_minute', { requests_per_minute: 1 }],
    ['output_tokens_per_minute', { output_tokens_per_minute: 6 }],
    ['input_tokens_per_minute', { input_tokens_per_minute: 6 }],
  ])('are each person\'s own: %s', async (name, limits) => {
    await using gateway = await startTestGateway(upstream.origin, configuration([{ name: 'rest', match: {}, limits }]));
    for (const subject of ['alice', 'bob']) {
      expect((await asPerson(gateway, subject)).status).toBe(200);
      const refused = await asPerson(gateway, subject);
      expect([refused.status, refused.headers.get('x-penstock-error')]).toEqual([429, 'rate_limited']);
      expect(await errorOf(refused)).toContain(name);
    }
    expect(await gateway.series(`penstock_limit_rejections_total{client="rest",limit="${name}"}`)).toBe(2);
  });

  test('hold for a client that names the policy, counted by its own name', async () => {
    await using gateway = await startTestGateway(upstream.origin, configuration([{ name: 'rest', match: {}, limits: { requests_per_minute: 1 } }], { clients: [{ name: 'ci', key_sha256: hashClientKey(KEY), policy: 'rest' }] }));
    expect((await asPerson(gateway, 'alice')).status).toBe(200);
    expect((await ask(gateway, { 'x-api-key': KEY })).status).toBe(200);
    expect((await ask(gateway, { 'x-api-key': KEY })).status).toBe(429);
  });
});

describe.each([['native', '/anthropic/v1/messages', 'anthropic_native'], ['front_door', '/v1/chat/completions', 'openai_front_door']])('a pool that is full (%s)', (_side, path, section) => {
  test('is shared by the persons of one policy: each has a turn', async () => {
    const held: (() => void)[] = [];
    const asked: string[] = [];
    await using holding = await startScriptedUpstream(async (connection) => {
      for (;;) {
        asked.push(/for-(\w+)/.exec((await connection.nextRequest()).body.toString())?.[1] ?? '');
        await new Promise<void>((resolve) => { held.push(resolve); });
        connection.send(wholeResponse(200, ['content-type', 'application/json'], ANSWER));
      }
    });
    await using gateway = await startTestGateway(holding.origin, configuration([{ name: 'rest', match: {} }], { [section]: { pool: { max_connections: 1, max_keepalive_connections: 1 } } }));
    const askFor = async (subject: string): Promise<number> => (await fetch(gateway.origin + path, {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${await tokenOf(subject)}` },
      body: JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 1, messages: [{ role: 'user', content: `for-${subject}` }] }),
    })).status;
    const waiting = (): Promise<number> => gateway.metrics.registry.metrics().then((text) => [...text.matchAll(/penstock_upstream_pool_waiting\{[^}]*client="rest"[^}]*\} (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0));
    const answers = [askFor('alice')];
    await expect.poll(() => asked).toEqual(['alice']);
    answers.push(askFor('alice'), askFor('alice'));
    await expect.poll(waiting).toBe(2);
    answers.push(askFor('bob'));
    await expect.poll(waiting).toBe(3);
    for (let served = 1; served <= 4; served += 1) {
      await expect.poll(() => asked.length).toBe(served);
      held.shift()?.();
    }
    expect(await Promise.all(answers)).toEqual([200, 200, 200, 200]);
    // They take turns: with one share for both, bob would be last.
    expect(asked).toEqual(['alice', 'alice', 'bob', 'alice']);
  });
});

describe('a person', () => {
  test('without a policy is refused for good, and named in the log alone', async () => {
    await using gateway = await startTestGateway(upstream.origin, configuration([{ name: 'engineers', match: { issuer: 'idp', groups: ['x'] } }]));
    const refused = await asPerson(gateway, 'alice');
    expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([403, 'false']);
    expect(await errorOf(refused)).not.toMatch(/alice|engineers/);
    await expect.poll(() => gateway.logged.find(({ msg }) => msg === 'request')).toMatchObject({ person: 'idp:alice', client: 'unauthenticated', status: 403 });
  });

  test('may use no routes that show others\' work, unless the policy opens them', async () => {
    await using gateway = await startTestGateway(upstream.origin, configuration([{ name: 'rest', match: {} }]));
    expect((await asPerson(gateway, 'alice', '/anthropic/v1/files')).status).toBe(403);
    expect((await asPerson(gateway, 'alice', '/anthropic/v1/models')).status).toBe(200);
    reload(gateway, configuration([{ name: 'rest', match: {}, routes: ['files'] }]));
    expect((await asPerson(gateway, 'alice', '/anthropic/v1/files')).status).toBe(200);
    expect((await asPerson(gateway, 'alice', '/anthropic/v1/models')).status).toBe(403);
  });

  test('beside a client\'s key is one caller too many; a refused token beside it is none', async () => {
    await using gateway = await startTestGateway(upstream.origin, configuration([{ name: 'rest', match: {} }], { clients: [{ name: 'ci', key_sha256: hashClientKey(KEY) }] }));
    const token = await tokenOf('alice');
    expect((await ask(gateway, { 'x-api-key': KEY, authorization: `Bearer ${token}` })).status).toBe(401);
    expect((await ask(gateway, { 'x-api-key': KEY, authorization: `Bearer ${token}` })).status).toBe(401);
    expect((await ask(gateway, { 'x-api-key': KEY, authorization: `Bearer ${token}x` })).status).toBe(200);
    expect((await ask(gateway, { 'x-penstock-key': KEY, authorization: `Bearer ${token}` })).status).toBe(200);
    expect((await ask(gateway, { 'x-penstock-key': 'wrong', authorization: `Bearer ${token}` })).status).toBe(401);
    expect((await ask(gateway, { 'x-penstock-key': token })).status).toBe(401);
    expect((await ask(gateway, { 'x-api-key': token })).status).toBe(401);
    expect((await ask(gateway, { 'x-api-key': 'dummy', authorization: `Bearer ${token}` })).status).toBe(200);
  });

  test('is what every caller must be, or a client: none is anonymous, not on this machine either', async () => {
    await using gateway = await startTestGateway(upstream.origin, configuration([{ name: 'rest', match: {} }]));
    for (const path of ['/anthropic/v1/messages', '/v1/models']) {
      const refused = await ask(gateway, {}, path);
      expect([path, refused.status, refused.headers.get('x-should-retry')]).toEqual([path, 401, 'false']);
    }
  });
});

describe('a reload', () => {
  test('takes the models of a person away at once, although the token was verified before', async () => {
    await using gateway = await startTestGateway(upstream.origin, configuration([{ name: 'rest', match: {} }]));
    const token = await tokenOf('alice');
    const asked = (): Promise<Response> => ask(gateway, { authorization: `Bearer ${token}` });
    expect((await asked()).status).toBe(200);
    reload(gateway, configuration([{ name: 'rest', match: {}, models: ['claude-opus-*'] }]));
    expect((await asked()).status).toBe(404);
  });

  test('ends an issuer at once, and begins one', async () => {
    await using gateway = await startTestGateway(upstream.origin, configuration([{ name: 'rest', match: {} }]));
    const token = await tokenOf('alice');
    const status = async (): Promise<number> => (await ask(gateway, { authorization: `Bearer ${token}` })).status;
    expect(await status()).toBe(200);
    reload(gateway, { clients: [{ name: 'ci', key_sha256: hashClientKey(KEY) }] });
    expect(await status()).toBe(401);
    reload(gateway, configuration([{ name: 'new', match: {} }]));
    expect(await status()).toBe(200);
    expect(await gateway.metrics.registry.metrics()).toMatch(/penstock_requests_total\{[^}]*client="new"/);
  });

  test('requires something else of a token from then on', async () => {
    await using gateway = await startTestGateway(upstream.origin, configuration([{ name: 'rest', match: {} }]));
    const token = await tokenOf('alice');
    expect((await ask(gateway, { authorization: `Bearer ${token}` })).status).toBe(200);
    reload(gateway, { identity: { issuers: [{ ...issuer(), require: { owner: ['other'] } }] }, policies: [{ name: 'rest', match: {} }] });
    expect((await ask(gateway, { authorization: `Bearer ${token}` })).status).toBe(401);
  });
});

describe('an issuer that is down', () => {
  test('is a 503 that is worth another try, on both sides, and a warning; keys work on', async () => {
    await using down = await startOpenIdProvider([key]);
    down.answerWith((_request, response) => { response.writeHead(500).end(); });
    const document = { identity: { issuers: [{ ...issuer(), issuer: down.issuer }] }, policies: [{ name: 'rest', match: {} }], clients: [{ name: 'ci', key_sha256: hashClientKey(KEY) }] };
    await using gateway = await startTestGateway(upstream.origin, document, { keyTiming: { cooldownMs: 0 } });
    const token = await signToken(key, goodClaims(down.issuer));
    for (const path of ['/anthropic/v1/messages', '/v1/models']) {
      const refused = await ask(gateway, { authorization: `Bearer ${token}` }, path);
      expect([path, refused.status, refused.headers.get('x-should-retry'), refused.headers.get('retry-after'), refused.headers.get('x-penstock-error')])
        .toEqual([path, 503, 'true', '5', 'identity_unavailable']);
      expect((await refused.json() as { error: { type: string } }).error.type).not.toBe('overloaded_error');
    }
    expect(gateway.warnings()).toEqual({ issuer_idp: expect.any(String) as string });
    // Each of the two, whose way to the issuer is at fault, and not the gateway.
    for (const side of ['native', 'front_door']) {
      await expect.poll(() => gateway.sum(`penstock_request_outcomes_total{side="${side}",outcome="upstream_unreachable",fault="network"}`)).toBe(1);
      expect(await gateway.sum(`penstock_request_outcomes_total{side="${side}",fault="gateway"}`)).toBe(0);
    }
    expect((await ask(gateway, { 'x-api-key': KEY })).status).toBe(200);
    // Whether that is a second caller cannot be known.
    expect((await ask(gateway, { 'x-api-key': KEY, authorization: `Bearer ${token}` })).status).toBe(503);
    expect(JSON.stringify(gateway.logged)).not.toContain(token.slice(-40));
  });
});
