import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { migrate, openSqliteDatabase, openSqliteThread, type SqlDatabase } from '../src/index.ts';
import { createSignInStore } from '../src/store/create-sign-in-store.ts';
import type { SignInStore } from '../src/store/sign-in-store.ts';

function scratch(stack: AsyncDisposableStack): string {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-store-'));
  stack.defer(() => { rmSync(folder, { recursive: true, force: true }); });
  return join(folder, 'state.db');
}

const GRANT = { deviceDigest: 'device', userDigest: 'user', createdAt: 1_000, expiresAt: 601_000, address: '192.0.2.1', userAgent: 'claude-code' };
const PERSON = { browser: 'browser', identity: '{"subject":"alice","groups":[]}', providerRefresh: 'sealed' };
const SESSION = { sid: 'sid', now: 2_000, expiresAt: 1_000_000, refreshDigest: 'first' };

async function withSession(database: SqlDatabase): Promise<SignInStore> {
  const store = createSignInStore(database);
  await store.createGrant(GRANT, 10);
  await store.identifyGrant('device', PERSON, 2_000);
  await store.decideGrant('device', 'browser', 'approved', 2_000);
  await store.redeemGrant('device', SESSION);
  return store;
}

const rotation = (holder: string, oldDigest: string, newDigest: string) => ({ sid: 'sid', holder, oldDigest, newDigest, successor: `sealed ${newDigest}`, identity: PERSON.identity, providerRefresh: `provider ${newDigest}`, replacedProviderRefresh: 'sealed', now: 5_000, expiresAt: 2_000_000, graceMs: 60_000 });

