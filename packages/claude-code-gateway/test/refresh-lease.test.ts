import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { createClaudeCodeGateway, openSqliteDatabase, type ClaudeCodeGateway, type SignInLimits, type SqlDatabase } from '../src/index.ts';
import { answerRefreshes, REFRESH_ANSWERS } from './support/answer-refreshes.ts';
import { MOUNT, SESSION_KEY, startTestGateway, withMovedClock, type OauthAnswer, type TestGateway } from './support/start-test-gateway.ts';

const refresh = (gateway: TestGateway, token: unknown): Promise<OauthAnswer> => gateway.post('/oauth/token', { grant_type: 'refresh_token', refresh_token: String(token) });
/** The same at a gateway without a listener. */
async function refreshAt(replica: ClaudeCodeGateway, token: unknown): Promise<{ readonly status: number; readonly json: Record<string, unknown> }> {
  const route = replica.routes.get('/oauth/token');
  if (route?.access !== 'open') throw new Error('the token endpoint is open');
  const body = Buffer.from(new URLSearchParams({ grant_type: 'refresh_token', refresh_token: String(token) }).toString());
  const answer = await route.handle({ method: 'POST', query: '', headers: { 'content-type': 'application/x-www-form-urlencoded' }, address: '192.0.2.7', body });
  return { status: answer.status, json: JSON.parse(answer.body.toString()) as Record<string, unknown> };
}

describe('the time of one refresh', () => {
  const TIMEOUT_MS = 1_000;
  /** Two of them are more than the whole time, one is less. */
  const SLOW_MS = 600;
  const slowly = (answer: () => void): void => { setTimeout(answer, SLOW_MS); };

  /** Signs in without a hurry; the replica that refreshes has the time limit. */
  const startImpatient = (stack: AsyncDisposableStack, gateway: TestGateway): { readonly replica: ClaudeCodeGateway; readonly reasons: readonly unknown[] } => {
    const reasons: unknown[] = [];
    const replica = createClaudeCodeGateway({
      publicUrl: new URL(gateway.base).origin, mount: MOUNT, sessionKeys: [SESSION_KEY], database: gateway.database, provider: { ...gateway.oidc, timeoutMs: TIMEOUT_MS },
      limits: { providerProbeMs: 600_000 }, audit: ({ reason }) => { reasons.push(reason); },
    });
    stack.defer(() => replica.close());
    return { replica, reasons };
  };

  test('a refresh: has one time limit for all its requests to the provider (slow tokens and slow userinfo)', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const first = await gateway.signIn();
    const { replica, reasons } = startImpatient(stack, gateway);
    gateway.provider.intercept = (request, response) => {
      if (request.url === '/token') slowly(() => { REFRESH_ANSWERS.granted(response); });
      else if (request.url === '/me') slowly(() => { REFRESH_ANSWERS.person(response); });
      else return false;
      return true;
    };
    expect((await refreshAt(replica, first['refresh_token'])).status).toBe(503);
    expect(reasons).toEqual(['provider_timeout']);
    gateway.provider.intercept = () => false;
    expect((await refresh(gateway, first['refresh_token'])).status).toBe(200);
  });

  test('a refresh: waits for the discovery document within the same time limit (slow discovery and slow tokens)', async () => {
    await using stack = new AsyncDisposableStack();
    const gateway = await startTestGateway(stack);
    const first = await gateway.signIn();
    const discovery = await (await fetch(`${gateway.oidc.issuer}/.well-known/openid-configuration`)).text();
    let isReady = false;
    gateway.provider.intercept = (request, response) => {
      if (request.url === '/me') REFRESH_ANSWERS.person(response);
      else if (request.url === '/token') slowly(() => { REFRESH_ANSWERS.granted(response); });
      else if (request.url !== '/.well-known/openid-configuration') return false;
      else if (isReady) slowly(() => { response.writeHead(200, { 'content-type': 'application/json' }).end(discovery); });
      else response.writeHead(500).end();
      return true;
    };
    const { replica, reasons } = startImpatient(stack, gateway);
    // The probe at the start has failed, so that the refresh is the one that reads the document.
    await expect.poll(() => replica.health().provider).toBe(false);
    isReady = true;
    expect((await refreshAt(replica, first['refresh_token'])).status).toBe(503);
    expect(reasons).toEqual(['provider_timeout']);
  });
});

