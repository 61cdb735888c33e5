import { describe, expect, test } from 'vitest';
import { createClaudeCodeGateway, openSqliteDatabase, type SqlDatabase } from '../src/index.ts';
import { MOUNT, SESSION_KEY, startTestGateway, type OauthAnswer, type TestGateway } from './support/start-test-gateway.ts';

const refresh = (gateway: TestGateway, token: unknown): Promise<OauthAnswer> => gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: String(token) });
const tokenRequests = (gateway: TestGateway): number => gateway.provider.asked.filter((path) => path === '/token').length;
const acts = (gateway: TestGateway): readonly string[] => gateway.audited.map(({ event, result, reason }) => [event, result, ...(reason === undefined ? [] : [reason])].join(' '));
const answerToken = (gateway: TestGateway, status: number, body: string, times = Number.POSITIVE_INFINITY): void => {
  let answered = 0;
  gateway.provider.intercept = (request, response) => {
    if (request.url !== '/token' || answered >= times) return false;
    answered += 1;
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    return true;
  };
};

describe('refresh', () => {
  test('refresh: rotates the token, asks the provider once, and keeps the e-mail out of the answer', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const first = await gateway.signIn();
    const before = tokenRequests(gateway);
    const second = await refresh(gateway, first['refresh_token']);
    expect(second).toMatchObject({ status: 200, json: { token_type: 'Bearer', expires_in: 3600 } });
    expect(Object.keys(second.json).toSorted()).toEqual(['access_token', 'expires_in', 'refresh_token', 'token_type']);
    expect(tokenRequests(gateway) - before).toBe(1);
    expect((await refresh(gateway, second.json['refresh_token'])).status).toBe(200);
  });

  test('refresh: twenty at once with one token are one question to the provider and one successor', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const first = await gateway.signIn();
    const before = tokenRequests(gateway);
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(gateway, first['refresh_token'])));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ json }) => json['refresh_token'])).size).toBe(1);
    expect(tokenRequests(gateway) - before).toBe(1);
  });

  test('refresh: two gateways with one store are one as well', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const first = await gateway.signIn();
    const replica = createClaudeCodeGateway({
      publicUrl: new URL(gateway.base).origin, mount: MOUNT, sessionKeys: [SESSION_KEY], database: gateway.database,
      provider: gateway.oidc,
    });
    stack.defer(() => replica.close());
    const before = tokenRequests(gateway);
    const body = Buffer.from(new URLSearchParams({ grant_type: 'refresh_token', refresh_token: String(first['refresh_token']) }).toString());
    const route = replica.routes.get('/oauth/token');
    if (route?.access !== 'open') throw new Error('the token endpoint is open');
    const asked = { method: 'POST', query: '', headers: { 'content-type': 'application/x-www-form-urlencoded' }, address: '192.0.2.7', body };
    const [here, there] = await Promise.all([refresh(gateway, first['refresh_token']), route.handle(asked)]);
    expect([here.status, there.status]).toEqual([200, 200]);
    expect((JSON.parse(there.body.toString()) as Record<string, unknown>)['refresh_token']).toBe(here.json['refresh_token']);
    expect(tokenRequests(gateway) - before).toBe(1);
  });

  test('refresh: the previous token yields the same successor within the grace, and ends the session after it', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const first = await gateway.signIn();
    const second = await refresh(gateway, first['refresh_token']);
    gateway.advance(30_000);
    const before = tokenRequests(gateway);
    expect((await refresh(gateway, first['refresh_token'])).json['refresh_token']).toBe(second.json['refresh_token']);
    expect(tokenRequests(gateway)).toBe(before);
    gateway.advance(31_000);
    expect(await refresh(gateway, first['refresh_token'])).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect(await refresh(gateway, second.json['refresh_token'])).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect((await gateway.get('/managed/settings', String(second.json['access_token']))).status).toBe(401);
    expect(acts(gateway)).toContain('session.revoke ok replayed_token');
  });

  test.each([1, 2, 5])('refresh: a process that comes with a token of %i rotations ago, within its grace, gets the newest one', async (rotations) => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const first = await gateway.signIn();
    let newest: unknown = first['refresh_token'];
    for (let rotation = 1; rotation <= rotations; rotation += 1) {
      gateway.advance(5_000);
      newest = (await refresh(gateway, newest)).json['refresh_token'];
    }
    const late = await refresh(gateway, first['refresh_token']);
    expect(late).toMatchObject({ status: 200, json: { refresh_token: newest } });
    // What it stored is the current token, also after the grace of all others.
    gateway.advance(70_000);
    expect((await refresh(gateway, late.json['refresh_token'])).status).toBe(200);
    gateway.advance(70_000);
    expect((await refresh(gateway, first['refresh_token'])).status).toBe(400);
    expect(acts(gateway)).toContain('session.revoke ok replayed_token');
  });

  test('refresh: a replaced token ends the session as long as it would have lived itself', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack, { limits: { pruneMs: 20 } });
    const first = await gateway.signIn();
    const second = await refresh(gateway, first['refresh_token']);
    gateway.advance(13 * 86_400_000);
    // The sign-in itself is over: when it is deleted, what else is over has been deleted as well.
    await expect.poll(async () => await gateway.database.run([{ sql: 'SELECT device_digest FROM sign_in_grants', values: [] }])).toEqual([[]]);
    expect((await refresh(gateway, first['refresh_token'])).status).toBe(400);
    expect(acts(gateway)).toContain('session.revoke ok replayed_token');
    expect((await refresh(gateway, second.json['refresh_token'])).status).toBe(400);
  });

  test('refresh: a token lives for refreshTtlSeconds since it was issued', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack, { limits: { refreshTtlSeconds: 7_200 } });
    const first = await gateway.signIn();
    gateway.advance(7_000_000);
    const second = await refresh(gateway, first['refresh_token']);
    expect(second.status).toBe(200);
    gateway.advance(7_200_000);
    expect(await refresh(gateway, second.json['refresh_token'])).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  test.each([
    ['500', 500, '{}'], ['429', 429, '{"error":"slow_down"}'], ['401 invalid_client', 401, '{"error":"invalid_client"}'], ['400 invalid_scope', 400, '{"error":"invalid_scope"}'],
    ['400 without a body', 400, ''], ['200 that is no JSON', 200, 'nonsense'], ['a redirect', 302, ''],
  ] as const)('refresh: the provider\'s %s is 503, and consumes nothing', async (_name, status, body) => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const first = await gateway.signIn();
    answerToken(gateway, status, body);
    const refused = await refresh(gateway, first['refresh_token']);
    expect(refused).toMatchObject({ status: 503, json: { error: 'temporarily_unavailable' } });
    expect(refused.headers.get('retry-after')).toBe('5');
    expect((await gateway.get('/managed/settings', String(first['access_token']))).status).toBe(404);
    gateway.provider.intercept = () => false;
    expect((await refresh(gateway, first['refresh_token'])).status).toBe(200);
  });

  test('refresh: a provider that does not answer is 503 after the timeout, and one that is gone is 503', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack, { oidc: { timeoutMs: 2_000 } });
    const first = await gateway.signIn();
    gateway.provider.intercept = (request) => request.url === '/token';
    expect((await refresh(gateway, first['refresh_token'])).status).toBe(503);
    expect(acts(gateway).at(-1)).toBe('session.refresh unavailable provider_timeout');
    gateway.provider.intercept = (request) => {
      request.socket.destroy();
      return true;
    };
    expect((await refresh(gateway, first['refresh_token'])).status).toBe(503);
    gateway.provider.intercept = () => false;
    expect((await refresh(gateway, first['refresh_token'])).status).toBe(200);
  });

  test('refresh: only invalid_grant of the provider ends the session', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const first = await gateway.signIn();
    answerToken(gateway, 400, '{"error":"invalid_grant"}');
    expect(await refresh(gateway, first['refresh_token'])).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect((await gateway.get('/managed/settings', String(first['access_token']))).status).toBe(401);
    expect(acts(gateway).slice(-2)).toEqual(['session.revoke ok invalid_grant', 'session.refresh refused invalid_grant']);
  });

  test('refresh: a provider whose new refresh token came with an ID token that cannot be verified loses no session', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const first = await gateway.signIn();
    // The signing keys are away for the time of one refresh: the provider has rotated its token by then.
    gateway.provider.intercept = (request, response) => {
      if (request.url !== '/jwks') return false;
      response.writeHead(500).end();
      return true;
    };
    expect((await refresh(gateway, first['refresh_token'])).status).toBe(503);
    gateway.provider.intercept = () => false;
    expect((await refresh(gateway, first['refresh_token'])).status).toBe(200);
  });

  test('refresh: the name that a refresh leaves out is kept, a changed group and e-mail are taken', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const first = await gateway.signIn();
    gateway.provider.accounts.set('alice', { email: 'alice@new.example', emailVerified: true, groups: ['sales'] });
    const second = await refresh(gateway, first['refresh_token']);
    expect(await gateway.gateway.verify(String(second.json['access_token']))).toMatchObject({ subject: 'alice', name: 'Alice', email: 'alice@new.example', groups: ['sales'] });
  });

  test.each([
    ['leaves the allowed groups', { allowedGroups: ['engineers'] }, { email: 'alice@example.com', emailVerified: true, groups: ['sales'] }, 'group'],
    ['moves to a domain that may not sign in', { allowedEmailDomains: ['example.com'] }, { email: 'alice@other.example', emailVerified: true, groups: ['engineers'] }, 'email_domain'],
    ['loses the verification of the e-mail', {}, { email: 'alice@example.com', emailVerified: false, groups: ['engineers'] }, 'email_unverified'],
  ] as const)('refresh: a person who %s is signed out', async (_name, rules, account, reason) => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack, { oidc: { claims: { email: 'email', groups: 'groups', ...rules } } });
    const first = await gateway.signIn();
    gateway.provider.accounts.set('alice', account);
    expect(await refresh(gateway, first['refresh_token'])).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect(acts(gateway)).toContain(`session.revoke ok ${reason}`);
  });

  test('refresh: without a refresh token of the provider none is given', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack, { providerOptions: { issueRefreshToken: async () => false } });
    const token = await gateway.signIn();
    expect(token['refresh_token']).toBeUndefined();
    expect((await gateway.get('/managed/settings', String(token['access_token']))).status).toBe(404);
  });
});

