// Bearer tokens of a real OpenID provider, on both sides of a running gateway.
import { sendRawRequest, startScriptedUpstream, statusOf, wholeResponse, type ScriptedUpstream } from '@penstock/test-support';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, TEST_KEY, type TestGateway } from '../../start-test-gateway.ts';
import { AUDIENCE, createSigningKey, goodClaims, signToken, startOpenIdProvider, type OpenIdProvider, type SigningKey } from './openid-provider.ts';

let provider: OpenIdProvider;
let key: SigningKey;
let upstream: ScriptedUpstream;
let gateway: TestGateway;

const ANSWER = JSON.stringify({ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-haiku-4-5', content: [{ type: 'text', text: 'yes' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } });

beforeAll(async () => {
  key = await createSigningKey('one');
  provider = await startOpenIdProvider([key]);
  upstream = await startScriptedUpstream(async (connection) => {
    for (;;) {
      await connection.nextRequest();
      connection.send(wholeResponse(200, ['content-type', 'application/json'], ANSWER));
    }
  });
  gateway = await startTestGateway(upstream.origin, {
    identity: { issuers: [{ name: 'idp', issuer: provider.issuer, audience: [AUDIENCE], require: { owner: ['acme'] }, claims: { email: 'email', groups: 'groups' } }] },
    policies: [
      { name: 'engineers', match: { issuer: 'idp', groups: ['engineering'] }, models: ['*'] },
      { name: 'others', match: {}, models: ['claude-haiku-*'] },
    ],
  });
});
afterAll(async () => {
  await Promise.all([gateway.close(), provider.close(), upstream.close()]);
});

const message = (token: string, model = 'claude-haiku-4-5'): Promise<Response> => fetch(`${gateway.anthropic}/v1/messages`, {
  method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body: JSON.stringify({ model, max_tokens: 1, messages: [] }),
});

describe('a token of a configured issuer', () => {
  test('admits its bearer on both sides, and none of it goes upstream', async () => {
    const token = await provider.issue({ owner: 'acme' });
    expect((await message(token)).status).toBe(200);
    const chat = await fetch(`${gateway.origin}/v1/chat/completions`, {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body: JSON.stringify({ model: 'claude-haiku-4-5', messages: [{ role: 'user', content: 'x' }] }),
    });
    expect(chat.status).toBe(200);
    const sent = upstream.requests.slice(-2).map(({ rawHeaders }) => rawHeaders.join('\n'));
    for (const fields of sent) {
      expect(fields).not.toContain(token);
      expect(fields).toContain(TEST_KEY);
    }
  });

  test('is labelled by its policy; the person, the groups and the session stand in the log line alone', async () => {
    const token = await provider.issue({ owner: 'acme', email: 'alice@example.com', email_verified: true, groups: ['engineering', 'choir'] });
    const before = gateway.logged.length;
    await fetch(`${gateway.anthropic}/v1/messages`, {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'x-claude-code-session-id': 'session-1' }, body: '{"model":"claude-opus-4-8","max_tokens":1,"messages":[]}',
    });
    await expect.poll(() => gateway.logged.slice(before).find(({ msg, session_id: session }) => msg === 'request' && session === 'session-1')).toMatchObject({
      client: 'engineers', person: 'idp:robot', email: 'alice@example.com', groups: ['engineering'], session_id: 'session-1', status: 200,
    });
    const metrics = await gateway.metrics.registry.metrics();
    expect(metrics).toMatch(/penstock_requests_total\{[^}]*client="engineers"/);
    for (const private_ of ['robot', 'alice', 'choir', 'session-1']) expect(metrics).not.toContain(private_);
    expect(JSON.stringify(gateway.logged)).not.toContain(token.slice(token.lastIndexOf('.')));
  });

  test('is asked for its model by its policy; a refused model is a 404 of the API\'s kind that names it and what is open', async () => {
    const token = await provider.issue({ owner: 'acme' });
    const refused = await message(token, 'claude-opus-4-8');
    expect(refused.status).toBe(404);
    expect(await refused.json()).toMatchObject({ type: 'error', error: { type: 'not_found_error', message: expect.stringMatching(/"claude-opus-4-8".*"claude-haiku-\*"/) as string } });
  });

  test('without what the issuer must assert is a 401 that is not to be tried again', async () => {
    const refused = await message(await provider.issue({ owner: 'other' }));
    expect(refused.status).toBe(401);
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect(await refused.json()).toMatchObject({ error: { type: 'authentication_error' } });
    expect(await gateway.series('penstock_credential_refusals_total{side="native",reason="token_claims"}')).toBe(1);
  });

  test('that was forged is refused on both sides once and for all, counted by its reason, and stands in no log', async () => {
    const stranger = await createSigningKey('one');
    const now = Math.floor(Date.now() / 1_000);
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const good = goodClaims(provider.issuer);
    const forged: readonly (readonly [reason: string, token: string])[] = [
      ['token_signature', await signToken(stranger, good)],
      ['token_signature', await signToken(stranger, good, { jwk: stranger.publicJwk })],
      ['token_key', await signToken(stranger, good, { kid: '../../dev/null' })],
      ['token_algorithm', `${encode({ alg: 'none', kid: 'one' })}.${encode(good)}.AAAA`],
      ['token_algorithm', `${encode({ alg: 'HS256', kid: 'one' })}.${encode(good)}.${'A'.repeat(43)}`],
      ['token_audience', await signToken(key, { ...good, aud: 'another' })],
      ['token_expired', await signToken(key, { ...good, exp: now - 120 })],
      ['unknown_key', await signToken(key, { ...good, iss: 'https://evil.example' })],
    ];
    const reached = upstream.requests.length;
    const counted = (side: string, reason: string): Promise<number> => gateway.series(`penstock_credential_refusals_total{side="${side}",reason="${reason}"}`);
    const expected = new Map<string, number>();
    for (const side of ['native', 'front_door']) for (const [reason] of forged) expected.set(`${side} ${reason}`, (expected.get(`${side} ${reason}`) ?? await counted(side, reason)) + 1);
    for (const [, token] of forged) {
      const refused = await message(token);
      const chat = await fetch(`${gateway.origin}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body: '{"model":"claude-haiku-4-5","messages":[]}' });
      expect([refused.status, refused.headers.get('x-should-retry'), chat.status]).toEqual([401, 'false', 401]);
    }
    for (const [name, count] of expected) {
      const [side = '', reason = ''] = name.split(' ');
      expect([name, await counted(side, reason)]).toEqual([name, count]);
    }
    expect(upstream.requests).toHaveLength(reached);
    const written = JSON.stringify([gateway.logged, await gateway.metrics.registry.metrics()]);
    for (const [, token] of forged) for (const part of token.split('.').filter(({ length }) => length > 20)) expect(written).not.toContain(part);
  });

  test('in the query is no credential', async () => {
    const token = await provider.issue({ owner: 'acme' });
    const answer = await sendRawRequest(gateway.port, `GET /anthropic/v1/models?access_token=${token} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(statusOf(answer)).toBe(401);
  });
});