describe.each([
  ['in this thread', async () => openSqliteDatabase(':memory:')],
  ['in a thread of its own', async (stack: AsyncDisposableStack) => openSqliteThread(scratch(stack))],
] as const)('SQLite store, %s', (_name, open) => {
  async function start(stack: AsyncDisposableStack): Promise<SqlDatabase> {
    const database = await open(stack);
    stack.defer(() => database.close());
    return database;
  }

  test('a grant: goes through its states once, in order, and only for its browser', async () => {
    await using stack = new AsyncDisposableStack();
    const store = createSignInStore(await start(stack));
    expect(await store.createGrant(GRANT, 10)).toBe(true);
    expect(await store.createGrant({ ...GRANT, deviceDigest: 'other' }, 10)).toBe(false);
    expect(await store.decideGrant('device', 'browser', 'approved', 2_000)).toBe(false);
    expect(await store.redeemGrant('device', SESSION)).toBeUndefined();
    expect(await store.identifyGrant('device', PERSON, 2_000)).toBe(true);
    expect(await store.identifyGrant('device', { ...PERSON, browser: 'second' }, 2_000)).toBe(false);
    expect(await store.decideGrant('device', 'second', 'approved', 2_000)).toBe(false);
    expect(await store.decideGrant('device', 'browser', 'approved', 601_000)).toBe(false);
    expect(await store.decideGrant('device', 'browser', 'approved', 2_000)).toBe(true);
    expect(await store.redeemGrant('device', SESSION)).toMatchObject({ sid: 'sid', identity: PERSON.identity, providerRefresh: 'sealed' });
    expect(await store.redeemGrant('device', { ...SESSION, sid: 'again' })).toBeUndefined();
    expect(await store.findGrant('device')).toMatchObject({ status: 'redeemed', identity: undefined });
  });

  test('a grant: no more are pending than the limit', async () => {
    await using stack = new AsyncDisposableStack();
    const store = createSignInStore(await start(stack));
    expect(await store.createGrant(GRANT, 1)).toBe(true);
    expect(await store.createGrant({ ...GRANT, deviceDigest: 'second', userDigest: 'second' }, 1)).toBe(false);
    expect(await store.createGrant({ ...GRANT, deviceDigest: 'later', userDigest: 'later', createdAt: 601_000 }, 1)).toBe(true);
  });

  test('a refresh: of two processes one has the lease, and a rotation without it changes nothing', async () => {
    await using stack = new AsyncDisposableStack();
    const store = await withSession(await start(stack));
    expect(await store.takeLease('sid', 'one', 3_000, 18_000)).toBe(true);
    expect(await store.takeLease('sid', 'two', 4_000, 19_000)).toBe(false);
    expect(await store.rotate(rotation('two', 'first', 'stolen'))).toBe(false);
    expect(await store.findRefreshToken('stolen')).toBeUndefined();
    expect(await store.rotate(rotation('one', 'first', 'second'))).toBe(true);
    expect(await store.findRefreshToken('first')).toMatchObject({ replacedAt: 5_000, successor: 'sealed second' });
    expect(await store.findRefreshToken('second')).toMatchObject({ replacedAt: undefined, session: { providerRefresh: 'provider second', expiresAt: 2_000_000 } });
    expect(await store.takeLease('sid', 'two', 6_000, 21_000)).toBe(true);
    expect(await store.rotate(rotation('two', 'first', 'third'))).toBe(false);
    await store.releaseLease('sid', 'two');
    expect(await store.takeLease('sid', 'one', 6_000, 21_000)).toBe(true);
    expect(await store.takeLease('sid', 'two', 21_000, 36_000)).toBe(true);
  });

  test('a rotation of a process that lost the lease: keeps the provider\'s token, unless another process stored one meanwhile', async () => {
    await using stack = new AsyncDisposableStack();
    const store = await withSession(await start(stack));
    const providerRefresh = async (): Promise<unknown> => (await store.findRefreshToken('first'))?.session.providerRefresh;
    expect(await store.rotate(rotation('late', 'first', 'other'))).toBe(false);
    expect(await providerRefresh()).toBe('provider other');
    expect(await store.takeLease('sid', 'one', 3_000, 18_000)).toBe(true);
    expect(await store.rotate(rotation('one', 'first', 'second'))).toBe(true);
    expect(await providerRefresh()).toBe('provider second');
    expect(await store.rotate(rotation('late', 'first', 'third'))).toBe(false);
    expect(await providerRefresh()).toBe('provider second');
  });

  test('a revocation: is noted once, takes the provider\'s token away, and ends leases', async () => {
    await using stack = new AsyncDisposableStack();
    const store = await withSession(await start(stack));
    expect(await store.takeLease('sid', 'one', 3_000, 18_000)).toBe(true);
    expect(await store.revokeSession('sid', 4_000)).toBe(true);
    expect(await store.revokeSession('sid', 5_000)).toBe(false);
    expect(await store.rotate(rotation('one', 'first', 'second'))).toBe(false);
    expect(await store.findRefreshToken('first')).toMatchObject({ session: { revokedAt: 4_000, providerRefresh: undefined } });
    const { latest } = await store.revokedAfter(0);
    expect(await store.revokedAfter(latest - 1)).toEqual({ sids: ['sid'], latest });
    expect(await store.revokedAfter(latest)).toEqual({ sids: [], latest });
    expect(await store.takeLease('sid', 'two', 30_000, 45_000)).toBe(false);
  });

  test('a revocation by the holder of a lease: has no effect once another process has the lease, or had it', async () => {
    await using stack = new AsyncDisposableStack();
    const store = await withSession(await start(stack));
    expect(await store.takeLease('sid', 'one', 3_000, 18_000)).toBe(true);
    expect(await store.takeLease('sid', 'two', 18_000, 33_000)).toBe(true);
    expect(await store.revokeSession('sid', 19_000, { holder: 'one', providerRefresh: 'sealed' })).toBe(false);
    await store.releaseLease('sid', 'two');
    expect(await store.revokeSession('sid', 19_000, { holder: 'one', providerRefresh: 'sealed' })).toBe(false);
    expect(await store.takeLease('sid', 'two', 19_000, 34_000)).toBe(true);
    expect(await store.revokeSession('sid', 19_000, { holder: 'two', providerRefresh: 'sealed' })).toBe(true);
  });

  test('attempts: are counted by key and window, however many come at once', async () => {
    await using stack = new AsyncDisposableStack();
    const store = createSignInStore(await start(stack));
    const counts = await Promise.all(Array.from({ length: 20 }, () => store.countAttempt('one', 1_000, 600_000)));
    expect(counts.toSorted((left, right) => left - right)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    await store.uncountAttempt('one');
    expect(await store.countAttempt('one', 2_000, 600_000)).toBe(20);
    expect(await store.countAttempt('two', 2_000, 600_000)).toBe(1);
    expect(await store.countAttempt('one', 601_000, 600_000)).toBe(1);
  });

  test('retention: deletes what is over and keeps what is not', async () => {
    await using stack = new AsyncDisposableStack();
    const database = await start(stack);
    const store = await withSession(database);
    await store.takeLease('sid', 'one', 3_000, 18_000);
    await store.rotate(rotation('one', 'first', 'second'));
    const count = async (): Promise<unknown> => {
      const rows = await database.run(['grants', 'sessions', 'refresh_tokens', 'attempts'].map((table) => ({ sql: `SELECT COUNT(*) AS n FROM sign_in_${table}`, values: [] })));
      return rows.map(([row]) => Number(row?.['n']));
    };
    await store.countAttempt('one', 2_000, 1_000);
    expect(await count()).toEqual([1, 1, 2, 1]);
    await store.prune(4_000, 100_000, 100_000);
    expect(await count()).toEqual([1, 1, 2, 0]);
    await store.prune(601_000, 1_000, 100_000);
    expect(await count()).toEqual([0, 1, 1, 0]);
    await store.prune(2_000_000, 10_000_000, 10_000_000);
    expect(await count()).toEqual([0, 0, 0, 0]);
  });

  test('a transaction: changes nothing if one of its statements fails', async () => {
    await using stack = new AsyncDisposableStack();
    const database = await start(stack);
    await database.run([{ sql: 'CREATE TABLE t (a TEXT PRIMARY KEY)', values: [] }]);
    await expect(database.run([{ sql: 'INSERT INTO t VALUES (?)', values: ['x'] }, { sql: 'INSERT INTO t VALUES (?)', values: ['x'] }])).rejects.toThrow(/UNIQUE/);
    expect(await database.run([{ sql: 'SELECT a FROM t', values: [] }])).toEqual([[]]);
  });
});

test('SQLite file: is readable by its owner alone, keeps its content, and is refused to a second process', async () => {
  await using stack = new AsyncDisposableStack();
  const path = scratch(stack);
  const first = await openSqliteThread(path);
  await withSession(first);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await expect(openSqliteThread(path)).rejects.toThrow(/locked/);
  await first.close();
  await expect(first.run([])).rejects.toThrow(/closed|ended/);
  const second = await openSqliteThread(path);
  stack.defer(() => second.close());
  expect(await createSignInStore(second).findRefreshToken('first')).toMatchObject({ session: { sid: 'sid' } });
});

test('migrations: are applied once by two processes that start at once, and a newer schema stops the start', async () => {
  await using stack = new AsyncDisposableStack();
  const database = openSqliteDatabase(':memory:');
  stack.defer(() => database.close());
  const migrations = [{ name: 'test_0001', statements: ['CREATE TABLE things (name TEXT)'] }, { name: 'test_0002', statements: ['ALTER TABLE things ADD COLUMN size BIGINT'] }];
  await Promise.all([migrate(database, migrations, 'test_'), migrate(database, migrations, 'test_')]);
  await migrate(database, migrations, 'test_');
  expect(await database.run([{ sql: 'SELECT name, size FROM things', values: [] }])).toEqual([[]]);
  await expect(migrate(database, migrations.slice(0, 1), 'test_')).rejects.toThrow(/newer release: it has the migration test_0002/);
});