describe('a store that fails', () => {
  interface Failing extends SqlDatabase {
    /** Which transactions fail, by their first statement. */
    fails: (sql: string) => boolean;
  }
  const failing = (): Failing => {
    const database = openSqliteDatabase(':memory:');
    const self: Failing = {
      fails: () => false,
      run: (statements) => (statements.some(({ sql }) => self.fails(sql)) ? Promise.reject(new Error('down')) : database.run(statements)),
      close: () => database.close(),
    };
    return self;
  };

  test('a store that is down: OAuth errors with 503, pages with 503, tokens stay good, and everything goes on afterwards', async () => {
    await using stack = new AsyncDisposableStack();
    const database = failing();
    const gateway = await startTestGateway(stack, { database });
    const first = await gateway.signIn();
    database.fails = () => true;
    const answers = await Promise.all([
      gateway.post('/oauth/device_authorization', {}), refresh(gateway, first['refresh_token']), gateway.post('/oauth/token', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: 'x' }),
      gateway.post('/oauth/revoke', { token: String(first['access_token']) }),
    ]);
    expect(answers.map(({ status, json }) => [status, json['error']])).toEqual(answers.map(() => [503, 'temporarily_unavailable']));
    expect((await gateway.get('/managed/settings', String(first['access_token']))).status).toBe(404);
    database.fails = () => false;
    expect((await refresh(gateway, first['refresh_token'])).status).toBe(200);
  });

  test('a store that fails between the provider\'s answer and ours: the provider\'s new token is kept in memory, and the next refresh uses it', async () => {
    await using stack = new AsyncDisposableStack();
    const database = failing();
    const gateway = await startTestGateway(stack, { database });
    const first = await gateway.signIn();
    database.fails = (sql) => sql.startsWith('UPDATE sign_in_refresh_tokens');
    expect((await refresh(gateway, first['refresh_token'])).status).toBe(503);
    database.fails = () => false;
    // The provider takes its old token no longer: a replay of it would revoke the whole grant.
    expect((await refresh(gateway, first['refresh_token'])).status).toBe(200);
  });
});