test('a refusal of the provider to a process whose lease ran out: does not end the session that another process refreshed meanwhile', async () => {
  await using stack = new AsyncDisposableStack();
  const gateway = await startTestGateway(stack, { limits: { settleWaitMs: 1 } });
  const first = await gateway.signIn();
  const held: ServerResponse[] = [];
  answerRefreshes(gateway, (response, turn) => {
    if (turn === 1) held.push(response);
    else REFRESH_ANSWERS.granted(response, `provider-${turn}`);
  });
  const late = refresh(gateway, first['refresh_token']);
  await expect.poll(() => held.length).toBe(1);
  gateway.advance(16_000);
  const second = await refresh(gateway, first['refresh_token']);
  expect(second.status).toBe(200);
  for (const response of held) REFRESH_ANSWERS.refused(response);
  expect(await late).toMatchObject({ status: 200, json: { refresh_token: second.json['refresh_token'] } });
  expect(gateway.audited.filter(({ event }) => event === 'session.revoke')).toEqual([]);
  expect((await refresh(gateway, second.json['refresh_token'])).status).toBe(200);
});

/** A gateway whose store is down when `isDown` is set, and another one for which it never is. */
async function startFailing(stack: AsyncDisposableStack, limits: Partial<SignInLimits>): Promise<{ readonly gateway: TestGateway; readonly replica: ClaudeCodeGateway; readonly reasons: unknown[]; readonly store: { isDown: boolean } }> {
  const shared = openSqliteDatabase(':memory:');
  const store = { isDown: false };
  const failing: SqlDatabase = { run: (statements) => (store.isDown ? Promise.reject(new Error('down')) : shared.run(statements)), close: () => shared.close() };
  const gateway = await startTestGateway(stack, { database: failing, limits: { revocationPollMs: 20 } });
  const reasons: unknown[] = [];
  const replica = createClaudeCodeGateway({
    publicUrl: new URL(gateway.base).origin, mount: MOUNT, sessionKeys: [SESSION_KEY], database: withMovedClock(shared, gateway.ahead), provider: gateway.oidc, limits,
    audit: ({ reason }) => { reasons.push(reason); },
  });
  stack.defer(() => replica.close());
  return { gateway, replica, reasons, store };
}

test('a provider token that this process could not store: is not presented any more once another process stored a newer one', async () => {
  await using stack = new AsyncDisposableStack();
  const { gateway, replica, store } = await startFailing(stack, { settleWaitMs: 1 });
  const first = await gateway.signIn();
  const presented = answerRefreshes(gateway, (response, turn) => {
    if (turn === 1) store.isDown = true;
    REFRESH_ANSWERS.granted(response, `provider-${turn}`);
  });
  expect((await refresh(gateway, first['refresh_token'])).status).toBe(503);
  gateway.advance(16_000);
  const second = await refreshAt(replica, first['refresh_token']);
  expect(second.status).toBe(200);
  store.isDown = false;
  expect((await refresh(gateway, second.json['refresh_token'])).status).toBe(200);
  const [original] = presented;
  expect(presented).toEqual([original, original, 'provider-2']);
});

test('a provider whose userinfo fails after it rotated: the process that is asked next has its new token', async () => {
  await using stack = new AsyncDisposableStack();
  // Nothing but the end of the refresh itself stores the token in time.
  const gateway = await startTestGateway(stack, { limits: { revocationPollMs: 600_000 } });
  const replica = createClaudeCodeGateway({
    publicUrl: new URL(gateway.base).origin, mount: MOUNT, sessionKeys: [SESSION_KEY], database: gateway.database, provider: gateway.oidc, audit: () => undefined,
  });
  stack.defer(() => replica.close());
  const first = await gateway.signIn();
  const presented = answerRefreshes(gateway, (response, turn) => { REFRESH_ANSWERS.granted(response, `provider-${turn}`); });
  const answering = gateway.provider.intercept;
  gateway.provider.intercept = (request, response) => {
    if (request.url !== '/me') return answering(request, response);
    response.writeHead(500).end();
    return true;
  };
  expect((await refresh(gateway, first['refresh_token'])).status).toBe(503);
  gateway.provider.intercept = answering;
  expect((await refreshAt(replica, first['refresh_token'])).status).toBe(200);
  expect(presented).toEqual([expect.any(String), 'provider-1']);
});

