import { Buffer } from 'node:buffer';
import { generateKeyPairSync } from 'node:crypto';
import { CompactSign, SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { createClaudeCodeGateway } from '../src/index.ts';
import { answerRefreshes, REFRESH_ANSWERS } from './support/answer-refreshes.ts';
import { MOUNT, SESSION_KEY, startTestGateway } from './support/start-test-gateway.ts';

const KEY = Buffer.from(SESSION_KEY);
const now = (): number => Math.floor(Date.now() / 1000);

describe('access tokens', () => {
  test('an access token: is a JWT with the claims that the client shows, and carries no billing group', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { access_token: token } = await gateway.signIn();
    const [header, payload] = String(token).split('.').map((part) => JSON.parse(Buffer.from(part, 'base64url').toString('latin1').startsWith('{') ? Buffer.from(part, 'base64url').toString() : '{}') as Record<string, unknown>);
    expect(header).toMatchObject({ alg: 'HS256', typ: 'JWT' });
    expect(Object.keys(payload ?? {}).toSorted()).toEqual(['aud', 'email', 'exp', 'groups', 'iat', 'iss', 'name', 'sid', 'sub']);
    expect(payload).toMatchObject({ aud: 'claude-gateway', iss: gateway.base, sub: 'alice', email: 'alice@example.com', groups: ['engineers', 'all'] });
    expect(Number(payload?.['exp']) - Number(payload?.['iat'])).toBe(3_600);
  });

  test('an access token: is good until it expires, to the second', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { access_token: token } = await gateway.signIn();
    gateway.advance(3_590_000);
    expect((await gateway.gateway.judge(String(token))).ok).toBe(true);
    gateway.advance(11_000);
    expect(await gateway.gateway.judge(String(token))).toEqual({ ok: false, reason: 'expired' });
    expect((await gateway.get('/managed/settings', String(token))).status).toBe(401);
  });

  test('an access token: is over after the shorter life of a gateway that was restarted, so that none of an ended session comes back', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const { access_token: token, refresh_token: refreshToken } = await gateway.signIn();
    const restart = (aheadMs: number, sessionTtlSeconds: number) => {
      const restarted = createClaudeCodeGateway({
        publicUrl: new URL(gateway.base).origin, mount: MOUNT, sessionKeys: [SESSION_KEY], database: gateway.database, provider: gateway.oidc,
        limits: { sessionTtlSeconds }, now: () => Date.now() + aheadMs,
      });
      stack.defer(() => restarted.close());
      return restarted;
    };
    const exp = (await gateway.gateway.verify(String(token)))?.expiresAt ?? 0;
    expect((await restart(0, 600).verify(String(token)))?.expiresAt).toBe(exp - 3_000);
    expect((await restart(0, 7_200).verify(String(token)))?.expiresAt).toBe(exp);
    await gateway.post('/oauth/revoke', { token: String(refreshToken) });
    // The restarted gateway reads the revocations of the last 630 seconds.
    expect(await restart(700_000, 600).judge(String(token))).toEqual({ ok: false, reason: 'expired' });
  });

  test('an access token: of a replica whose clock is ahead is good at once', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    gateway.advance(20_000);
    const { access_token: token } = await gateway.signIn();
    gateway.advance(-20_000);
    expect((await gateway.gateway.judge(String(token))).ok).toBe(true);
  });

  test('a revocation: ends the session of a token that is over by the shorter life alone', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack, { limits: { sessionTtlSeconds: 60 } });
    const { refresh_token: refreshToken } = await gateway.signIn();
    const [{ sid } = {}] = (await gateway.database.run([{ sql: 'SELECT sid FROM sign_in_sessions', values: [] }]))[0] ?? [];
    const old = await sign({ ...claims(gateway.base), sid, iat: now() - 600 });
    expect(await gateway.gateway.judge(old)).toEqual({ ok: false, reason: 'expired' });
    expect((await gateway.post('/oauth/revoke', { token: old })).status).toBe(200);
    expect((await gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: String(refreshToken) })).status).toBe(400);
  });

  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const claims = (base: string) => ({ sub: 'alice', sid: 'a', iss: base, aud: 'claude-gateway', iat: now(), exp: now() + 600 });
  const sign = (payload: Record<string, unknown>, key: Uint8Array = KEY, header: Record<string, unknown> = {}): Promise<string> => new SignJWT(payload).setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...header }).sign(key);
  const ATTACKS: ReadonlyArray<readonly [string, (base: string) => string | Promise<string>]> = [
    ['without a signature (none)', (base) => new UnsecuredJWT(claims(base)).encode()],
    ['with the header none and a signature of ours', async (base) => (await sign(claims(base))).replace(/^[^.]+/, Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url'))],
    ['of another key', (base) => sign(claims(base), Buffer.from('another-key-of-a-test-0123456789abcdefgh'))],
    ['of HS512', (base) => new SignJWT(claims(base)).setProtectedHeader({ alg: 'HS512', typ: 'JWT' }).sign(KEY)],
    ['of RS256 with a key in its header', (base) => new SignJWT(claims(base)).setProtectedHeader({ alg: 'RS256', typ: 'JWT', jwk: rsa.publicKey.export({ format: 'jwk' }) as never }).sign(rsa.privateKey)],
    ['whose kid is a path', (base) => sign(claims(base), Buffer.alloc(32), { kid: '../../dev/null' })],
    ['of another type', (base) => sign(claims(base), KEY, { typ: 'at+jwt' })],
    ['of another issuer', (base) => sign({ ...claims(base), iss: 'https://evil.example/anthropic' })],
    ['of another audience', (base) => sign({ ...claims(base), aud: 'other' })],
    ['without exp', (base) => sign({ ...claims(base), exp: undefined })],
    ['without sub', (base) => sign({ ...claims(base), sub: undefined })],
    ['without sid', (base) => sign({ ...claims(base), sid: undefined })],
    ['without iat', (base) => sign({ ...claims(base), iat: undefined })],
    ['whose sub is empty', (base) => sign({ ...claims(base), sub: '' })],
    ['that expired', (base) => sign({ ...claims(base), exp: now() - 1 })],
    ['whose iat is no number', (base) => new CompactSign(Buffer.from(JSON.stringify({ ...claims(base), iat: 'now' }))).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(KEY)],
    ['that is not valid yet', (base) => sign({ ...claims(base), nbf: now() + 600 })],
    ['that is longer than 16 KiB', (base) => sign({ ...claims(base), name: 'x'.repeat(17_000) })],
  ];

  test.each(ATTACKS)('a token %s: is refused', async (_name, forge) => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const token = await forge(gateway.base);
    expect((await gateway.gateway.judge(token)).ok).toBe(false);
    // The listener refuses the longest one before it is looked at.
    expect([401, 431]).toContain((await gateway.get('/managed/settings', token)).status);
  });

  test('a token as it should be: is accepted by the same test', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    expect((await gateway.gateway.judge(await sign(claims(gateway.base)))).ok).toBe(true);
  });

  test('session keys: all of them verify, the first one signs, and one that is taken away refuses its tokens at once', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const first = await gateway.signIn();
    const next = 'another-key-of-a-test-0123456789abcdefgh';
    gateway.gateway.update({ sessionKeys: [next, SESSION_KEY], telemetry: undefined });
    expect((await gateway.gateway.judge(String(first['access_token']))).ok).toBe(true);
    // What the old key sealed, such as the provider's refresh token, is still read.
    const second = await gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: String(first['refresh_token']) });
    expect(second.status).toBe(200);
    gateway.gateway.update({ sessionKeys: [next], telemetry: undefined });
    expect(await gateway.gateway.judge(String(first['access_token']))).toEqual({ ok: false, reason: 'invalid' });
    expect((await gateway.gateway.judge(String(second.json['access_token']))).ok).toBe(true);
    expect(() => gateway.gateway.update({ sessionKeys: ['short'], telemetry: undefined })).toThrow('sessionKeys[0] must have at least 32 characters, received 5');
    expect((await gateway.gateway.judge(String(second.json['access_token']))).ok).toBe(true);
  });

  test('session keys: a refresh seals the provider\'s token under the first one, also where the provider keeps its token, so that the old key can go', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const first = await gateway.signIn();
    const presented = answerRefreshes(gateway, (response) => { REFRESH_ANSWERS.granted(response); });
    const refresh = (token: unknown) => gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: String(token) });
    const next = 'another-key-of-a-test-0123456789abcdefgh';
    gateway.gateway.update({ sessionKeys: [next, SESSION_KEY], telemetry: undefined });
    const second = await refresh(first['refresh_token']);
    expect(second.status).toBe(200);
    gateway.gateway.update({ sessionKeys: [next], telemetry: undefined });
    expect((await refresh(second.json['refresh_token'])).status).toBe(200);
    expect([presented.length, new Set(presented).size]).toEqual([2, 1]);
  });
});