describe('revocation', () => {
  test.each(['access_token', 'refresh_token'] as const)('revocation: by the %s ends the session', async (kind) => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const token = await gateway.signIn();
    const answer = await gateway.post('/oauth/revoke', { token: String(token[kind]), token_type_hint: kind });
    expect([answer.status, answer.json]).toEqual([200, {}]);
    expect((await gateway.get('/managed/settings', String(token['access_token']))).status).toBe(401);
    expect((await refresh(gateway, token['refresh_token'])).status).toBe(400);
  });

  test('revocation: of an expired access token ends the session too, of another text is answered alike', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const token = await gateway.signIn();
    gateway.advance(4_000_000);
    expect((await gateway.post('/oauth/revoke', { token: String(token['access_token']) })).status).toBe(200);
    expect((await refresh(gateway, token['refresh_token'])).status).toBe(400);
    expect((await gateway.post('/oauth/revoke', { token: 'nonsense' })).status).toBe(200);
    expect((await gateway.post('/oauth/revoke', {})).status).toBe(400);
  });

  test('revocation: reaches another gateway with the same store, and is known to one that starts later', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const token = await gateway.signIn();
    const revoked: string[] = [];
    const startReplica = () => createClaudeCodeGateway({
      publicUrl: new URL(gateway.base).origin, mount: MOUNT, sessionKeys: [SESSION_KEY], database: gateway.database, limits: { revocationPollMs: 20 },
      provider: gateway.oidc, onRevoked: (sessionId) => { revoked.push(sessionId); },
    });
    const replica = startReplica();
    expect(await replica.verify(String(token['access_token']))).toMatchObject({ subject: 'alice' });
    await gateway.post('/oauth/revoke', { token: String(token['access_token']) });
    await expect.poll(() => replica.verify(String(token['access_token']))).toBeUndefined();
    expect(await replica.judge(String(token['access_token']))).toEqual({ ok: false, reason: 'revoked', claims: expect.objectContaining({ subject: 'alice' }) });
    expect(revoked).toHaveLength(1);
    const later = startReplica();
    await expect.poll(() => later.verify(String(token['access_token']))).toBeUndefined();
  });
});