test('a provider that takes each token once: a store that fails while it answers loses no session, though another process is asked next', async () => {
  await using stack = new AsyncDisposableStack();
  const { gateway, replica, store } = await startFailing(stack, { settleWaitMs: 30_000, leaseWaitMs: 30_000 });
  const first = await gateway.signIn();
  const presented = answerRefreshes(gateway, (response, turn) => {
    if (turn === 1) store.isDown = true;
    REFRESH_ANSWERS.granted(response, `provider-${turn}`);
  });
  expect((await refresh(gateway, first['refresh_token'])).status).toBe(503);
  gateway.advance(16_000);
  // It finds a lease that is over and was not released, and waits for the first one, whose store comes back.
  const waiting = refreshAt(replica, first['refresh_token']);
  store.isDown = false;
  expect((await waiting).status).toBe(200);
  expect(presented.slice(1)).toEqual(['provider-1']);
});

test('a provider token that may be spent: its refusal is 503 and ends no session for the time in which another process may have the newer one', async () => {
  await using stack = new AsyncDisposableStack();
  const { gateway, replica, reasons, store } = await startFailing(stack, { settleWaitMs: 1, unsettledMs: 600_000 });
  const first = await gateway.signIn();
  answerRefreshes(gateway, (response, turn) => {
    if (turn === 1) store.isDown = true;
    if (turn === 1) REFRESH_ANSWERS.granted(response, 'provider-1');
    else REFRESH_ANSWERS.refused(response);
  });
  expect((await refresh(gateway, first['refresh_token'])).status).toBe(503);
  gateway.advance(16_000);
  for (let turn = 1; turn <= 2; turn += 1) {
    expect((await refreshAt(replica, first['refresh_token'])).status).toBe(503);
    gateway.advance(200_000);
  }
  expect(reasons).toEqual(['provider_token_unsettled', 'provider_token_unsettled']);
  gateway.advance(400_000);
  expect(await refreshAt(replica, first['refresh_token'])).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  expect(reasons.slice(2)).toEqual(['invalid_grant', 'invalid_grant']);
});

test('a provider token that could not be stored: is stored by a gateway that closes', async () => {
  await using stack = new AsyncDisposableStack();
  const { gateway, replica, store } = await startFailing(stack, { settleWaitMs: 1 });
  const first = await gateway.signIn();
  const closing = createClaudeCodeGateway({
    publicUrl: new URL(gateway.base).origin, mount: MOUNT, sessionKeys: [SESSION_KEY], provider: gateway.oidc, limits: { revocationPollMs: 600_000 },
    database: { run: (statements) => gateway.database.run(statements), close: () => Promise.resolve() },
  });
  const presented = answerRefreshes(gateway, (response, turn) => {
    store.isDown = turn === 1;
    REFRESH_ANSWERS.granted(response, `provider-${turn}`);
  });
  expect((await refreshAt(closing, first['refresh_token'])).status).toBe(503);
  store.isDown = false;
  await closing.close();
  expect((await refreshAt(replica, first['refresh_token'])).status).toBe(200);
  expect(presented.slice(1)).toEqual(['provider-1']);
});

test.each([-180_000, 16_000, 180_000])('a replica whose clock is off by %i ms: takes no lease that another one has, and ends no session within the grace', async (offMs) => {
  await using stack = new AsyncDisposableStack();
  const gateway = await startTestGateway(stack);
  const first = await gateway.signIn();
  const reasons: unknown[] = [];
  const replica = createClaudeCodeGateway({
    publicUrl: new URL(gateway.base).origin, mount: MOUNT, sessionKeys: [SESSION_KEY], database: gateway.database, provider: gateway.oidc, now: () => Date.now() + offMs,
    limits: { leaseWaitMs: 1 }, audit: ({ reason }) => { reasons.push(reason); },
  });
  stack.defer(() => replica.close());
  const held: ServerResponse[] = [];
  const presented = answerRefreshes(gateway, (response) => { held.push(response); });
  const here = refresh(gateway, first['refresh_token']);
  await expect.poll(() => held.length, { timeout: 30_000 }).toBe(1);
  expect((await refreshAt(replica, first['refresh_token'])).status).toBe(503);
  expect(reasons).toEqual(['lease_busy']);
  for (const response of held) REFRESH_ANSWERS.granted(response, 'provider-1');
  const second = await here;
  expect(second.status).toBe(200);
  expect(await refreshAt(replica, first['refresh_token'])).toMatchObject({ status: 200, json: { refresh_token: second.json['refresh_token'] } });
  expect(presented).toHaveLength(1);
});
