import { expect, test } from 'vitest';
import { createClaudeCodeGateway, migrate, openSqliteDatabase, type ClaudeCodeGateway } from '../src/index.ts';
import { createSignInStore } from '../src/store/create-sign-in-store.ts';
import { SIGN_IN_MIGRATIONS, SIGN_IN_PREFIX } from '../src/store/sign-in-migrations.ts';
import { createRevocations } from '../src/tokens/revocations.ts';
import { MOUNT, SESSION_KEY, startTestGateway } from './support/start-test-gateway.ts';

const TOKEN_LIFE_MS = 3_600_000;
const MOST_SKEW_MS = 600_000;

test('revocations: are forgotten once the last token of their session has expired (ended sessions do not gather in memory)', async () => {
  let now = 1_000_000_000;
  const dropped: string[] = [];
  let asked = 0;
  const revocations = createRevocations({
    store: {
      async revokedAfter() {
        asked += 1;
        return { sids: asked === 1 ? Array.from({ length: 10_000 }, (_, index) => `s${index}`) : [], latest: 10_000 };
      },
    },
    now: () => now, tokenLifeMs: TOKEN_LIFE_MS, onRevoked: (sessionId) => { dropped.push(sessionId); },
  });
  await revocations.poll();
  expect([dropped.length, revocations.size, revocations.isRevoked('s9999')]).toEqual([10_000, 10_000, true]);
  revocations.add('s9999');
  expect(dropped).toHaveLength(10_000);
  // A token that a replica issued whose clock is ahead lives longer here.
  now += TOKEN_LIFE_MS + MOST_SKEW_MS - 1;
  await revocations.poll();
  expect(revocations.isRevoked('s9999')).toBe(true);
  now += 1;
  await revocations.poll();
  expect([revocations.size, revocations.isRevoked('s9999')]).toEqual([0, false]);
});

test('revocations: a store that fails leaves what is known, and what was revoked meanwhile is read afterwards', async () => {
  const asked: number[] = [];
  let isDown = false;
  const revocations = createRevocations({
    store: { revokedAfter: (number) => { asked.push(number); return isDown ? Promise.reject(new Error('down')) : Promise.resolve({ sids: ['known'], latest: 7 }); } },
    now: () => 1_000_000_000, tokenLifeMs: TOKEN_LIFE_MS, onRevoked: () => undefined,
  });
  await revocations.poll();
  isDown = true;
  await revocations.poll();
  expect(revocations.isRevoked('known')).toBe(true);
  isDown = false;
  await revocations.poll();
  // From where the last good look ended.
  expect(asked).toEqual([0, 7, 7]);
});

test('revocations: a store that was replaced by an older copy is read from its beginning', async () => {
  const asked: number[] = [];
  let latest = 7;
  const revocations = createRevocations({
    store: { revokedAfter: (number) => { asked.push(number); return Promise.resolve({ sids: [], latest }); } },
    now: () => 1_000_000_000, tokenLifeMs: TOKEN_LIFE_MS, onRevoked: () => undefined,
  });
  await revocations.poll();
  latest = 3;
  await revocations.poll();
  await revocations.poll();
  expect(asked).toEqual([0, 7, 0]);
});

test.each([-86_400_000, -180_000, -31_000, 0, 180_000])('a sign-out at a replica whose clock is off by %i ms: ends the session at the other replicas', async (offMs) => {
  await using stack = new AsyncDisposableStack();
  const gateway = await startTestGateway(stack);
  const { access_token: token } = await gateway.signIn() as { access_token: string };
  const startReplica = (now: () => number): ClaudeCodeGateway => {
    const replica = createClaudeCodeGateway({
      publicUrl: new URL(gateway.base).origin, mount: MOUNT, sessionKeys: [SESSION_KEY], database: gateway.database, provider: gateway.oidc, limits: { revocationPollMs: 20 }, now,
    });
    stack.defer(() => replica.close());
    return replica;
  };
  const [wrong, right] = [startReplica(() => Date.now() + offMs), startReplica(Date.now)];
  expect(await right.judge(token)).toMatchObject({ ok: true });
  // It has read something, and goes on from there.
  const { access_token: other } = await gateway.signIn() as { access_token: string };
  await gateway.post('/oauth/revoke', { token: other });
  await expect.poll(() => right.judge(other), { timeout: 30_000 }).toMatchObject({ ok: false, reason: 'revoked' });
  const route = wrong.routes.get('/oauth/revoke');
  if (route?.access !== 'open') throw new Error('the revocation endpoint is open');
  const answer = await route.handle({
    method: 'POST', query: '', headers: { 'content-type': 'application/x-www-form-urlencoded' }, address: '192.0.2.7', body: Buffer.from(new URLSearchParams({ token }).toString()),
  });
  expect(answer.status).toBe(200);
  await expect.poll(() => right.judge(token), { timeout: 30_000 }).toMatchObject({ ok: false, reason: 'revoked' });
});

test('a session that a process of an older release revokes, without a number: is read as well', async () => {
  await using stack = new AsyncDisposableStack();
  const database = openSqliteDatabase(':memory:');
  stack.defer(() => database.close());
  const store = createSignInStore(database);
  const { latest } = await store.revokedAfter(0);
  await database.run([{ sql: 'INSERT INTO sign_in_sessions (sid, identity, created_at, expires_at, revoked_at, lease_until) VALUES (?, ?, 1, 2, 3, 0)', values: ['old', '{}'] }]);
  expect(await store.revokedAfter(latest)).toEqual({ sids: ['old'], latest });
});

test('a store of before the numbers: its revocations are known to a process that starts with it', async () => {
  await using stack = new AsyncDisposableStack();
  const database = openSqliteDatabase(':memory:');
  stack.defer(() => database.close());
  await migrate(database, SIGN_IN_MIGRATIONS.slice(0, 1), SIGN_IN_PREFIX);
  await database.run([{ sql: 'INSERT INTO sign_in_sessions (sid, identity, created_at, expires_at, revoked_at, lease_until) VALUES (?, ?, 1, 2, 3, 0), (?, ?, 1, 2, NULL, 0)', values: ['old', '{}', 'alive', '{}'] }]);
  expect(await createSignInStore(database).revokedAfter(0)).toMatchObject({ sids: ['old'] });
});
